import { afterEach, describe, expect, it } from 'vitest';
import { type HistoryEntry, lineOfChange, wordsOfAuthor } from '../../../src/core/views.ts';
import { type Bench, collect, createBench } from '../../helpers/bench.ts';
import { memoryOf, obedientModel, SHELL_AGENT, write } from '../../helpers/memory.ts';

let bench: Bench;
afterEach(() => bench.stop());

const open = async () => {
  bench = await createBench({ model: obedientModel(), agent: SHELL_AGENT });
  return memoryOf(bench);
};
const told = (entry: HistoryEntry) =>
  [entry.operation, entry.title, wordsOfAuthor(entry.by), entry.lines.map(lineOfChange).join('; ')].join(
    ' | ',
  );
const undo = (n: number) => ({
  type: 'undo' as const,
  noticeId: bench.adapter.notices[n]?.notice.id ?? '',
});

describe('the history', () => {
  it('says what changed, and whether the agent, the person or an operator did it', async () => {
    const ann = await open();
    bench.adapter.linkTo = () => 'https://chat.example/1';
    await bench.adapter.say(write('a.md', '- size: 9\n'));
    await ann.operate('/a.md', '- size: 9\n- vip\n');
    const memoryId = await ann.idOf('/a.md');
    const { section } = await ann.run('file', { type: 'show', memoryId });
    await ann.run('outcome', {
      type: 'edit',
      memoryId,
      revision: section.revision,
      content: '- size: 10\n- vip\n',
    });
    await ann.run('outcome', { type: 'set', values: { budget: '$80' } });
    await bench.adapter.say('sh rm $M/budget.md');
    const { entries, more } = await ann.run('history', { type: 'history' });
    expect(entries.map(told)).toEqual([
      expect.stringMatching(
        /^deleted \| Budget \| the agent, in a private conversation on Test \| − budget: \$80$/,
      ),
      expect.stringMatching(/^created \| Budget \| you, in the form \| \+ budget: \$80$/),
      'modified | A | you, by hand | ~ size: 9 → 10',
      'modified | A | the people who run me | + vip',
      'created | A | the agent, in a private conversation on Test | + size: 9',
    ]);
    expect(entries[4]?.by).toMatchObject({ conversation: { link: 'https://chat.example/1' } });
    expect(entries.map(({ current, restorable }) => [current, restorable])).toEqual([
      [true, true],
      [false, true],
      [true, false],
      [false, true],
      [false, true],
    ]);
    expect(more).toBe(false);
    const one = await ann.run('history', { type: 'history', memoryId });
    expect(one.entries.map(entry => entry.title)).toEqual(['A', 'A', 'A']);
  });

  it('is complete over its pages', async () => {
    const ann = await open();
    await bench.adapter.say(write('a.md', '- n: 0\n'));
    for (let n = 1; n < 25; n += 1) await ann.operate('/a.md', `- n: ${n}\n`);
    const seen: string[] = [];
    for (let page = 0; ; page += 1) {
      const view = await ann.run('history', { type: 'history', page });
      seen.push(...view.entries.map(entry => entry.lines.map(lineOfChange).join()));
      if (!view.more) break;
    }
    const steps = Array.from({ length: 24 }, (_, n) => `~ n: ${23 - n} → ${24 - n}`);
    expect(seen).toEqual([...steps, '+ n: 0']);
  });

  it('tells moves, and nothing of what was forgotten', async () => {
    const ann = await open();
    await bench.adapter.say(write('a.md', '- one\n- two\n'));
    await bench.adapter.say('sh mv $M/a.md $M/b.md');
    expect((await ann.run('history', { type: 'history' })).entries[0]).toMatchObject({
      title: 'B',
      movedFrom: '/a.md',
      lines: [],
    });
    await ann.run('receipt', {
      type: 'forget',
      memoryId: await ann.idOf('/b.md'),
      confirmed: true,
    });
    const { entries } = await ann.run('history', { type: 'history' });
    expect(entries.map(told)).toEqual([
      'deleted | (forgotten) | you, forgetting | ',
      'modified | (forgotten) | the agent, in a private conversation on Test | ',
      'created | (forgotten) | the agent, in a private conversation on Test | ',
    ]);
    expect(entries.some(entry => entry.restorable)).toBe(false);
  });

  it.each([
    ['the answer is lost', { type: 'drop_after' } as const],
    ['the service fails afterwards', { type: 'status_after', status: 500 } as const],
  ])('names the person also when %s', async (_, fault) => {
    const ann = await open();
    await bench.adapter.say(write('a.md', '- one\n'));
    const memoryId = await ann.idOf('/a.md');
    const { section } = await ann.run('file', { type: 'show', memoryId });
    bench.proxy.plan(({ method, path }) =>
      method === 'POST' && /\/memories\/:id$/.test(path) ? fault : undefined,
    );
    const edit = { type: 'edit', memoryId, revision: section.revision, content: '- two\n' } as const;
    await expect(ann.run('outcome', edit)).rejects.toThrow();
    bench.proxy.plan(() => undefined);
    expect(await ann.files()).toEqual({ '/a.md': '- two\n' });
    expect((await ann.run('history', { type: 'history' })).entries[0]?.by).toEqual({
      type: 'person',
      by: 'edit',
    });
    // Later the same text by somebody else is theirs.
    await ann.operate('/a.md', '- three\n');
    await ann.operate('/a.md', '- two\n');
    expect((await ann.run('history', { type: 'history' })).entries[0]?.by).toEqual({ type: 'operator' });
  });
});

describe('restoring', () => {
  const entry = async (n: number) => {
    const found = (await memoryOf(bench).run('history', { type: 'history' })).entries[n];
    if (found === undefined) throw new Error('no such entry');
    return found;
  };

  it('brings back any version: its text, its place, and a file that was deleted', async () => {
    const ann = await open();
    await bench.adapter.say(write('a.md', '- one\n'));
    await bench.adapter.say(write('a.md', '- two\n'));
    await bench.adapter.say('sh mv $M/a.md $M/b.md');
    const first = await entry(2);
    expect(
      await ann.run('outcome', {
        type: 'restore',
        versionId: first.versionId,
        revision: first.revision ?? '',
      }),
    ).toMatchObject({ ok: true, sentence: 'Restored: A.' });
    expect(await ann.files()).toEqual({ '/a.md': '- one\n' });
    await bench.adapter.say('sh rm $M/a.md');
    await ann.run('outcome', { type: 'restore', versionId: (await entry(0)).versionId });
    expect(await ann.files()).toEqual({ '/a.md': '- one\n' });
    expect(told(await entry(0))).toBe('created | A | you, restoring | + one');
  });

  it('shows both texts when something else stands there than the person saw', async () => {
    const ann = await open();
    await bench.adapter.say(write('a.md', '- one\n'));
    await bench.adapter.say(write('a.md', '- two\n'));
    const { versionId, revision } = await entry(1);
    await bench.adapter.say(write('a.md', '- three\n'));
    const view = await ann.run('conflict', { type: 'restore', versionId, revision: revision ?? '' });
    expect(view.conflicts[0]).toMatchObject({ now: '- three\n', mine: '- one\n' });
    expect(await ann.files()).toEqual({ '/a.md': '- three\n' });
  });

  it('says so when the place is taken, or the text forgotten for good', async () => {
    const ann = await open();
    await bench.adapter.say(write('a.md', '- one\n'));
    await bench.adapter.say('sh rm $M/a.md');
    const { versionId } = await entry(1);
    await ann.operate('/a.md', '- other\n');
    expect(await ann.run('outcome', { type: 'restore', versionId })).toMatchObject({
      ok: false,
      sentence: expect.stringContaining('Another note has taken the place of “A”'),
    });
    await ann.run('receipt', { type: 'forget', memoryId: await ann.idOf('/a.md'), confirmed: true });
    const gone = (await entry(0)).versionId;
    expect(await ann.run('outcome', { type: 'restore', versionId: gone })).toMatchObject({
      ok: false,
      sentence: expect.stringContaining('forgotten for good'),
    });
  });

  it('is for the own memory alone', async () => {
    const ann = await open();
    await bench.adapter.say(write('a.md', '- one\n'));
    await bench.adapter.say(write('a.md', '- two\n'));
    const { versionId } = await entry(1);
    await bench.adapter.say(write('a.md', '- ben\n'), { user: 'ben' });
    expect(await memoryOf(bench, 'ben').run('outcome', { type: 'restore', versionId })).toMatchObject({
      ok: false,
    });
    expect(await ann.files()).toEqual({ '/a.md': '- two\n' });
  });
});

describe('undo is safe against what happened since', () => {
  it('puts a renamed file back under its name', async () => {
    const ann = await open();
    await bench.adapter.say(write('a.md', '- one\n'));
    await bench.adapter.say(`sh mv $M/a.md $M/b.md && echo '- two' >> $M/b.md`);
    expect(await ann.files()).toEqual({ '/b.md': '- one\n- two\n' });
    expect(await ann.run('outcome', undo(1))).toMatchObject({ ok: true });
    expect(await ann.files()).toEqual({ '/a.md': '- one\n' });
  });

  it('leaves alone a file that was changed after the notice and renamed', async () => {
    const ann = await open();
    await bench.adapter.say(write('a.md', '- one\n'));
    await bench.adapter.say(write('a.md', '- two\n'));
    await bench.adapter.say(`sh echo '- three' >> $M/a.md && mv $M/a.md $M/b.md`);
    expect(await ann.run('outcome', undo(1))).toMatchObject({ ok: false });
    expect(await ann.files()).toEqual({ '/b.md': '- two\n- three\n' });
  });

  it('does not undo into a place that was taken since', async () => {
    const ann = await open();
    await bench.adapter.say(write('a.md', '- one\n'));
    await bench.adapter.say('sh rm $M/a.md');
    await ann.operate('/a.md', '- other\n');
    expect(await ann.run('outcome', undo(1))).toMatchObject({ ok: false });
    expect(await ann.files()).toEqual({ '/a.md': '- other\n' });
  });

  it('brings nothing back that was forgotten for good', async () => {
    const ann = await open();
    await bench.adapter.say(write('a.md', '- secret\n'));
    await bench.adapter.say(write('a.md', '- other\n'));
    const view = await ann.run('memory', { type: 'view' });
    const id = view.sections[0]?.memoryId ?? '';
    await ann.run('receipt', { type: 'forget', memoryId: id, confirmed: true });
    await ann.run('outcome', undo(1));
    expect(JSON.stringify(await ann.files())).not.toMatch(/secret/);
  });

  it('is the person’s change in the history', async () => {
    const ann = await open();
    await bench.adapter.say(write('a.md', '- one\n'));
    await bench.adapter.say(write('a.md', '- two\n'));
    await ann.run('outcome', undo(1));
    await ann.run('outcome', undo(0));
    const { entries } = await ann.run('history', { type: 'history' });
    expect(entries.slice(0, 2).map(told)).toEqual([
      'deleted | A | you, undoing | − one',
      expect.stringContaining('modified | A | you, undoing'),
    ]);
    expect(await collect(bench.client.beta.memoryStores.memories.list(await ann.storeId()))).toEqual([]);
  });
});
