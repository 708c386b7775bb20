import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { gate } from '../../helpers/gate.ts';
import { createWorld, oauthInstall, type World } from './harness.ts';

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

  it('is waited for when Slack first has no time to look at the token', async () => {
    world = await createWorld({ started: false });
    world.slack.fail('auth.test', { type: 'http', status: 503 });
    world.slack.fail('auth.test', { type: 'rate_limited', retryAfter: 1 });
    await world.adapter.start(world.bot);
    await world.ann.dm('Hello').settled;
    expect(world.bot.received).toHaveLength(1);
  });

  it.each([
    ['does not answer', { type: 'http', status: 503 }, /Cannot open Slack.s Socket Mode/],
    ['names an error', { type: 'error', error: 'missing_scope' }, /Slack says missing_scope/],
  ] as const)('is given up with a sentence for the operator when Slack %s', async (_, fault, sentence) => {
    world = await createWorld({ started: false });
    world.slack.fail('apps.connections.open', fault, { times: 100 });
    await expect(world.adapter.start(world.bot)).rejects.toThrow(sentence);
  });

  it('is asked for on, and the process lives, when Slack has an error and then refuses it', async () => {
    world = await createWorld();
    const { slack, logs } = world;
    const unhandled = catchUnhandled();
    slack.fail('apps.connections.open', { type: 'error', error: 'internal_error' });
    slack.fail('apps.connections.open', { type: 'error', error: 'invalid_auth' });
    slack.socket.cut();
    await slack.until(() => logs.some(line => line.event === 'slack.refused'), 'the refusal', 25_000);
    expect(logs).toContainEqual(
      expect.objectContaining({
        event: 'slack.connecting',
        fields: expect.objectContaining({ reason: 'internal_error' }),
      }),
    );
    await new Promise(setImmediate);
    expect(unhandled()).toEqual([]);
  });

  it.each([
    ['does not answer', { type: 'http', status: 503 }, 'slack.connecting'],
    ['has an error', { type: 'error', error: 'internal_error' }, 'slack.connecting'],
    ['refuses it', { type: 'error', error: 'invalid_auth' }, 'slack.refused'],
  ] as const)('does not take the process down when it stops while Slack %s', async (_, fault, event) => {
    world = await createWorld();
    const { slack, adapter, logs } = world;
    const unhandled = catchUnhandled();
    slack.fail('apps.connections.open', fault, { times: 100 });
    slack.socket.cut();
    await slack.until(() => logs.some(line => line.event === event), 'the trouble', 25_000);
    await adapter.stop();
    await slack.until(
      () => logs.some(({ fields }) => String(fields.words).startsWith('Failed to retrieve a new WSS URL')),
      'the library to give up',
    );
    await new Promise(setImmediate);
    expect(unhandled()).toEqual([]);
    expect(slack.socket.connections).toBe(0);
  });
});

it('that ends before a delivery from elsewhere is refused does not take the process down', async () => {
  const reading = gate();
  const looked = gate();
  let held = false;
  world = await createWorld({
    install: oauthInstall,
    state: state => ({
      ...state,
      table<T>(name: string) {
        const table = state.table<T>(name);
        return {
          ...table,
          async get(key: string) {
            if (held) {
              looked.open();
              await reading.opened;
            }
            return table.get(key);
          },
        };
      },
    }),
  });
  const { slack, logs } = world;
  const unhandled = catchUnhandled();
  const other = slack.addWorkspace('Other');
  other.install();
  held = true;
  other.addUser('eve').dm('Hello');
  await looked.opened;
  slack.socket.cut();
  await slack.until(() => slack.socket.connections === 0, 'the cut');
  reading.open();
  await slack.until(() => logs.some(({ event }) => event === 'slack.delivery_failed'), 'the lost refusal');
  await new Promise(setImmediate);
  expect(unhandled()).toEqual([]);
});

/** What nobody handled since, which would have ended the process. */
function catchUnhandled(): () => readonly unknown[] {
  const caught: unknown[] = [];
  const note = (error: unknown) => caught.push(error);
  process.on('unhandledRejection', note);
  onTestFinished(() => {
    process.off('unhandledRejection', note);
  });
  return () => caught;
}
