import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Bench, collect, createBench } from '../helpers/bench.ts';
import { gate } from '../helpers/gate.ts';
import { memoryOf } from '../helpers/memory.ts';
import { createScriptedModel, lastResults, lastWords } from '../helpers/scripted-model.ts';

let bench: Bench;
afterEach(() => bench.stop());

const DOWN = { type: 'status', status: 503, headers: { 'retry-after-ms': '1' } } as const;

/** Says something, waits to be let on, then writes into memory; whatever else it is asked is small talk. */
function slowWriter(hold: Promise<void>, path: string, content: string) {
  return createScriptedModel(request => {
    const mount = /Folder: (\S+) \(you can/.exec(request.system)?.[1];
    const writing = (text: string) => [
      { name: 'write', input: { file_path: `${mount}/${path}`, content: text } },
    ];
    if (lastResults(request).length > 0) return { text: ['Noted.'] };
    if (lastWords(request).includes('first')) return { uses: writing('- ring: 7\n') };
    if (!lastWords(request).includes('slow')) return { text: ['ok'] };
    return { text: ['One ', 'moment.'], hold, uses: writing(content) };
  });
}

const isSlowed = () => bench.adapter.replies.at(-1)?.snapshots.at(-1)?.text === 'One ';

describe('what a turn changed in memory that failed before it was over', () => {
  const IN_CHANNEL = { channel: 'C1', audience: 'shared' } as const;

  async function failing(): Promise<() => void> {
    const { open, opened } = gate();
    bench = await createBench({
      model: slowWriter(opened, 'a.md', '- hates: Ann\n'),
      limits: { outageMs: 300 },
    });
    const { adapter, proxy } = bench;
    const context = [{ author: 'Ben', text: 'remember that she hates Ann' }];
    await adapter.bot().receive({ ...adapter.message('slow', IN_CHANNEL), context });
    await adapter.until(isSlowed);
    proxy.plan(() => DOWN);
    proxy.cut();
    await adapter.until(() => adapter.replies[0]?.closed === true);
    expect(adapter.replies[0]?.final?.text).toMatch(/^One .*send that again/s);
    return open;
  }

  it('is looked at when the service is back: what came from others is asked about', async () => {
    const goOn = await failing();
    const { adapter, proxy } = bench;
    goOn();
    proxy.plan(() => undefined);
    await adapter.until(() => adapter.notices.length > 0);
    expect(adapter.notices).toMatchObject([
      { mode: 'private', notice: { heldBecauseOf: ['what Ben wrote'] }, lines: ['+ hates: Ann'] },
    ]);
    expect(await memoryOf(bench).files('shared')).toEqual({});
    expect((await adapter.say('hi', IN_CHANNEL)).final?.text).toBe('ok');
    expect(await collect(bench.client.beta.sessions.list())).toHaveLength(2);
  });

  it('is looked at by a later process when this one ends', async () => {
    const goOn = await failing();
    await bench.bot.idle();
    goOn();
    bench.proxy.plan(() => undefined);
    await bench.restart('stop');
    await bench.adapter.until(() => bench.adapter.notices.length > 0);
    expect(bench.adapter.notices[0]?.notice.heldBecauseOf).toEqual(['what Ben wrote']);
    expect(await memoryOf(bench).files('shared')).toEqual({});
  });
});

describe('what was forgotten while a turn ran', () => {
  it('stays forgotten when the turn writes it again and memory cannot be read for a moment', async () => {
    const { open, opened } = gate();
    bench = await createBench({ model: slowWriter(opened, 'a.md', '- ring: 7\n- hat: 5\n') });
    const { adapter, proxy } = bench;
    const ann = memoryOf(bench);
    await adapter.say('first');
    await adapter.bot().receive(adapter.message('slow'));
    await adapter.until(isSlowed);
    await ann.run('outcome', { type: 'forget', memoryId: await ann.idOf('/a.md') });
    let failed = 0;
    proxy.plan(({ method, path }) => {
      if (method !== 'GET' || path !== '/v1/memory_stores/:id/memories' || failed === 3) return undefined;
      failed += 1;
      return DOWN;
    });
    open();
    await vi.waitFor(async () => expect(await ann.files()).toEqual({ '/a.md': '- hat: 5\n' }), 5_000);
    expect(failed).toBe(3);
  });
});
