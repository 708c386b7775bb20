import { afterEach, describe, expect, it } from 'vitest';
import type { Audience } from '../../src/core/memory/store-owner.ts';
import { type Bench, collect, createBench } from '../helpers/bench.ts';
import { memoryOf, obedientModel, SHELL_AGENT, write } from '../helpers/memory.ts';

let bench: Bench;
afterEach(() => bench.stop());

const CHANNEL = { channel: 'C1', audience: 'shared' } as const;

/** A new person with the model that does as it is told, also with a shell. */
async function open() {
  const model = obedientModel();
  bench = await createBench({ model, agent: SHELL_AGENT });
  return { ann: memoryOf(bench), model, asked: () => JSON.stringify(model.requests.splice(0)) };
}

async function mountsOf(channel: string): Promise<[string, string][]> {
  const sessions = await collect(bench.client.beta.sessions.list());
  const titles = new Map(
    (await collect(bench.client.beta.memoryStores.list())).map(store => [
      store.id,
      store.metadata.audience ?? 'private',
    ]),
  );
  const row = await bench.state.table<{ sessionId: string }>('session').get(`test/W1/ann/${channel}/`);
  const session = sessions.find(({ id }) => id === row?.sessionId);
  return (session?.resources ?? []).flatMap(it =>
    it.type === 'memory_store' ? [[titles.get(it.memory_store_id) ?? '?', it.access ?? '?']] : [],
  );
}

describe('where others can read', () => {
  it('nothing that was said in private is within reach, by file, by shell or by what the agent is told', async () => {
    const { asked } = await open();
    await bench.adapter.say(write('health.md', '- allergic to latex, and pregnant\n'), { channel: 'D1' });
    asked();
    await bench.adapter.say('sh grep -r . /mnt/memory; ls -R /mnt; cat /mnt/memory/*/*', CHANNEL);
    await bench.adapter.say('grep pregnant', CHANNEL);
    await bench.adapter.say('read health.md', CHANNEL);
    expect(asked()).not.toMatch(/pregnant(?!")|latex/);
    expect(await mountsOf('C1')).toEqual([['shared', 'read_write']]);
  });

  it('what was said there is remembered there, and known in private too', async () => {
    const { ann, asked } = await open();
    await bench.adapter.say(write('style.md', '- likes: linen\n'), CHANNEL);
    expect(await ann.files('shared')).toEqual({ '/style.md': '- likes: linen\n' });
    await bench.adapter.say('hello', { ...CHANNEL, channel: 'C2' });
    expect(asked()).toContain('> - likes: linen');
    await bench.adapter.say('hello', { channel: 'D1' });
    expect(asked()).toContain('> - likes: linen');
    expect(await mountsOf('D1')).toEqual([
      ['private', 'read_write'],
      ['shared', 'read_only'],
    ]);
  });

  it('a turn of somebody who only ever spoke there costs no more requests than anywhere', async () => {
    let now = Date.parse('2026-11-22T12:00:00Z');
    bench = await createBench({ model: obedientModel(), now: () => now });
    const warmTurn = async (place: Parameters<typeof bench.adapter.say>[1]) => {
      await bench.adapter.say('hello', place);
      await bench.bot.idle();
      now += 60_000;
      bench.proxy.requests.length = 0;
      await bench.adapter.say('hello again', place);
      await bench.bot.idle();
      return bench.proxy.requests.toSorted();
    };
    const shared = await warmTurn({ user: 'ben', ...CHANNEL });
    const alone = await warmTurn({ user: 'cara', channel: 'D9' });
    expect(shared).toEqual(alone);
    expect(shared).toHaveLength(2);
  });

  it('the agent cannot carry anything there from a private conversation', async () => {
    const { ann } = await open();
    await bench.adapter.say(write('style.md', '- likes: linen\n'), CHANNEL);
    const folder = '/mnt/memory/shared-memory-of-test-w1-ann';
    await bench.adapter.say(
      `sh echo secret > ${folder}/style.md; echo secret > ${folder}/more.md; mv $M/a.md ${folder}/`,
      { channel: 'D1' },
    );
    expect(await ann.files('shared')).toEqual({ '/style.md': '- likes: linen\n' });
  });

  it('nothing of one person is within reach of another, in private or with others', async () => {
    const { asked } = await open();
    await bench.adapter.say(write('a.md', '- ann-private\n'), { user: 'ann', channel: 'D1' });
    await bench.adapter.say(write('b.md', '- ann-public\n'), { user: 'ann', ...CHANNEL });
    asked();
    for (const where of [CHANNEL, { channel: 'D2' }]) {
      await bench.adapter.say('sh cat /mnt/memory/*/*', { user: 'ben', ...where });
    }
    expect(asked()).not.toMatch(/ann-p/);
  });
});

describe('a note that the person allows to travel', () => {
  const share = async (ann: ReturnType<typeof memoryOf>, path: string, on: boolean, from: Audience) =>
    ann.run('outcome', { type: 'share', memoryId: await ann.idOf(path, from), on });

  it('is asked about with what it says, where the platform has not asked', async () => {
    const { ann } = await open();
    await bench.adapter.say(write('sizes.md', '- shoe size: 9\n'), { channel: 'D1' });
    const memoryId = await ann.idOf('/sizes.md', 'private');
    const asked = await ann.run('confirm', { type: 'share', memoryId, on: true, confirmed: false });
    expect(asked.items).toMatchObject([{ title: 'Sizes', lines: ['shoe size: 9'] }]);
    expect(await ann.files('shared')).toEqual({});
    await ann.run('outcome', asked.action);
    expect(await ann.files('shared')).toEqual({ '/sizes.md': '- shoe size: 9\n' });
  });

  it('is known where others read, until they take it back', async () => {
    const { ann, asked } = await open();
    await bench.adapter.say(write('sizes.md', '- shoe size: 9 (2026-03-14)\n'), { channel: 'D1' });
    await bench.adapter.say('hello', CHANNEL);
    expect(asked()).toContain('It is empty.');

    expect(await share(ann, '/sizes.md', true, 'private')).toMatchObject({
      ok: true,
      sentence: 'From now on, I may use “Sizes” where others can read what I say to you.',
    });
    expect(await ann.files('private')).toEqual({});
    expect(await ann.files('shared')).toEqual({ '/sizes.md': '- shoe size: 9 (2026-03-14)\n' });
    await bench.adapter.say('hello', CHANNEL);
    expect(asked()).toContain('> - shoe size: 9');

    expect(await share(ann, '/sizes.md', false, 'shared')).toMatchObject({ ok: true });
    const before = (await collect(bench.client.beta.sessions.list())).length;
    await bench.adapter.say('hello', CHANNEL);
    expect(asked()).not.toContain('shoe size');
    expect(await collect(bench.client.beta.sessions.list())).toHaveLength(before + 1);
    await bench.adapter.say('hello', { channel: 'D1' });
    expect(asked()).toContain('> - shoe size: 9');
  });

  it('is no longer known where others read also when taking it back failed half way and was asked again', async () => {
    const { ann, asked } = await open();
    await bench.adapter.say(write('style.md', '- likes: linen\n'), CHANNEL);
    await bench.adapter.say('hello', CHANNEL);
    const sessions = bench.state.table('session');
    const { replace } = sessions;
    sessions.replace = async () => {
      throw new Error('the state is away');
    };
    await expect(share(ann, '/style.md', false, 'shared')).rejects.toThrow('the state is away');
    sessions.replace = replace;
    asked();
    expect(await share(ann, '/style.md', false, 'private')).toMatchObject({ ok: true });
    await bench.adapter.say('hello', CHANNEL);
    expect(asked()).not.toContain('linen');
  });

  it('keeps where its facts came from, and its history says who moved it', async () => {
    const { ann } = await open();
    await bench.adapter.say(write('sizes.md', '- shoe size: 9\n'), { channel: 'D1' });
    const before = (await ann.run('memory', { type: 'view' })).sections[0]?.facts;
    await share(ann, '/sizes.md', true, 'private');
    const { sections } = await ann.run('memory', { type: 'view' });
    expect(sections.map(({ title, shared }) => [title, shared])).toEqual([['Sizes', true]]);
    expect(sections[0]?.facts).toEqual(before);
    const { entries } = await ann.run('history', { type: 'history' });
    expect(entries.map(({ operation, by }) => [operation, by])).toEqual([
      ['deleted', { type: 'person', by: 'share' }],
      ['created', { type: 'person', by: 'share' }],
      ['created', expect.objectContaining({ type: 'agent' })],
    ]);
    const { file } = await ann.run('export', { type: 'export', format: 'markdown' });
    expect(file.content).toContain('Sizes moved by you, choosing where it may be used');
  });

  it('becomes one with the note of its name there, and so it does on the way back', async () => {
    const { ann } = await open();
    await bench.adapter.say(write('sizes.md', '# Sizes\n- waist: 32\n'), CHANNEL);
    await bench.adapter.say(write('sizes.md', '# Sizes\n- shoe size: 9\n- waist: 32\n'), { channel: 'D1' });
    const learned = (await ann.run('memory', { type: 'view' })).sections[0]?.facts[0];
    expect(await share(ann, '/sizes.md', true, 'private')).toMatchObject({
      sentence:
        'From now on, I may use “Sizes” where others can read what I say to you, together with what “Sizes” already said there.',
    });
    expect(await ann.files('private')).toEqual({});
    expect(await ann.files('shared')).toEqual({ '/sizes.md': '# Sizes\n- waist: 32\n- shoe size: 9\n' });
    const { sections } = await ann.run('memory', { type: 'view' });
    expect(sections.map(({ title }) => title)).toEqual(['Sizes']);
    expect(sections[0]?.facts[1]).toEqual(learned);

    await bench.adapter.say(write('sizes.md', '- shirt size: M\n'), { channel: 'D1' });
    await share(ann, '/sizes.md', false, 'shared');
    expect(await ann.files('shared')).toEqual({});
    expect(Object.keys(await ann.files('private'))).toEqual(['/sizes.md']);
  });

  it('that answers otherwise than the one there is asked about, and both answers stand until then', async () => {
    const { ann } = await open();
    await bench.adapter.say(write('sizes.md', '- shoe size: 8\n'), CHANNEL);
    await bench.adapter.say(write('sizes.md', '- shoe size: 9\n'), { channel: 'D1' });
    const memoryId = await ann.idOf('/sizes.md');
    const view = await ann.run('conflict', { type: 'share', memoryId, on: true });
    expect(view.conflicts).toMatchObject([
      {
        title: 'Sizes',
        now: '- shoe size: 8\n',
        mine: '- shoe size: 9\n',
        labels: { now: 'as it was there', mine: 'as you moved it' },
      },
    ]);
    expect(await ann.files('shared')).toEqual({ '/sizes.md': '- shoe size: 8\n- shoe size: 9\n' });
    const [conflict] = view.conflicts;
    await ann.run('outcome', { type: 'resolve', conflictId: conflict?.id ?? '', choice: 'mine' });
    expect(await ann.files('shared')).toEqual({ '/sizes.md': '- shoe size: 9\n' });
  });

  it('is called by the title it gets, where it cannot become one with its namesake', async () => {
    const { ann } = await open();
    await bench.adapter.say(write('sizes.md', '---\nof: A\n---\n- waist: 32\n'), CHANNEL);
    await bench.adapter.say(write('sizes.md', '---\nof: B\n---\n- shoe size: 9\n'), { channel: 'D1' });
    expect(await share(ann, '/sizes.md', true, 'private')).toMatchObject({
      sentence:
        'From now on, I may use “Sizes” where others can read what I say to you, called “Sizes 2” there.',
    });
  });

  it('leaves nothing where others read when it could not be moved after all', async () => {
    const { ann } = await open();
    await bench.adapter.say(write('sizes.md', '- waist: 32\n'), CHANNEL);
    await bench.adapter.say(write('sizes.md', '- shoe size: 9\n'), { channel: 'D1' });
    // Somebody else is always faster.
    bench.proxy.plan(({ method }) =>
      method === 'DELETE'
        ? { type: 'status', status: 409, body: { type: 'error', error: { type: 'conflict', message: '' } } }
        : undefined,
    );
    expect(await share(ann, '/sizes.md', true, 'private')).toMatchObject({ ok: false });
    bench.proxy.plan(() => undefined);
    expect(await ann.files('shared')).toEqual({ '/sizes.md': '- waist: 32\n' });
    expect(await ann.files('private')).toEqual({ '/sizes.md': '- shoe size: 9\n' });
  });

  it('that is beside another of its name already is finished by asking again', async () => {
    const { ann } = await open();
    await bench.adapter.say(write('sizes.md', '- waist: 32\n'), CHANNEL);
    await bench.adapter.say(write('sizes.md', '- shoe size: 9\n'), { channel: 'D1' });
    // As a process leaves it that ends between the two steps.
    await bench.client.beta.memoryStores.memories.create(await ann.storeId('shared'), {
      path: '/sizes-2.md',
      content: '- shoe size: 9\n',
    });
    await share(ann, '/sizes.md', true, 'private');
    expect(await ann.files('private')).toEqual({});
    expect(await ann.files('shared')).toEqual({
      '/sizes.md': '- waist: 32\n',
      '/sizes-2.md': '- shoe size: 9\n',
    });
  });

  it('can be read, edited, undone, restored, forgotten and exported like any other', async () => {
    const { ann } = await open();
    await bench.adapter.say(write('a.md', '- one\n- two\n'), CHANNEL);
    const memoryId = await ann.idOf('/a.md', 'shared');
    const shown = await ann.run('file', { type: 'show', memoryId });
    expect(shown.section).toMatchObject({ content: '- one\n- two\n', shared: true });
    await ann.run('outcome', {
      type: 'edit',
      memoryId,
      revision: shown.section.revision,
      content: '- one\n- three\n',
    });
    expect(await ann.files('shared')).toEqual({ '/a.md': '- one\n- three\n' });
    const { entries } = await ann.run('history', { type: 'history', memoryId });
    await ann.run('outcome', { type: 'restore', versionId: entries[1]?.versionId ?? '' });
    expect(await ann.files('shared')).toEqual({ '/a.md': '- one\n- two\n' });

    await bench.adapter.say(write('a.md', '- one\n- two\n- four\n'), CHANNEL);
    const noticeId = bench.adapter.notices.at(-1)?.notice.id ?? '';
    expect(await ann.run('outcome', { type: 'undo', noticeId })).toMatchObject({ ok: true });
    expect(await ann.files('shared')).toEqual({ '/a.md': '- one\n- two\n' });

    const { file } = await ann.run('export', { type: 'export', format: 'json' });
    expect(JSON.parse(file.content)).toMatchObject({
      memories: [{ path: '/a.md', usedWhereOthersRead: true }],
    });

    const { sections } = await ann.run('memory', { type: 'view' });
    const factId = sections[0]?.facts.find(fact => fact.text === 'two')?.id ?? '';
    expect(await ann.run('outcome', { type: 'forget', memoryId, factId })).toMatchObject({ ok: true });
    expect(await ann.files('shared')).toEqual({ '/a.md': '- one\n' });
  });

  it('is changed by the form where it stands; what is new in the form stays private', async () => {
    const { ann } = await open();
    await bench.adapter.say(write('brands.md', '- likes: Veja\n'), CHANNEL);
    await bench.adapter.say(write('sizes.md', '- shoe size: 9\n'), CHANNEL);
    await ann.run('outcome', { type: 'set', values: { shoe_size: '10', brands_liked: 'Veja, Nike' } });
    expect(await ann.files('shared')).toEqual({
      '/brands.md': '- likes: Veja\n',
      '/sizes.md': expect.stringMatching(/^- shoe size: 10/),
    });
    expect(await ann.files('private')).toEqual({ '/brands.md': expect.stringContaining('likes: Nike') });
  });

  it('is forgotten with what it said before it moved, in both places', async () => {
    const { ann } = await open();
    await bench.adapter.say(write('a.md', '- secret\n- fine\n'), { channel: 'D1' });
    await share(ann, '/a.md', true, 'private');
    const memoryId = await ann.idOf('/a.md', 'shared');
    const { sections } = await ann.run('memory', { type: 'view' });
    const factId = sections[0]?.facts.find(fact => fact.text === 'secret')?.id ?? '';
    await ann.run('outcome', { type: 'forget', memoryId, factId });
    const { file } = await ann.run('export', { type: 'export', format: 'json' });
    expect(file.content).not.toContain('secret');
    expect(file.content).toContain('fine');
  });
});
