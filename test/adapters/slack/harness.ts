import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSlackAdapter, type SlackAdapterOptions } from '../../../src/adapters/slack/adapter.ts';
import type { Install, Transport } from '../../../src/adapters/slack/connection/settings.ts';
import type { ChatAdapter, ReplySink } from '../../../src/core/adapter.ts';
import type { Json, Message } from '../../../src/core/message.ts';
import { openSqliteState } from '../../../src/core/state/sqlite.ts';
import type { State } from '../../../src/core/state/state.ts';
import type { SetTimer } from '../../../src/core/timer.ts';
import type { Log } from '../../../src/log.ts';
import type { AppSettings } from '../../fakes/slack/core.ts';
import type { User } from '../../fakes/slack/drivers/user.ts';
import type { Installed, Workspace } from '../../fakes/slack/drivers/workspace.ts';
import { createFakeSlack, type FakeSlack, type FakeSlackOptions } from '../../fakes/slack/fake-slack.ts';
import { createScriptedBot, keeper, type ScriptedBot } from '../scripted-bot.ts';
import { readManifest } from './manifest.ts';

export const TRANSPORTS = ['socket', 'http'] as const;
export type TransportName = (typeof TRANSPORTS)[number];

export interface LogLine {
  level: 'debug' | 'info' | 'warn' | 'error';
  event: string;
  fields: Record<string, unknown>;
}

export interface World {
  slack: FakeSlack;
  workspace: Workspace;
  installed: Installed;
  ann: User;
  ben: User;
  bot: ScriptedBot;
  adapter: ChatAdapter;
  state: State;
  logs: LogLine[];
  /** The address the adapter listens on: HTTP deliveries, and the installation pages. */
  url: string;
  /** Opens the reply to a message; `kept` is what was saved for it so far. */
  open(message: Message, kept?: { handle: Json; save(handle: Json): Promise<void> }): ReplySink;
  /** Another process on the same state. */
  restart(): Promise<void>;
  /** Waits until the bot has received so many messages. */
  received(count?: number): Promise<Message>;
  stop(): Promise<void>;
}

export interface WorldOptions {
  transport?: TransportName;
  fake?: FakeSlackOptions;
  install?: (slack: FakeSlack) => Install;
  /** Where the adapter listens; a free port unless given. */
  port?: number;
  adapter?: Partial<SlackAdapterOptions>;
  /** Stands between the adapter and the state. */
  state?: (state: State) => State;
  /** False: install it in the test. */
  started?: boolean;
}

/** A workspace with two people, the adapter in it, and a scripted bot behind it. Time is the fake's. */
export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const transport = options.transport ?? 'socket';
  const slack = await createFakeSlack({ ...options.fake, app: { ...asInManifest(), ...options.fake?.app } });
  const workspace = slack.addWorkspace('Acme');
  const installed = workspace.install();
  const port = options.port ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  const folder = await mkdtemp(join(tmpdir(), 'slack-'));
  const state = await openSqliteState(folder);
  const logs: LogLine[] = [];
  const setTimer: SetTimer = (run, ms) => slack.clock.after(ms, run);

  const build = () =>
    createSlackAdapter({
      transport: transportOf(transport, slack, port),
      install: options.install?.(slack) ?? { type: 'token', botToken: installed.token },
      apiUrl: slack.apiUrl,
      linkHosts: ['shop.example'],
      state: options.state?.(state) ?? state,
      suggestedPrompts: [{ title: 'Shoes', message: 'Find me shoes' }],
      log: recordingLog(logs),
      now: slack.clock.now,
      setTimer,
      ...options.adapter,
    });

  const world: World = {
    slack,
    workspace,
    installed,
    ann: workspace.addUser('ann', { displayName: 'Ann' }),
    ben: workspace.addUser('ben', { displayName: 'Ben' }),
    bot: createScriptedBot(),
    adapter: build(),
    state,
    logs,
    url,
    open: (message, kept = keeper()) => world.adapter.openReply(message, kept.handle, kept.save),
    async restart() {
      await world.adapter.stop();
      world.adapter = build();
      world.bot = world.bot.successor();
      await start();
    },
    async received(count = 1) {
      return slack.until(() => world.bot.received[count - 1], `message ${count} to the bot`);
    },
    async stop() {
      await world.adapter.stop();
      await state.close();
      await slack.stop();
      await rm(folder, { recursive: true });
    },
  };

  async function start(): Promise<void> {
    await world.adapter.start(world.bot);
    if (transport === 'http') await slack.useHttp(`${url}/slack/events`);
  }

  if (options.started !== false) await start();
  return world;
}

export function asInManifest(): Partial<AppSettings> {
  const { oauth_config, settings, features } = readManifest('manifest.yml');
  return {
    scopes: oauth_config.scopes.bot,
    events: settings.event_subscriptions.bot_events,
    commands: features.slash_commands.map(({ command }) => command),
    shortcuts: features.shortcuts.map(({ callback_id }) => callback_id),
  };
}

export function transportOf(name: TransportName, slack: FakeSlack, port: number): Transport {
  return name === 'socket'
    ? { type: 'socket', appToken: slack.appToken, port }
    : { type: 'http', signingSecret: slack.app.signingSecret, port };
}

export function oauthInstall(slack: FakeSlack): Extract<Install, { type: 'oauth' }> {
  return {
    type: 'oauth',
    clientId: slack.app.clientId,
    clientSecret: slack.app.clientSecret,
    stateSecret: 'state-secret',
    encryptionKey: randomBytes(32),
  };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise(resolve => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

export function recordingLog(lines: LogLine[]): Log {
  const at =
    (level: LogLine['level']) =>
    (fields: unknown, ...rest: unknown[]) => {
      const it: Record<string, unknown> = typeof fields === 'object' && fields !== null ? { ...fields } : {};
      lines.push({ level, event: String(it.event), fields: { ...it, words: rest.join(' ') } });
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
