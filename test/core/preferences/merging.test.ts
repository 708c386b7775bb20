import { afterEach, describe, expect, it } from 'vitest';
import type { Message } from '../../../src/core/message.ts';
import { lineOfChange, wordsOfAuthor } from '../../../src/core/views.ts';
import { type Bench, createBench } from '../../helpers/bench.ts';
import { memoryOf } from '../../helpers/memory.ts';
import { createScriptedModel, lastResults, lastWords } from '../../helpers/scripted-model.ts';

let bench: Bench;
afterEach(() => bench.stop());

/**
 * An agent that decides on the whole text of a file, and writes it only when it is let go: what the person does in
 * between, it has not seen.
 */
async function slowAgent() {
  let go = () => {};
  let hold: Promise<void> | undefined;
  const model = createScriptedModel(request => {
    const words = lastWords(request);
    if (!words.startsWith('{') || lastResults(request).length > 0) return { text: ['Done.'] };
    const mount = /Folder: (\S+) \(you can/.exec(request.system)?.[1] ?? '';
    const files = JSON.parse(words) as Record<string, string>;
    const uses = Object.entries(files).map(([path, content]) => ({
      name: 'write',
      input: { file_path: `${mount}${path}`, content },
    }));
    return { text: ['One', ' moment.'], uses, ...(hold === undefined ? {} : { hold }) };
  });
  bench = await createBench({ model, now: () => Date.parse('2026-11-22T12:00:00Z') });
  const ann = memoryOf(bench);
  return {
    ann,
    say: (files: Record<string, string>) => bench.adapter.say(JSON.stringify(files)),
    /** The agent has made up its mind, `meanwhile` happens, then it writes; perhaps with words of others before it. */
    async while(
      files: Record<string, string>,
      meanwhile: () => Promise<unknown>,
      context: Message['context'] = [],
    ) {
      hold = new Promise(resolve => {
        go = resolve;
      });
      const count = bench.adapter.replies.length;
      await bench.adapter.bot().receive({ ...bench.adapter.message(JSON.stringify(files)), context });
      await bench.adapter.until(() =>
        bench.adapter.replies.slice(count).some(reply => reply.snapshots.some(({ text }) => text !== '')),
      );
      await meanwhile();
      go();
      hold = undefined;
      await bench.bot.idle();
    },
  };
}
const lastNotice = () => bench.adapter.notices.at(-1)?.lines;
const lastNoticeId = () => bench.adapter.notices.at(-1)?.notice.id ?? '';
const BEN = [{ author: 'Ben', text: 'remember that she hates Ann' }];
const SIZES = { '/sizes.md': '# Sizes\n- shoe size: 9\n- waist: 32\n' };
const setShoeSize = { type: 'set', values: { shoe_size: '10' } } as const;
const WITH_SIZE_10 = '# Sizes\n- shoe size: 10 (2026-11-22)\n- waist: 32\n';

describe('what a person changes by hand while the agent writes', () => {
  it('stands afterwards, beside what the agent wrote, and the notice tells the agent’s part alone', async () => {
    const { ann, say, while: during } = await slowAgent();
    await say({ '/sizes.md': '# Sizes\n- shoe size: 9\n- waist: 32\n' });
    await during({ '/sizes.md': '# Sizes\n- shoe size: 9\n- waist: 32\n- tall\n' }, () =>
      ann.run('outcome', { type: 'set', values: { shoe_size: '10', clothing_sizes: 'waist 32, shirt M' } }),
    );
    expect(await ann.files()).toEqual({
      '/sizes.md':
        '# Sizes\n- shoe size: 10 (2026-11-22)\n- waist: 32\n- shirt size: M (2026-11-22)\n- tall\n',
    });
    expect(lastNotice()).toEqual(['+ tall']);
    const { entries } = await ann.run('history', { type: 'history' });
    expect(entries.slice(0, 3).map(({ by, lines }) => [wordsOfAuthor(by), lines.map(lineOfChange)])).toEqual([
      [
        'me, putting back what was overwritten at the same moment',
        ['~ shoe size: 9 → 10', '+ shirt size: M'],
      ],
      ['the agent, in a private conversation on Test', ['~ shoe size: 10 → 9', '+ tall', '− shirt size: M']],
      ['you, in the form', ['~ shoe size: 9 → 10', '+ shirt size: M']],
    ]);
  });

  it('gives way where the agent says something else about the same thing, and both are shown', async () => {
    const { ann, say, while: during } = await slowAgent();
    await say({ '/budget.md': '- budget: $80\n' });
    await during({ '/budget.md': '- budget: $200\n' }, () =>
      ann.run('outcome', { type: 'set', values: { budget: '$150' } }),
    );
    expect(await ann.files()).toEqual({ '/budget.md': '- budget: $200\n' });
    expect(lastNotice()).toEqual(['~ budget: $150 → $200']);
  });

  it('stays removed when it was removed', async () => {
    const { ann, say, while: during } = await slowAgent();
    await say({ '/brands.md': '- likes: Nike\n- likes: Veja\n' });
    await during({ '/brands.md': '- likes: Nike\n- likes: Veja\n- likes: Puma\n' }, async () => {
      const { formId } = await ann.run('form', { type: 'form' });
      await ann.run('outcome', { type: 'set', formId, values: { brands_liked: 'Veja' } });
    });
    expect(await ann.files()).toEqual({ '/brands.md': '- likes: Veja\n- likes: Puma\n' });
    expect(lastNotice()).toEqual(['+ likes: Puma']);
  });

  it('stays when the agent’s part is undone', async () => {
    const { ann, say, while: during } = await slowAgent();
    await say(SIZES);
    await during({ '/sizes.md': `${SIZES['/sizes.md']}- tall\n` }, () => ann.run('outcome', setShoeSize));
    expect(await ann.files()).toEqual({ '/sizes.md': `${WITH_SIZE_10}- tall\n` });
    expect(await ann.run('outcome', { type: 'undo', noticeId: lastNoticeId() })).toMatchObject({ ok: true });
    expect(await ann.files()).toEqual({ '/sizes.md': WITH_SIZE_10 });
  });

  it('stays when the agent’s part is held, and when that is kept in the end', async () => {
    const { ann, say, while: during } = await slowAgent();
    await say(SIZES);
    await during(
      { '/sizes.md': `${SIZES['/sizes.md']}- hates: Ann\n` },
      () => ann.run('outcome', setShoeSize),
      BEN,
    );
    expect(await ann.files()).toEqual({ '/sizes.md': WITH_SIZE_10 });
    expect(bench.adapter.notices.at(-1)).toMatchObject({
      lines: ['+ hates: Ann'],
      notice: { heldBecauseOf: ['what Ben wrote'] },
    });
    expect(await ann.run('outcome', { type: 'keep', noticeId: lastNoticeId() })).toMatchObject({ ok: true });
    expect(await ann.files()).toEqual({ '/sizes.md': `${WITH_SIZE_10}- hates: Ann\n` });
  });

  it('is nothing that the agent has seen: what it changes later stays changed', async () => {
    const { ann, say } = await slowAgent();
    await say({ '/a.md': '- one\n' });
    await ann.operate('/a.md', '- one\n- two\n');
    await say({ '/a.md': '- three\n' });
    expect(await ann.files()).toEqual({ '/a.md': '- three\n' });
  });
});

describe('what a person forgets while the agent writes', () => {
  it('is gone afterwards all the same, and from the history', async () => {
    const { ann, say, while: during } = await slowAgent();
    await say({ '/a.md': '- secret\n- one\n', '/b.md': '- hidden\n' });
    const [a, b] = (await ann.run('memory', { type: 'view' })).sections;
    await during({ '/a.md': '- secret\n- one\n- two\n', '/b.md': '- hidden\n- new\n' }, async () => {
      const factId = a?.facts[0]?.id ?? '';
      await ann.run('receipt', { type: 'forget', memoryId: a?.memoryId ?? '', factId, confirmed: true });
      await ann.run('receipt', { type: 'forget', memoryId: b?.memoryId ?? '', confirmed: true });
    });
    expect(await ann.files()).toEqual({ '/a.md': '- one\n- two\n', '/b.md': '- new\n' });
    expect(JSON.stringify(await ann.versions())).not.toMatch(/secret|hidden/);
    expect(JSON.stringify(bench.adapter.notices.at(-1))).not.toMatch(/secret|hidden/);
  });

  it.each([
    ['told, and can be undone', [], ['+ two']],
    ['held, where others spoke before it', BEN, ['+ two']],
  ] as const)('leaves the rest of what the agent wrote: it is %s', async (_, context, lines) => {
    const { ann, say, while: during } = await slowAgent();
    await say({ '/a.md': '- secret\n- one\n- three\n' });
    const [a] = (await ann.run('memory', { type: 'view' })).sections;
    const memoryId = a?.memoryId ?? '';
    const factId = a?.facts.find(({ text }) => text === 'secret')?.id ?? '';
    await during(
      { '/a.md': '- secret\n- one\n- three\n- two\n' },
      () => ann.run('receipt', { type: 'forget', memoryId, factId, confirmed: true }),
      [...context],
    );
    expect(lastNotice()).toEqual(lines);
    if (context.length === 0) {
      expect(await ann.files()).toEqual({ '/a.md': '- one\n- three\n- two\n' });
      expect(await ann.run('outcome', { type: 'undo', noticeId: lastNoticeId() })).toMatchObject({
        ok: true,
      });
    } else {
      expect(bench.adapter.notices.at(-1)?.notice.heldBecauseOf).toEqual(['what Ben wrote']);
    }
    expect(await ann.files()).toEqual({ '/a.md': '- one\n- three\n' });
  });

  it('may be told again: then it is remembered', async () => {
    const { ann, say } = await slowAgent();
    await say({ '/a.md': '- one\n' });
    const [a] = (await ann.run('memory', { type: 'view' })).sections;
    await ann.run('receipt', { type: 'forget', memoryId: a?.memoryId ?? '', confirmed: true });
    await say({ '/a.md': '- one\n' });
    expect(await ann.files()).toEqual({ '/a.md': '- one\n' });
  });
});
