import { z } from 'zod';
import type { BotPort, ChatAdapter } from '../../core/adapter.ts';
import { SetupError } from '../../core/errors.ts';
import { inTime } from '../../core/patience.ts';
import { createRateBudget } from '../../core/reply/rate-budget.ts';
import type { State } from '../../core/state/state.ts';
import type { RateLimited } from '../../core/telemetry.ts';
import { realTimer, type SetTimer } from '../../core/timer.ts';
import type { Log } from '../../log.ts';
import { createAsks } from './asks.ts';
import { createActors } from './connection/actors.ts';
import { createBoltApp, registerEvents } from './connection/bolt-app.ts';
import {
  createOAuthInstallations,
  createTokenInstallation,
  type Installations,
  type Source,
} from './connection/installations.ts';
import { createPeople } from './connection/people.ts';
import { createReceiver } from './connection/receiver.ts';
import type { SlackSettings } from './connection/settings.ts';
import { createSlackClients } from './connection/web-client.ts';
import { createThreadContext } from './context.ts';
import { createEvents } from './events.ts';
import { createDownloads } from './files.ts';
import { PLATFORM } from './inbound.ts';
import { registerInteractions } from './interactions.ts';
import { createExportFiles } from './memory/export-files.ts';
import { createHomeTabs } from './memory/home-tabs.ts';
import { createLatest } from './memory/latest.ts';
import { createNotifier } from './notifier.ts';
import { createOpenReplies, relayedStop } from './reply/open-replies.ts';
import { createOpenings } from './reply/openings.ts';

export interface SlackAdapterOptions extends SlackSettings {
  state: State;
  /** At most four are shown. */
  suggestedPrompts: readonly { title: string; message: string }[];
  log: Log;
  now?: () => number;
  setTimer?: SetTimer;
  /** Told of every call that has to wait. */
  rateLimited?: RateLimited;
}

const STOP_PATIENCE_MS = 5_000;

/** Slack, as a DM with an agent, in channels, in commands and on the Home tab. */
export function createSlackAdapter(options: SlackAdapterOptions): ChatAdapter {
  const { apiUrl, state, log } = options;
  const now = options.now ?? Date.now;
  const setTimer = options.setTimer ?? realTimer;
  const installations = installationsOf(options, now);
  const budget = createRateBudget({ now, setTimer });
  const clients = createSlackClients({
    apiUrl,
    credentials: installations,
    budget,
    log,
    ...(options.rateLimited === undefined ? {} : { rateLimited: options.rateLimited }),
  });
  const people = createPeople({ apiOf: clients.of, now, log });
  const context = createThreadContext({ apiOf: clients.of, people, state, log });
  const actors = createActors({ installations, people });
  const asks = createAsks({ closing: () => closing, log });
  const latest = createLatest(state);
  const downloads = createDownloads({ apiUrl, apiOf: clients.of, tokenOf: installations.token });
  const working = new Set<Promise<unknown>>();
  let port: BotPort | undefined;
  let closing = false;
  let sendsOnly = false;

  const bot = () => {
    if (port === undefined) throw new Error('Slack has not been started');
    return port;
  };

  const receiver = createReceiver({
    transport: options.transport,
    install: options.install,
    apiUrl,
    add: installations.add,
    log,
  });

  function background(work: Promise<unknown>): void {
    const settled = work
      .catch((error: unknown) =>
        log.error({ event: 'slack.background_failed', err: error }, 'something for Slack failed'),
      )
      .finally(() => working.delete(settled));
    working.add(settled);
  }

  const open = createOpenReplies({
    bot,
    apiOf: clients.of,
    installations,
    asks,
    greeting: messageId => events.greeting(messageId),
    linkHosts: options.linkHosts,
    closing: () => closing,
    background,
    now,
    setTimer,
    log,
  });
  const homes = createHomeTabs({ bot, apiOf: clients.of, background });
  const openings = createOpenings({
    bot,
    apiOf: clients.of,
    homes,
    latest,
    suggestedPrompts: options.suggestedPrompts,
    background,
    now,
  });
  const notifier = createNotifier({
    apiOf: clients.of,
    homes,
    closing: () => closing,
    background,
    now,
    setTimer,
    log,
  });
  const events = createEvents({
    bot,
    state,
    apiOf: clients.of,
    actors,
    people,
    context,
    latest,
    identify: downloads.identify,
    stopped: open.stopped,
    opened: openings.opened,
    refused: notifier.refused,
    background,
    log,
  });
  const app = createBoltApp({ receiver, installations, apiUrl, log });
  registerEvents(app, { handle: events.handle, removed });
  registerInteractions(app, {
    bot,
    asks,
    apiOf: clients.of,
    actorOf: actors.of,
    latest,
    exports: createExportFiles({ apiUrl, apiOf: clients.of, log }),
    homes,
    background,
    log,
  });

  async function removed(source: Source): Promise<void> {
    const gone = await installations.removeIfGone(source);
    if (gone === null) {
      log.warn({ event: 'slack.removed', ...source }, 'Slack says that the app or its token was removed');
      return;
    }
    people.forget(gone.tenant);
    await context.forget(gone.tenant);
    await events.forget(gone.tenant);
    await latest.forget(gone.tenant);
  }

  return {
    platform: PLATFORM,

    async start(to, connect = 'both') {
      port = to;
      closing = false;
      await installations.start();
      sendsOnly = connect === 'send';
      if (sendsOnly) return;
      try {
        await receiver.start();
      } catch (cause) {
        throw new SetupError(startSentence(options, cause), { cause });
      }
      log.info({ event: 'slack.started', transport: options.transport.type }, 'Slack is connected');
    },

    async stop() {
      closing = true;
      await receiver.stop();
      await inTime(Promise.allSettled([...working]), STOP_PATIENCE_MS, []);
    },

    connected: () => sendsOnly || receiver.connected(),

    openReply: open.openReply,
    notify: notifier.notify,

    relayed(payload) {
      const it = relayedSchema.safeParse(payload).data;
      switch (it?.type) {
        case 'press':
          return asks.press(it);
        case 'stopped':
          open.relayed(it);
          return null;
        case undefined:
          return null;
      }
    },

    linkTo({ person, channel, thread }) {
      const place = `https://app.slack.com/client/${person.workspace}/${channel}`;
      return thread === null ? place : `${place}/thread/${channel}-${thread}`;
    },

    download: downloads.download,
  };
}

const relayedSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('press'),
    key: z.string(),
    tenant: z.string(),
    user: z.string(),
    allow: z.boolean(),
  }),
  relayedStop,
]);

function installationsOf(options: SlackAdapterOptions, now: () => number): Installations {
  const deps = { apiUrl: options.apiUrl, state: options.state, log: options.log, now };
  switch (options.install.type) {
    case 'token':
      return createTokenInstallation(options.install.botToken, deps);
    case 'oauth':
      return createOAuthInstallations(options.install, deps);
  }
}

function startSentence({ transport, apiUrl }: SlackAdapterOptions, error: unknown): string {
  const said = error instanceof Error ? error.message : String(error);
  if (said.includes('EADDRINUSE')) return `Port ${transport.port} is in use. Set PORT to another one.`;
  return transport.type === 'socket'
    ? `Cannot open Slack's Socket Mode at ${apiUrl} (${said}). Check SLACK_APP_TOKEN, its scope connections:write, and the network.`
    : `Cannot listen for Slack on port ${transport.port} (${said}).`;
}
