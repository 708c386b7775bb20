import { SocketModeReceiver } from '@slack/bolt';
import { z } from 'zod';
import { quietLogger } from '../../adapters/slack/connection/quiet-logger.ts';
import type { SlackSettings } from '../../adapters/slack/connection/settings.ts';
import { clientOptions } from '../../adapters/slack/connection/web-client.ts';
import type { Log } from '../../log.ts';
import { throughProxy } from '../../proxy.ts';
import { type Check, fine, listOf, problem, warning } from './findings.ts';
import type { Network } from './network.ts';
import type { Manifest } from './slack-manifest.ts';

const hello = z.object({ type: z.literal('hello'), num_connections: z.number() });
const goodbye = z.object({ type: z.literal('disconnect'), reason: z.string() });
const delivery = z.object({
  type: z.string(),
  body: z.object({
    event: z.object({ type: z.string(), channel_type: z.string().optional() }).optional(),
    command: z.string().optional(),
  }),
});

/** The subscription by which a message comes, by its channel_type. */
const MESSAGES: Readonly<Record<string, string>> = {
  im: 'message.im',
  mpim: 'message.mpim',
  channel: 'message.channels',
  group: 'message.groups',
};

/**
 * Connects as the bot would and notes which kinds of events come, for as long as asked or until the operator
 * stops it. Nothing is acknowledged, so Slack goes on sending events for some minutes, and a bot that is started meanwhile
 * answers them. A bot that is
 * connected already would share its events with this, so then it does not listen.
 */
export async function listenToSlack(deps: {
  settings: SlackSettings;
  listenMs: number;
  wanted: Manifest;
  signal: AbortSignal;
  say(text: string): void;
  network: Network;
  log: Log;
}): Promise<Check[]> {
  const { settings, wanted, network } = deps;
  if (settings.transport.type === 'http') {
    return [
      warning(
        'slack.listening_refused',
        'Listening works in Socket Mode; over HTTP, Slack sends events only to the Request URL',
        'Set SLACK_CONFIG_TOKEN to have the subscriptions read instead (docs/troubleshooting.md).',
      ),
    ];
  }
  const client = new SocketModeReceiver({
    appToken: settings.transport.appToken,
    ...throughProxy(),
    autoReconnectEnabled: false,
    logger: quietLogger(deps.log),
    installerOptions: {
      clientOptions: { ...clientOptions(settings.apiUrl, deps.log), fetch: network.fetch('Slack') },
    },
  }).client;
  const arrived = new Set<string>();
  let others = 0;
  let parting: string | null = null;
  const over = new AbortController();
  client.on('ws_message', (data: unknown) => {
    const frame = parse(data);
    others = hello.safeParse(frame).data?.num_connections ?? others;
    const { reason } = goodbye.safeParse(frame).data ?? {};
    if (reason === undefined) return;
    parting = reason;
    over.abort();
  });
  client.on('slack_event', (raw: unknown) => {
    const name = nameOf(raw);
    if (name === null || arrived.has(name)) return;
    arrived.add(name);
    deps.say(`  ${name} arrived`);
  });
  try {
    const started = client.start();
    started.catch(() => {});
    await network.within(Promise.race([started, aborted(over.signal)]));
    if (parting === null && others <= 1) {
      deps.say(
        `Listening to Slack for ${Math.round(deps.listenMs / 1_000)} s. Write to the app, mention it, open its Home tab; Ctrl-C ends it.`,
      );
      await Promise.race([pause(deps.listenMs), aborted(deps.signal), aborted(over.signal)]);
    }
  } catch (error) {
    return [
      problem(
        'slack.unreachable',
        `The socket to Slack ${network.reason(error)}`,
        'Check that nothing between here and Slack blocks WebSockets (wss://*.slack.com on port 443).',
      ),
    ];
  } finally {
    await network.within(Promise.resolve(client.disconnect())).catch(() => {});
  }
  return outcome(arrived, others, parting, wanted);
}

function outcome(
  arrived: ReadonlySet<string>,
  connections: number,
  parting: string | null,
  wanted: Manifest,
): Check[] {
  if (parting === 'link_disabled') {
    return [
      problem(
        'slack.socket_mode_off',
        'Socket Mode is off in the app: nothing arrives',
        'api.slack.com/apps → your app → Socket Mode → Enable Socket Mode.',
      ),
    ];
  }
  if (connections > 1) {
    return [
      warning(
        'slack.listening_refused',
        'A bot is already connected to this app: Slack would give some of its messages to the doctor',
        'Stop the bot and listen again, or set SLACK_CONFIG_TOKEN to have the subscriptions read.',
      ),
    ];
  }
  const { bot_events: events } = wanted.settings.event_subscriptions;
  if (arrived.size === 0) {
    return [
      problem(
        'slack.nothing_arrived',
        'Connected to Slack, but nothing arrived',
        `If you wrote to the app in that time, it subscribes to no events: api.slack.com/apps → your app → Event Subscriptions, switch it on and add ${listOf(events)}. Otherwise listen again and write to it.`,
      ),
    ];
  }
  const unseen = events.filter(event => !arrived.has(event));
  const heard = fine(`Events arrive: ${listOf([...arrived].sort())}`);
  if (unseen.length === 0) return [heard];
  return [
    heard,
    warning(
      'slack.event_not_seen',
      `Not seen while listening: ${listOf(unseen)}`,
      'Only what somebody does can arrive. If you did these, look under Event Subscriptions → Subscribe to bot events.',
    ),
  ];
}

function nameOf(raw: unknown): string | null {
  const { type, body } = delivery.safeParse(raw).data ?? {};
  if (type === undefined || body === undefined) return null;
  const { event, command } = body;
  if (event === undefined) return command ?? type;
  return event.type === 'message' ? (MESSAGES[event.channel_type ?? ''] ?? 'message') : event.type;
}

function parse(data: unknown): unknown {
  try {
    return JSON.parse(data instanceof Uint8Array ? new TextDecoder().decode(data) : String(data));
  } catch {
    return null;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
