import { afterEach, describe, expect, it } from 'vitest';
import { createWorld, type World } from './harness.ts';

let world: World | undefined;
afterEach(() => world?.stop());

describe('a connection that Slack does not give at once', () => {
  it('is asked for until it is there, when the last one broke', async () => {
    world = await createWorld();
    const { slack, ann, bot } = world;
    slack.fail('apps.connections.open', { type: 'http', status: 503 });
    slack.fail('apps.connections.open', { type: 'drop', when: 'before' });
    slack.fail('apps.connections.open', { type: 'rate_limited', retryAfter: 1 });
    slack.fail('apps.connections.open', { type: 'http', status: 500 });
    slack.socket.cut();
    await slack.until(() => slack.socket.connections === 0, 'the cut');
    // The library waits five seconds of real time before it asks.
    await slack.until(() => slack.socket.connections === 1, 'another connection', 25_000);
    await ann.dm('Hello').settled;
    expect(bot.received).toHaveLength(1);
  });

  it('is asked for a few times when the bot starts', async () => {
    world = await createWorld({ started: false });
    world.slack.fail('apps.connections.open', { type: 'http', status: 503 }, { times: 2 });
    await world.adapter.start(world.bot);
    await world.ann.dm('Hello').settled;
    expect(world.bot.received).toHaveLength(1);
  });

  it('is given up with a sentence for the operator when it never was there', async () => {
    world = await createWorld({ started: false });
    world.slack.fail('apps.connections.open', { type: 'http', status: 503 }, { times: 100 });
    await expect(world.adapter.start(world.bot)).rejects.toThrow(/Cannot open Slack.s Socket Mode/);
  });

  it.each([
    ['does not answer', { type: 'http', status: 503 }, 'slack.connecting'],
    ['refuses it', { type: 'error', error: 'invalid_auth' }, 'slack.refused'],
  ] as const)('does not take the process down when it stops while Slack %s', async (_, fault, event) => {
    world = await createWorld();
    const { slack, adapter, logs } = world;
    const unhandled: unknown[] = [];
    const note = (error: unknown) => unhandled.push(error);
    process.on('unhandledRejection', note);
    try {
      slack.fail('apps.connections.open', fault, { times: 100 });
      slack.socket.cut();
      await slack.until(() => logs.some(line => line.event === event), 'the trouble', 25_000);
      await adapter.stop();
      await slack.until(
        () => logs.some(({ fields }) => String(fields.words).startsWith('Failed to retrieve a new WSS URL')),
        'the library to give up',
      );
      await new Promise(setImmediate);
      expect(unhandled).toEqual([]);
      expect(slack.socket.connections).toBe(0);
    } finally {
      process.off('unhandledRejection', note);
    }
  });
});
