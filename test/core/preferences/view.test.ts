import { afterEach, describe, expect, it } from 'vitest';
import { type Bench, createBench } from '../../helpers/bench.ts';
import { memoryOf, obedientModel, write } from '../../helpers/memory.ts';

let bench: Bench;
afterEach(() => bench.stop());

const today = () => new Date().toISOString().slice(0, 10);

describe('the view of what is remembered', () => {
  it('says of every fact when it was learned, and in which conversation', async () => {
    bench = await createBench({ model: obedientModel() });
    bench.adapter.linkTo = ({ channel }) => `https://chat.example/${channel}`;
    const ann = memoryOf(bench);
    await bench.adapter.say(write('sizes.md', '# Sizes\n- shoe size: 9 (2026-03-14)\n'), { channel: 'D1' });
    await bench.adapter.say(write('trousers.md', '- waist: 32\n'), { channel: 'C2', audience: 'shared' });
    await ann.operate('/vip.md', '- vip since 2020\n');

    const view = await ann.run('memory', { type: 'view' });
    expect(view.sections.map(({ title, lines, shared }) => [title, lines, shared])).toEqual([
      ['Sizes', ['shoe size: 9 (2026-03-14)'], false],
      ['Vip', ['vip since 2020'], false],
      ['Trousers', ['waist: 32'], true],
    ]);
    expect(view.sections.flatMap(section => section.facts.map(({ id: _, ...fact }) => fact))).toEqual([
      {
        text: 'shoe size: 9',
        learnedOn: '2026-03-14',
        learnedBy: {
          type: 'agent',
          conversation: { words: 'a private conversation on Test', link: 'https://chat.example/D1' },
        },
      },
      { text: 'vip since 2020', learnedOn: today(), learnedBy: { type: 'operator' } },
      {
        text: 'waist: 32',
        learnedOn: today(),
        learnedBy: {
          type: 'agent',
          conversation: { words: 'a conversation with others on Test', link: 'https://chat.example/C2' },
        },
      },
    ]);
  });

  it('counts a fact that was taken out and came back from when it came back', async () => {
    bench = await createBench({ model: obedientModel() });
    const ann = memoryOf(bench);
    await bench.adapter.say(write('a.md', '- one\n- two\n'));
    await ann.operate('/a.md', '- two\n');
    await ann.operate('/a.md', '- two\n- one\n');
    const { sections } = await ann.run('memory', { type: 'view' });
    expect(sections[0]?.facts.map(({ text, learnedBy }) => [text, learnedBy?.type])).toEqual([
      ['two', 'agent'],
      ['one', 'operator'],
    ]);
  });

  it('is empty for a person of whom nothing is known, and says how they are remembered', async () => {
    bench = await createBench();
    const ann = memoryOf(bench);
    expect(await ann.run('memory', { type: 'view' })).toEqual({
      type: 'memory',
      sections: [],
      notices: 'thread',
      noticesAreDefault: true,
      paused: false,
      privateHere: null,
      linked: [],
      held: null,
      hasForm: true,
    });
    await ann.run('outcome', { type: 'pause' });
    await ann.run('outcome', { type: 'private', on: true }, ann.conversation());
    expect(await ann.run('memory', { type: 'view' }, ann.conversation())).toMatchObject({
      paused: true,
      privateHere: true,
    });
  });
});
