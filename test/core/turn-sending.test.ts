import { afterEach, describe, expect, it } from 'vitest';
import { ModelError } from '../../src/runtime/ports.ts';
import type { Fault, Passing } from '../fakes/fault-proxy.ts';
import { type Bench, collect, createBench } from '../helpers/bench.ts';
import { gate } from '../helpers/gate.ts';
import { memoryOf } from '../helpers/memory.ts';
import { createScriptedModel, lastResults, lastWords } from '../helpers/scripted-model.ts';

let bench: Bench;
afterEach(() => bench.stop());

const PICTURE = { name: 'a.png', mediaType: 'image/png', sizeBytes: 3, source: 'a' };
const isSending = ({ method, path }: Passing) => method === 'POST' && path.endsWith('/events');
const sessions = () => collect(bench.client.beta.sessions.list());

/** What people have said in the only session there is. */
async function heard(): Promise<string> {
  const [session] = await sessions();
  if (session === undefined) return '';
  const list = bench.client.beta.sessions.events.list(session.id, { types: ['user.message'] });
  return JSON.stringify(await collect(list));
}

describe('a message that the service refuses', () => {
  it.each([
    [400, /didn't accept that message/],
    [401, /doesn't accept my credentials/],
    [413, /more than I can take/],
  ])('with %i is sent once, and the conversation is still the same', async (status, said) => {
    bench = await createBench({ model: createScriptedModel(() => ({ text: ['ok'] })) });
    const { adapter, proxy } = bench;
    await adapter.say('one');
    let sent = 0;
    proxy.plan((passing): Fault | undefined => {
      if (!isSending(passing)) return undefined;
      sent += 1;
      return { type: 'status', status };
    });
    expect((await adapter.say('two')).final?.text).toMatch(said);
    expect(sent).toBe(1);
    proxy.plan(() => undefined);
    expect((await adapter.say('three')).final?.text).toBe('ok');
    expect(await sessions()).toHaveLength(1);
    expect(await heard()).toMatch(/one.*three/);
  });

  it('with 409 is sent again for a moment, once it is taken', async () => {
    bench = await createBench({ model: createScriptedModel(() => ({ text: ['ok'] })) });
    const { adapter, proxy } = bench;
    proxy.plan(passing =>
      isSending(passing) && passing.index < 2 ? { type: 'status', status: 409 } : undefined,
    );
    expect((await adapter.say('one')).final?.text).toBe('ok');
    expect((await heard()).match(/one/g)).toHaveLength(1);
  });

  it('with 409 and goes on doing so ends with a sentence', async () => {
    bench = await createBench({ model: createScriptedModel(() => ({ text: ['ok'] })) });
    const { adapter, proxy } = bench;
    let sent = 0;
    proxy.plan(passing => {
      if (!isSending(passing)) return undefined;
      sent += 1;
      return { type: 'status', status: 409 };
    });
    expect((await adapter.say('one')).final?.text).toMatch(/Please try once more/);
    expect(sent).toBe(4);
  });

  it('because its session is over is answered in another', async () => {
    bench = await createBench({ model: createScriptedModel(() => ({ text: ['ok'] })) });
    await bench.adapter.say('one');
    const [session] = await sessions();
    await bench.client.beta.sessions.archive(session?.id ?? '');
    expect((await bench.adapter.say('two')).final?.text).toBe('ok');
  });
});

describe('a file that the model fails over', () => {
  it('is not given to it again with every later message', async () => {
    const broken = new ModelError('request_failed', 'bad picture', { retryable: false });
    const model = createScriptedModel(request =>
      lastWords(request).includes('look') ? { error: broken } : { text: ['ok'] },
    );
    bench = await createBench({ model });
    const { adapter } = bench;
    adapter.download = async () => new Uint8Array([1, 2, 3]);
    const message = adapter.message('look');
    await adapter.bot().receive({ ...message, attachments: [PICTURE] });
    await adapter.until(() => adapter.replies[0]?.closed === true);
    expect(adapter.replies[0]?.final?.text).toMatch(/It may be the file: please send that again without it/);
    expect((await adapter.say('hi')).final?.text).toBe('ok');
    expect(await sessions()).toHaveLength(2);
  });
});

describe('stopping', () => {
  /** Sends a message with a file that does not arrive, and stops. */
  async function stopWhileFetching(text: string): Promise<void> {
    const { adapter } = bench;
    const fetching = gate();
    adapter.download = (_attachment, signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        fetching.open();
      });
    await adapter.bot().receive({ ...adapter.message(text), attachments: [PICTURE] });
    await fetching.opened;
    await adapter.bot().interrupt(adapter.conversation());
    await adapter.until(() => adapter.replies.at(-1)?.closed === true);
  }

  it('while a file is being fetched ends that at once, and the conversation goes on', async () => {
    bench = await createBench({ model: createScriptedModel(() => ({ text: ['ok'] })) });
    const { adapter } = bench;
    await adapter.say('one');
    await stopWhileFetching('two');
    expect(adapter.replies[1]?.final?.text).toBe('Stopped.');
    expect((await adapter.say('three')).final?.text).toBe('ok');
    expect(await sessions()).toHaveLength(1);
    expect(await heard()).not.toContain('two');
  });

  it('before the agent is told that the person has changed their memory, it is told with the next message', async () => {
    const model = createScriptedModel(() => ({ text: ['ok'] }));
    bench = await createBench({ model });
    const { adapter } = bench;
    await adapter.say('one');
    await memoryOf(bench).run('outcome', { type: 'create', title: 'shoes', content: 'size 9' });
    await stopWhileFetching('two');
    const told = () => JSON.stringify(model.requests.at(-1)?.messages).split('size 9').length - 1;
    await adapter.say('three');
    expect(told()).toBe(1);
    await adapter.say('four');
    expect(told()).toBe(1);
  });

  it('while there is no session yet is no failure', async () => {
    bench = await createBench({ model: createScriptedModel(() => ({ text: ['ok'] })) });
    const { adapter, proxy } = bench;
    proxy.plan(() => ({ type: 'drop_before' }));
    const saying = adapter.say('one');
    await adapter.until(
      () => adapter.replies[0]?.snapshots.at(-1)?.status?.startsWith("Can't reach") === true,
    );
    await adapter.bot().interrupt(adapter.conversation());
    expect((await saying).final).toMatchObject({ state: 'stopped', text: 'Stopped.' });
  });

  it('while nobody knows whether the message was sent does not send it', async () => {
    bench = await createBench({ model: createScriptedModel(() => ({ text: ['ok'] })) });
    const { adapter, proxy } = bench;
    await adapter.say('one');
    proxy.plan(() => ({ type: 'drop_before' }));
    const saying = adapter.say('two');
    await adapter.until(
      () => adapter.replies[1]?.snapshots.at(-1)?.status?.startsWith("Can't reach") === true,
    );
    await adapter.bot().interrupt(adapter.conversation());
    proxy.plan(() => undefined);
    expect((await saying).final).toMatchObject({ state: 'stopped', text: 'Stopped.' });
    expect((await adapter.say('three')).final?.text).toBe('ok');
    for (const { id } of await sessions()) {
      const events = await collect(bench.client.beta.sessions.events.list(id));
      expect(JSON.stringify(events)).not.toContain('two');
    }
  });

  it('for the sake of one of several messages leaves the others to be answered, also by a later process', async () => {
    const model = createScriptedModel(request => {
      const words = lastWords(request);
      if (lastResults(request).length > 0) return { text: ['Once ', 'upon'], hold: new Promise(() => {}) };
      if (!words.includes('long'))
        return words.includes('first')
          ? { text: ['One ', 'moment'], hold: new Promise(() => {}) }
          : { text: ['ok'] };
      const mount = /mounted at (\S+) \(read and write\)/.exec(JSON.stringify(request.messages))?.[1];
      return { uses: [{ name: 'write', input: { file_path: `${mount}/a.md`, content: '- x' } }] };
    });
    bench = await createBench({ model });
    const { adapter } = bench;
    const reads = (index: number, text: string) =>
      adapter.until(() => adapter.replies[index]?.snapshots.at(-1)?.text === text);
    await adapter.bot().receive(adapter.message('first', { id: 'W' }));
    await reads(0, 'One ');
    await adapter.bot().receive(adapter.message('hi', { id: 'X' }));
    await adapter.bot().receive(adapter.message('a long one', { id: 'Z' }));
    await adapter.bot().interrupt(adapter.conversation());
    await reads(1, 'Once ');
    const telling = gate();
    const told = gate();
    adapter.notify = () => {
      telling.open();
      return told.opened;
    };
    expect(await adapter.bot().withdraw(adapter.conversation(), 'Z')).toBe('running');
    await telling.opened;
    // What a process finds that comes after this one, if this one ended here.
    const kept = await bench.state.table<{ entries: string[] }>('turn').get('test/W1/ann/D1/');
    expect(kept?.entries).toEqual([expect.stringMatching(/Z$/)]);
    told.open();
    await adapter.until(() => adapter.replies.length === 3);
    expect(adapter.replies.map(({ messageId }) => messageId)).toEqual(['W', 'Z', 'X']);
  });
});

describe('an outage while the agent works', () => {
  it('has a limit of its own: what was said meanwhile is read before the turn is given up', async () => {
    bench = await createBench({ limits: { turnMs: 1 } });
    const { adapter, proxy } = bench;
    let isDown = false;
    proxy.plan(passing => {
      if (isDown) return { type: 'drop_before' };
      if (!isSending(passing)) return undefined;
      isDown = true;
      return { type: 'drop_after' };
    });
    const saying = adapter.say('hello');
    await adapter.until(
      () => adapter.replies[0]?.snapshots.at(-1)?.status?.startsWith("Can't reach") === true,
    );
    isDown = false;
    proxy.plan(() => undefined);
    expect((await saying).final).toMatchObject({ state: 'done' });
  });
});

describe('a turn whose person is being forgotten', () => {
  it('begins nothing anew when its session is removed under it', async () => {
    bench = await createBench({ model: createScriptedModel(() => ({ text: ['ok'] })) });
    const { adapter, client, state } = bench;
    await adapter.say('one');
    const [fetching, fetched] = [gate(), gate()];
    adapter.download = async () => {
      fetching.open();
      await fetched.opened;
      return new Uint8Array([1]);
    };
    await adapter.bot().receive({ ...adapter.message('two'), attachments: [PICTURE] });
    await fetching.opened;
    // As another process does it that this one did not hear.
    const [session] = await sessions();
    await client.beta.sessions.delete(session?.id ?? '');
    await client.beta.memoryStores.delete(await memoryOf(bench).storeId());
    for await (const [id] of state.table('inbox').entries()) await state.table('inbox').delete(id);
    fetched.open();
    await bench.bot.idle();
    expect(await sessions()).toEqual([]);
    expect(await collect(client.beta.memoryStores.list())).toEqual([]);
    expect(adapter.replies[1]?.final).toBeNull();
  });
});
