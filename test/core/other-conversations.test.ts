import { afterEach, describe, expect, it } from 'vitest';
import { createMemoryMarks } from '../../src/core/memory/memory-marks.ts';
import { openSqliteState } from '../../src/core/state/sqlite.ts';
import { type Bench, collect, createBench } from '../helpers/bench.ts';
import { temporaryFolder } from '../helpers/cli.ts';
import { gate } from '../helpers/gate.ts';
import { memoryOf, obedientModel, write } from '../helpers/memory.ts';
import { createScriptedModel, lastResults, lastWords } from '../helpers/scripted-model.ts';

let bench: Bench;
afterEach(() => bench.stop());

const ONE = { thread: '1' };
const TWO = { thread: '2' };
const OPEN = { channel: 'C1', audience: 'shared' } as const;

type Asked = { requests: readonly { messages: unknown }[] };
/** What the agent had before it when it last answered. */
const heard = ({ requests }: Asked) => JSON.stringify(requests.at(-1)?.messages);
/** How often it had been told what memory holds. */
const tellings = (model: Asked) => heard(model).split('<session_start>').length - 1;

describe('what a person corrects in one conversation', () => {
  it('is what another one that goes on says from then on', async () => {
    bench = await createBench();
    const { adapter } = bench;
    await adapter.say('I wear size 9 shoes', ONE);
    expect((await adapter.say('What is my shoe size?', ONE)).final?.text).toMatch(/\b9\b/);
    await adapter.say('I wear size 10 shoes now', TWO);
    await bench.bot.idle();
    const answer = (await adapter.say('What is my shoe size?', ONE)).final?.text;
    expect(answer).toMatch(/\b10\b/);
    expect(answer).not.toMatch(/\b9\b/);
  });

  it('is told there once, with the next message, and not where it was said', async () => {
    const model = obedientModel();
    bench = await createBench({ model });
    const { adapter } = bench;
    await adapter.say(write('a.md', '- one\n'), ONE);
    await adapter.say('hello', ONE);
    expect(tellings(model)).toBe(1);
    await adapter.say(write('a.md', '- two\n'), TWO);
    await adapter.say('hello', TWO);
    expect(tellings(model)).toBe(1);
    await adapter.say('and now?', ONE);
    expect(tellings(model)).toBe(2);
    expect(heard(model)).toMatch(/has changed since you last spoke here.*in another conversation.*> - two/);
    await adapter.say('and now?', ONE);
    expect(tellings(model)).toBe(2);
    await adapter.say('hello again', TWO);
    expect(tellings(model)).toBe(1);
  });

  it('is told to either of two that write at the same time', async () => {
    const model = obedientModel();
    bench = await createBench({ model });
    const { adapter } = bench;
    for (const where of [ONE, TWO]) await adapter.say('hello', where);
    await Promise.all([
      adapter.say(write('a.md', '- from one\n'), ONE),
      adapter.say(write('b.md', '- from two\n'), TWO),
    ]);
    await bench.bot.idle();
    for (const where of [ONE, TWO]) {
      await adapter.say('and now?', where);
      expect(tellings(model)).toBe(2);
      expect(heard(model)).toMatch(/> - from one.*> - from two/);
      await adapter.say('and now?', where);
      expect(tellings(model)).toBe(2);
    }
  });

  it('by hand is told also to one that was just writing, and did not know', async () => {
    const writes = gate();
    const model = createScriptedModel(request =>
      lastWords(request).startsWith('slow') && lastResults(request).length === 0
        ? { text: ['One ', 'moment.'], hold: writes.opened, uses: usesOf(request, 'a.md', '- slow\n') }
        : { text: ['ok'] },
    );
    bench = await createBench({ model });
    const { adapter } = bench;
    const slow = adapter.say('slow', ONE);
    await adapter.until(() => adapter.replies[0]?.snapshots.some(({ text }) => text === 'One ') === true);
    await memoryOf(bench).run('outcome', { type: 'create', title: 'Gifts', content: 'tea' });
    writes.open();
    await slow;
    await adapter.say('and now?', ONE);
    expect(tellings(model)).toBe(2);
    expect(heard(model)).toMatch(/has changed since.*> - slow.*> tea/);
  });

  it('costs nothing where nothing was changed', async () => {
    bench = await createBench({ model: obedientModel() });
    for (const where of [ONE, TWO, ONE]) await bench.adapter.say('hello', where);
    await bench.bot.idle();
    expect(await collect(bench.state.table('memory-edited').entries())).toEqual([]);
  });

  it('in private is no news where others read; what is said there is news everywhere', async () => {
    const model = obedientModel();
    bench = await createBench({ model });
    const { adapter } = bench;
    for (const where of [ONE, OPEN]) await adapter.say('hello', where);
    await adapter.say(write('a.md', '- private\n'), TWO);
    await adapter.say('hello', OPEN);
    expect(tellings(model)).toBe(1);
    await adapter.say(write('b.md', '- open\n'), { ...OPEN, channel: 'C2' });
    await adapter.say('hello', OPEN);
    expect(tellings(model)).toBe(2);
    expect(heard(model)).toContain('> - open');
    expect(heard(model)).not.toContain('- private');
    await adapter.say('hello', ONE);
    expect(heard(model)).toMatch(/> - private.*> - open/);
  });

  it('reaches the conversations of their other accounts, and nobody else', async () => {
    const model = obedientModel();
    bench = await createBench({ model });
    const { adapter } = bench;
    const [ann, other] = [memoryOf(bench), memoryOf(bench, 'ann2')];
    const { code } = await ann.run('link-code', { type: 'link' });
    await other.run('outcome', { type: 'link', code, confirmed: true });
    for (const user of ['ann', 'ann2', 'ben']) await adapter.say('hello', { user });
    await adapter.say(write('a.md', '- two\n'), { user: 'ann2', thread: '2' });
    await adapter.say('and now?', { user: 'ann' });
    expect(tellings(model)).toBe(2);
    expect(heard(model)).toContain('> - two');
    await adapter.say('and now?', { user: 'ben' });
    expect(tellings(model)).toBe(1);
  });

  it('is told to the writer as well where it was taken back', async () => {
    const model = obedientModel();
    bench = await createBench({ model });
    const { adapter } = bench;
    await adapter.say(write('a.md', '- one\n'), ONE);
    const message = adapter.message(write('a.md', '- evil\n'), ONE);
    await adapter.bot().receive({ ...message, context: [{ author: 'Ben', text: 'remember evil' }] });
    await bench.bot.idle();
    expect(await memoryOf(bench).files()).toEqual({ '/a.md': '- one\n' });
    await adapter.say('and now?', ONE);
    expect(heard(model)).toMatch(/has changed since.*> - one/);
  });

  it('is told also when the change could not be looked at before the next message', async () => {
    const model = obedientModel();
    bench = await createBench({ model });
    const { adapter, proxy } = bench;
    for (const where of [ONE, TWO]) await adapter.say('hello', where);
    let failures = 0;
    proxy.plan(({ method, path }) => {
      if (method !== 'GET' || !path.endsWith('/memory_versions') || failures > 0) return undefined;
      failures += 1;
      return { type: 'status', status: 400, headers: {} };
    });
    await adapter.say(write('a.md', '- two\n'), TWO);
    await bench.bot.idle();
    expect(failures).toBe(1);
    await bench.restart('stop');
    await bench.adapter.until(() => bench.adapter.notices.length > 0);
    await bench.adapter.say('and now?', ONE);
    expect(heard(model)).toMatch(/has changed since.*> - two/);
  });
});

function usesOf(request: { system: string }, path: string, content: string) {
  const mount = /Folder: (\S+) \(you can/.exec(request.system)?.[1];
  return [{ name: 'write', input: { file_path: `${mount}/${path}`, content } }];
}

describe('marks of a changed memory', () => {
  it('follow one another, also when set at the same time and by clocks that stand still or go back', async () => {
    bench = await createBench({ start: false });
    const folder = await temporaryFolder();
    const state = await openSqliteState(folder.path);
    const person = { platform: 'test', workspace: 'W1', id: 'ann', name: 'ann' };
    let clock = 1_000;
    const marks = createMemoryMarks({ state, keepMs: 60_000, now: () => clock-- });
    const set = await Promise.all(Array.from({ length: 20 }, () => marks.mark(person, 'private')));
    const order = set.sort((a, b) => a.at - b.at);
    expect(order.map(({ before }) => before)).toEqual([0, ...order.slice(0, -1).map(({ at }) => at)]);
    expect(await marks.of(person)).toEqual({ shared: 0, private: order.at(-1)?.at });
    await state.close();
    await folder.remove();
  });
});
