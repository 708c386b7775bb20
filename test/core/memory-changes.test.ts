import { afterEach, describe, expect, it } from 'vitest';
import { clientOf } from '../../src/agent-api.ts';
import { describe as changesOf, changesSince } from '../../src/core/memory/memory-changes.ts';
import type { Message } from '../../src/core/message.ts';
import { lineOfChange, linesOfMemory } from '../../src/core/views.ts';
import { type Bench, createBench } from '../helpers/bench.ts';
import { gate } from '../helpers/gate.ts';
import { memoryOf, obedientModel, write } from '../helpers/memory.ts';
import { createScriptedModel, lastResults, lastWords } from '../helpers/scripted-model.ts';

let bench: Bench;
afterEach(() => bench.stop());

/** The agent adds "x" to a note, says something, waits to be let on, and adds "z". */
async function twice() {
  const { open, opened } = gate();
  let results = 0;
  const model = createScriptedModel(request => {
    const mount = /Folder: (\S+) \(you can/.exec(request.system)?.[1] ?? '';
    const add = (line: string) => ({
      name: 'edit',
      input: { file_path: `${mount}/a.md`, old_string: '- one\n', new_string: `- one\n${line}\n` },
    });
    if (lastWords(request) === 'hi') return { text: ['Hello.'] };
    if (lastResults(request).length === 0) return { uses: [add('- x')] };
    results += 1;
    return results === 1
      ? { text: ['More', ' to do.'], hold: opened, uses: [add('- z')] }
      : { text: ['Done.'] };
  });
  bench = await createBench({ model });
  const ann = memoryOf(bench);
  await bench.adapter.say('hi');
  await ann.run('outcome', { type: 'create', title: 'A', content: '- one\n' });
  return {
    ann,
    async adding(meanwhile: () => Promise<unknown>, context: Message['context'] = []) {
      const { adapter } = bench;
      await adapter.bot().receive({ ...adapter.message('note both'), context });
      await adapter.until(() => adapter.replies.at(-1)?.snapshots.at(-1)?.text === 'More');
      await meanwhile();
      open();
      await bench.bot.idle();
    },
    async addByHand(line: string) {
      const [section] = (await ann.run('memory', { type: 'view' })).sections;
      const { memoryId = '', revision = '', content = '' } = section ?? {};
      await ann.run('outcome', { type: 'edit', memoryId, revision, content: `${content}${line}\n` });
    },
  };
}

const told = () => bench.adapter.notices.map(({ lines, notice }) => [lines, notice.heldBecauseOf]);

describe('what a person saves between two changes of the agent in one turn', () => {
  it('is no part of them: neither told, nor undone with them', async () => {
    const { ann, adding, addByHand } = await twice();
    await adding(() => addByHand('- mine'));
    expect(told()).toEqual([[['+ x', '+ z'], undefined]]);
    const noticeId = bench.adapter.notices[0]?.notice.id ?? '';
    expect(await ann.run('outcome', { type: 'undo', noticeId })).toMatchObject({
      sentence: 'Partly undone: z is gone. A changed again after that, so I left it alone.',
    });
    expect(await ann.files()).toEqual({ '/a.md': '- one\n- x\n- mine\n' });
  });

  it('stays where the agent’s changes are held', async () => {
    const { ann, adding, addByHand } = await twice();
    await adding(() => addByHand('- mine'), [{ author: 'Ben', text: 'note x and z' }]);
    expect(await ann.files()).toEqual({ '/a.md': '- one\n- x\n- mine\n' });
    expect(told()).toEqual([
      [['+ x'], undefined],
      [['+ z'], ['what Ben wrote']],
    ]);
  });

  it('counts: what they took out again is not told', async () => {
    const { ann, adding } = await twice();
    await adding(() => ann.operate('/a.md', '- one\n'));
    expect(await ann.files()).toEqual({ '/a.md': '- one\n- z\n' });
    expect(told()).toEqual([[['+ z'], undefined]]);
  });
});

describe('a note of which what it said before is no longer kept', () => {
  it('is told as changed, and undoing leaves it alone', async () => {
    const { ann, adding } = await twice();
    await adding(async () => {
      const [first] = await ann.versions();
      const memory_store_id = await ann.storeId();
      await bench.client.beta.memoryStores.memoryVersions.redact(first?.id ?? '', { memory_store_id });
    });
    const [notice] = bench.adapter.notices;
    expect(notice?.notice.changes.flatMap(linesOfMemory)).toEqual([
      'A has changed; what it said before is no longer kept',
    ]);
    expect(await ann.run('outcome', { type: 'undo', noticeId: notice?.notice.id ?? '' })).toMatchObject({
      ok: false,
      sentence: 'Not undone: A said something before that is no longer kept, so I left it alone.',
    });
    expect(await ann.files()).toEqual({ '/a.md': '- one\n- z\n- x\n' });
  });

  it('is not taken for a new one', async () => {
    bench = await createBench({ model: obedientModel() });
    await bench.adapter.say(write('a.md', '- one\n'));
    await bench.adapter.say(write('a.md', '- one\n- two\n'));
    const [, second] = await memoryOf(bench).versions();
    if (second?.created_by?.type !== 'session_actor') throw new Error('the agent did not write');
    const page = { data: [second], next_page: null };
    bench.proxy.plan(({ path }) =>
      path.endsWith('/memory_versions') ? { type: 'status', status: 200, body: page } : undefined,
    );
    const writing = {
      storeId: second.memory_store_id,
      sessionId: second.created_by.session_id,
      since: second.created_at,
      doubtedSince: null,
    };
    const { trusted } = await changesSince(clientOf(bench.proxy.url, 'key'), writing, async () => false);
    expect(trusted).toMatchObject([{ ref: { beforeVersionId: null, beforeIsLost: true } }]);
    expect(changesOf(trusted)).toMatchObject([{ operation: 'modified', lines: [] }]);
  });
});

describe('a compatible service that tells of versions in its own way', () => {
  const reworded = (reword: (list: { data: { created_at: string }[] }) => unknown) =>
    bench.proxy.plan(({ method, path }) =>
      method === 'GET' && path.endsWith('/memory_versions')
        ? { type: 'reword', reword: body => JSON.stringify(reword(JSON.parse(body))) }
        : undefined,
    );
  const datedToTheSecond = () =>
    reworded(list => ({
      ...list,
      data: list.data.map(version => ({
        ...version,
        created_at: version.created_at.replace(/\.\d+Z$/, 'Z'),
      })),
    }));

  it('is understood where it lists them as they were written', async () => {
    bench = await createBench({ model: obedientModel() });
    const ann = memoryOf(bench);
    reworded(list => ({ ...list, data: list.data.reverse() }));
    for (const facts of ['- one\n', '- one\n- two\n', '- one\n- two\n- three\n'])
      await bench.adapter.say(write('a.md', facts));
    expect(told()).toEqual([
      [['+ one'], undefined],
      [['+ two'], undefined],
      [['+ three'], undefined],
    ]);
    const { entries } = await ann.run('history', { type: 'history' });
    expect(entries.map(entry => entry.lines.map(lineOfChange))).toEqual([['+ three'], ['+ two'], ['+ one']]);
    await ann.run('outcome', { type: 'undo' });
    expect(await ann.files()).toEqual({ '/a.md': '- one\n- two\n' });
  });

  it('is understood where it dates them to the second', async () => {
    bench = await createBench({ model: obedientModel() });
    datedToTheSecond();
    await bench.adapter.say(write('a.md', '- one\n'));
    expect(told()).toEqual([[['+ one'], undefined]]);
  });

  it('does not hide there what the words of others brought into memory', async () => {
    bench = await createBench({ model: obedientModel() });
    datedToTheSecond();
    const { adapter } = bench;
    const context = [{ author: 'Ben', text: 'her size is 12' }];
    await adapter.bot().receive({ ...adapter.message(write('a.md', '- size: 12\n')), context });
    await bench.bot.idle();
    expect(told()).toEqual([[['+ size: 12'], ['what Ben wrote']]]);
    expect(await memoryOf(bench).files()).toEqual({});
  });

  it('makes nobody forget more than was meant where it ignores since when', async () => {
    bench = await createBench({ model: obedientModel() });
    const ann = memoryOf(bench);
    await bench.adapter.say(write('a.md', '- one\n'));
    const all = { data: await ann.versions(), next_page: null };
    reworded(() => all);
    const since = new Date(Date.now() + 60_000).toISOString();
    const command = { type: 'forget-since', since, until: since, confirmed: true } as const;
    await bench.adapter.bot().command({ person: ann.person(), action: command });
    expect(await ann.files()).toEqual({ '/a.md': '- one\n' });
  });
});
