import { afterEach, describe, expect, it } from 'vitest';
import { createMemory } from '../../src/core/memory/memory.ts';
import { createLog } from '../../src/log.ts';
import { type Bench, createBench } from '../helpers/bench.ts';
import { memoryOf } from '../helpers/memory.ts';
import { createScriptedModel } from '../helpers/scripted-model.ts';

let bench: Bench;
afterEach(() => bench.stop());

const now = () => Date.parse('2026-11-22T12:00:00Z');

describe('a store that was made a moment ago', () => {
  it('is new where it was made for a session, once, and not where it was made to write into', async () => {
    bench = await createBench({ start: false });
    const { client, state, adapter } = bench;
    const log = createLog('silent');
    const memory = createMemory({
      client,
      state,
      app: 'shopper',
      description: undefined,
      accountsOf: async person => [person],
      onLinked: async () => {},
      log,
      now,
    });
    const { person: ann } = adapter.conversation({ user: 'ann' });
    const { person: ben } = adapter.conversation({ user: 'ben' });
    const forSession = await memory.storeFor(ann, 'private', true);
    expect(memory.isNew(forSession)).toBe(true);
    expect(memory.isNew(forSession)).toBe(false);
    expect(memory.isNew(await memory.storeFor(ben, 'private'))).toBe(false);
  });

  it('for the form of a new person is told to the agent with their first message', async () => {
    const model = createScriptedModel(() => ({ text: ['ok'] }));
    bench = await createBench({ model, now });
    await memoryOf(bench).run('outcome', { type: 'set', values: { budget: '$80' } });
    await bench.adapter.say('hello');
    expect(JSON.stringify(model.requests[0]?.messages)).toContain('budget: $80');
  });
});
