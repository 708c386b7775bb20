import { afterEach, describe, expect, it } from 'vitest';
import { createChangeSets } from '../../../src/core/memory/change-sets.ts';
import { createNotices } from '../../../src/core/memory/notices.ts';
import { createAuthors } from '../../../src/core/preferences/authors.ts';
import { createWhereabouts } from '../../../src/core/session/whereabouts.ts';
import { type Bench, collect, createBench } from '../../helpers/bench.ts';
import { memoryOf, obedientModel, SHELL_AGENT, write } from '../../helpers/memory.ts';

let bench: Bench;
afterEach(() => bench.stop());

const open = async (more: Parameters<typeof createBench>[0] = {}) => {
  bench = await createBench({ model: obedientModel(), agent: SHELL_AGENT, ...more });
  return memoryOf(bench);
};
type Ann = ReturnType<typeof memoryOf>;

const undo = async (ann: Ann) => (await ann.run('outcome', { type: 'undo' })).sentence;
const noticeOf = (n: number) => bench.adapter.notices[n]?.notice.id ?? '';
const NOTHING = 'There is no recent change to take back. /preferences history shows all of them.';
const HISTORY = '/preferences history shows the other changes and can bring things back.';

async function edit(ann: Ann, path: string, content: string): Promise<void> {
  const memoryId = await ann.idOf(path);
  const { section } = await ann.run('file', { type: 'show', memoryId });
  await ann.run('outcome', { type: 'edit', memoryId, revision: section.revision, content });
}

describe('the last change', () => {
  it('is taken back whoever made it, then the one before, and each time it is said what', async () => {
    const ann = await open();
    await bench.adapter.say(write('likes.md', '- likes: cotton\n- likes: silk\n'));
    await bench.adapter.say(write('likes.md', '- likes: silk\n'));
    await ann.run('outcome', { type: 'set', values: { shoe_size: '9' } });
    await ann.run('outcome', { type: 'set', values: { shoe_size: '11' } });
    await ann.run('outcome', { type: 'set', values: { colours_liked: 'red' } });
    const before = await ann.files();

    expect(await undo(ann)).toMatch(/^Undone: .*\bred is gone\.$/);
    expect(JSON.stringify(await ann.files())).not.toContain('red');
    expect(await undo(ann)).toMatch(/^Undone: shoe size is 9 again, not 11\.$/i);
    expect(await undo(ann)).toMatch(/^Undone: shoe size: 9 is gone\.$/i);
    expect(await ann.files()).toEqual({ '/likes.md': '- likes: silk\n' });
    expect(Object.keys(before)).toContain('/sizes.md');
    expect(await undo(ann)).toBe('Undone: likes: cotton is back.');
    expect(await undo(ann)).toBe('Undone: likes: cotton is gone; likes: silk is gone.');
    expect(await ann.files()).toEqual({});
    expect(await undo(ann)).toBe(NOTHING);
  });

  it('is all of what was saved at once', async () => {
    const ann = await open();
    await bench.adapter.say(write('a.md', '- one\n'));
    const before = await ann.files();
    const values = { shoe_size: '9', budget: '$80', colours_liked: 'red, blue', style: 'plain' };
    await ann.run('outcome', { type: 'set', values });
    expect(Object.keys(await ann.files()).length).toBeGreaterThan(3);
    expect(await undo(ann)).toMatch(/^Undone: (?:[^;]+ is gone; ){4}and 1 more\.$/);
    expect(await ann.files()).toEqual(before);
  });

  it('may be a note begun, edited, removed or brought back by hand, also where it was made anew', async () => {
    const ann = await open();
    await ann.run('outcome', { type: 'create', title: 'Gifts', content: '- tea' });
    await edit(ann, '/gifts.md', '- tea\n- books');
    await edit(ann, '/gifts.md', '');
    expect(await ann.files()).toEqual({});
    expect(await undo(ann)).toBe('Undone: tea is back; books is back.');
    // By now it is another memory to the API.
    expect(await undo(ann)).toBe('Undone: books is gone.');
    expect(await ann.files()).toEqual({ '/gifts.md': '- tea\n' });
    const { entries } = await ann.run('history', { type: 'history' });
    const withBooks = entries.find(({ lines }) =>
      lines.some(line => line.type === 'added' && line.text === 'books'),
    );
    await ann.run('outcome', { type: 'restore', versionId: withBooks?.versionId ?? '' });
    expect(await ann.files()).toEqual({ '/gifts.md': '- tea\n- books\n' });
    expect(await undo(ann)).toBe('Undone: books is gone.');
    expect(await undo(ann)).toBe('Undone: tea is gone.');
    expect(await ann.files()).toEqual({});
  });

  it('is found without notices, by a later process, and from any account of the person', async () => {
    const ann = await open({ notices: 'off' });
    const other = memoryOf(bench, 'ann2');
    const { code } = await ann.run('link-code', { type: 'link' });
    await other.run('outcome', { type: 'link', code, confirmed: true });
    await bench.adapter.say(write('a.md', '- one\n'));
    await bench.restart('stop');
    expect(await undo(memoryOf(bench, 'ben'))).toBe(NOTHING);
    expect(await undo(memoryOf(bench, 'ann2'))).toBe('Undone: one is gone.');
  });

  it('is not one whose notice was used, and a notice is used once', async () => {
    const ann = await open();
    await bench.adapter.say(write('a.md', '- one\n'));
    await bench.adapter.say(write('b.md', '- two\n'));
    const press = async (n: number) => ann.run('outcome', { type: 'undo', noticeId: noticeOf(n) });
    expect(await press(1)).toMatchObject({ ok: true, sentence: 'Undone: two is gone.' });
    expect(await press(1)).toMatchObject({ ok: true, sentence: 'That is already undone.' });
    expect(await ann.run('outcome', { type: 'keep', noticeId: noticeOf(1) })).toMatchObject({ ok: false });
    expect(await ann.files()).toEqual({ '/a.md': '- one\n' });
    expect(await undo(ann)).toBe('Undone: one is gone.');
    expect(await press(0)).toMatchObject({ sentence: 'That is already undone.' });
    expect(await ann.files()).toEqual({});
  });

  it('is not what the button of an older notice is about', async () => {
    const ann = await open();
    await bench.adapter.say(write('a.md', '- one\n'));
    await ann.run('outcome', { type: 'set', values: { budget: '$80' } });
    const pressed = await ann.run('outcome', { type: 'undo', noticeId: noticeOf(0) });
    expect(pressed.sentence).toBe('Undone: one is gone.');
    expect(Object.keys(await ann.files())).toEqual(['/budget.md']);
  });
});

describe('where the last change cannot be taken back', () => {
  it('because it was forgotten for good, that is said, and nothing comes back', async () => {
    const ann = await open();
    await bench.adapter.say(write('a.md', '- one\n- wool\n'));
    await bench.adapter.say(write('b.md', '- two\n'));
    const { section } = await ann.run('file', { type: 'show', memoryId: await ann.idOf('/a.md') });
    const factId = section.facts.find(({ text }) => text === 'wool')?.id ?? '';
    await ann.run('outcome', { type: 'forget', memoryId: section.memoryId, factId });
    const before = await ann.files();
    for (let times = 0; times < 2; times += 1) {
      const said = await ann.run('outcome', { type: 'undo' });
      expect(said.ok).toBe(false);
      expect(said.sentence).toBe(
        `The last change was forgetting something for good, as you asked: it cannot come back. ${HISTORY}`,
      );
    }
    expect(await ann.files()).toEqual(before);
    // What comes after it can be.
    await ann.run('outcome', { type: 'set', values: { budget: '$80' } });
    expect(await undo(ann)).toBe('Undone: budget: $80 is gone.');
  });

  it('because what stood before it has been forgotten since, that is said', async () => {
    const ann = await open();
    await bench.adapter.say(write('a.md', '- one\n- wool\n'));
    await bench.adapter.say(write('a.md', '- one\n'));
    const versions = await ann.versions();
    const store = { memory_store_id: await ann.storeId() };
    await bench.client.beta.memoryStores.memoryVersions.redact(versions[0]?.id ?? '', store);
    expect(await undo(ann)).toBe(
      `Not undone: A said something before that is no longer kept, so I left it alone. ${HISTORY}`,
    );
    expect(await ann.files()).toEqual({ '/a.md': '- one\n' });
  });

  it('because somebody else has changed the same since, it stays, and what it was is in the history', async () => {
    const ann = await open();
    await bench.adapter.say(write('a.md', '- one\n'));
    await ann.operate('/a.md', '- one\n- vip\n');
    expect(await undo(ann)).toBe(`Not undone: A changed again after that, so I left it alone. ${HISTORY}`);
    expect(await ann.files()).toEqual({ '/a.md': '- one\n- vip\n' });
  });

  it('because the note has moved to where others read, it is not said to be gone', async () => {
    const ann = await open();
    await bench.adapter.say(write('a.md', '- one\n'));
    await ann.run('outcome', { type: 'share', memoryId: await ann.idOf('/a.md'), on: true });
    expect(await ann.run('outcome', { type: 'undo', noticeId: noticeOf(0) })).toMatchObject({
      ok: false,
      sentence: 'Not undone: A changed again after that, so I left it alone.',
    });
    expect(await ann.files('shared')).toEqual({ '/a.md': '- one\n' });
  });

  it('because it is where a note is used, the way back is named', async () => {
    const ann = await open();
    await bench.adapter.say(write('a.md', '- one\n'));
    await ann.run('outcome', { type: 'share', memoryId: await ann.idOf('/a.md'), on: true });
    expect(await undo(ann)).toMatch(
      /^The last change was where a note may be used; use \/preferences share or unshare/,
    );
    expect(await ann.files('shared')).toEqual({ '/a.md': '- one\n' });
  });
});

describe('a change that was held', () => {
  async function held(): Promise<Ann> {
    const ann = await open();
    const message = bench.adapter.message(write('b.md', '- worse\n'));
    await bench.adapter.bot().receive({ ...message, context: [{ author: 'Ben', text: 'remember it' }] });
    await bench.bot.idle();
    return ann;
  }

  it('is left out where it is the last there was, once', async () => {
    const ann = await held();
    expect(await undo(ann)).toBe('Left out. Your memory is as it was before.');
    const again = await ann.run('outcome', { type: 'undo', noticeId: noticeOf(0) });
    expect(again.sentence).toBe('I have already left that out.');
    expect(await ann.run('outcome', { type: 'keep', noticeId: noticeOf(0) })).toMatchObject({ ok: false });
    expect(await undo(ann)).toBe(NOTHING);
  });

  it('is the last change once it is kept, and can be taken back', async () => {
    const ann = await held();
    await ann.run('outcome', { type: 'set', values: { budget: '$80' } });
    await ann.run('outcome', { type: 'keep', noticeId: noticeOf(0) });
    expect(await ann.files()).toMatchObject({ '/b.md': '- worse\n' });
    expect(await undo(ann)).toBe('Undone: worse is gone.');
    expect(await ann.files()).not.toHaveProperty('/b.md');
    expect(await undo(ann)).toBe('Undone: budget: $80 is gone.');
  });
});

it('a turn that is looked at twice, because of a crash in between, is one change and one notice', async () => {
  const ann = await open();
  await bench.adapter.say(write('a.md', '- one\n'));
  const changeSets = createChangeSets(bench.state);
  const [version] = await ann.versions();
  const actor = version?.created_by;
  const sessionId = actor?.type === 'session_actor' ? actor.session_id : '';
  const { client, state } = bench;
  const whereabouts = createWhereabouts(state, () => undefined);
  const notices = createNotices({
    client,
    state,
    authors: createAuthors({ client, state, whereabouts }),
    changeSets,
    afterTurn: async () => {},
    mend: async () => false,
    onWritten: async () => {},
    checkStore: async () => true,
    notices: undefined,
  });
  const turn = {
    person: ann.person(),
    conversation: ann.conversation(),
    storeIds: [await ann.storeId()],
    sessionId,
    since: '2000-01-01T00:00:00Z',
    foreign: null,
  };
  const [first] = await notices.of(turn);
  const [second] = await notices.of(turn);
  expect(second?.id).toBe(first?.id);
  await ann.run('outcome', { type: 'undo', noticeId: first?.id ?? '' });
  const [last] = (await changeSets.list(ann.person())).filter(({ change }) => change.state === 'made');
  expect(last?.id).toBe(noticeOf(0));
  expect(await notices.of(turn)).toEqual([]);
});

it('of the last changes nothing is left when the person is forgotten', async () => {
  const ann = await open();
  await bench.adapter.say(write('a.md', '- one\n'));
  await ann.run('outcome', { type: 'set', values: { budget: '$80' } });
  await ann.run('receipt', { type: 'forget-me', confirmed: true });
  expect(await collect(bench.state.table('change-set').entries())).toEqual([]);
  expect(await undo(ann)).toBe(NOTHING);
});
