import { afterEach, describe, expect, it } from 'vitest';
import { type Bench, createBench } from '../../helpers/bench.ts';
import { memoryOf } from '../../helpers/memory.ts';
import { createScriptedModel, lastResults, lastWords } from '../../helpers/scripted-model.ts';

let bench: Bench;
afterEach(() => bench.stop());

describe('a turn that a later process carries on after its account has left a joint memory', () => {
  it('writes into the memory that is the account’s now, and leaves the other’s alone', async () => {
    let go = () => {};
    const hold = new Promise<void>(resolve => {
      go = resolve;
    });
    const model = createScriptedModel(request => {
      const mount = /mounted at (\S+) \(read and write\)/.exec(JSON.stringify(request.messages))?.[1];
      const write = (path: string, content: string) => ({
        uses: [{ name: 'write', input: { file_path: `${mount}/${path}`, content } }],
      });
      if (lastResults(request).length > 0) return { text: ['Noted.'] };
      if (lastWords(request).includes('I like linen')) return write('a.md', '- likes: linen\n');
      if (!lastWords(request).includes('slow')) return { text: ['ok'] };
      return { text: ['One ', 'moment.'], hold, ...write('b.md', '- from two\n') };
    });
    bench = await createBench({ model });
    const [one, two] = [memoryOf(bench, 'ann'), memoryOf(bench, 'ann2')];
    await bench.adapter.say('I like linen');
    const { code } = await one.run('link-code', { type: 'link' });
    await two.run('outcome', { type: 'link', code, confirmed: true });
    const { adapter } = bench;
    await adapter.bot().receive(adapter.message('slow', { user: 'ann2', channel: 'D2' }));
    await adapter.until(() => adapter.replies.at(-1)?.snapshots.at(-1)?.text === 'One ');
    // Another process has written down that they part, and this one ends before it hears of it.
    const leaving = { leaver: two.person(), from: one.person(), to: two.person(), accounts: [two.person()] };
    await bench.state.table('linking').set('test/W1/ann2', { type: 'unlink', leaving });
    await bench.restart('abandon');
    const next = bench.adapter;
    await next.until(() => next.replies.length === 1);
    go();
    await next.until(() => next.replies[0]?.closed === true);
    await bench.bot.idle();
    expect(next.replies[0]?.final?.text).toBe('One moment.\n\nNoted.');
    expect(await one.files()).toEqual({ '/a.md': '- likes: linen\n' });
    expect(await two.files()).toEqual({ '/a.md': '- likes: linen\n', '/b.md': '- from two\n' });
    expect(next.notices.map(({ lines }) => lines)).toEqual([['+ from two']]);
  });
});
