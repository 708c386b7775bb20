import { App } from '@slack/bolt';
import { z } from 'zod';
import type { BotPort, ChatAdapter } from '../../core/adapter.ts';
import { SetupError } from '../../core/errors.ts';
import type { Conversation, Message } from '../../core/message.ts';
import type { SetTimer } from '../../core/paced.ts';
import { createRateBudget } from '../../core/rate-budget.ts';
import type { State } from '../../core/state.ts';
import type { RateLimited } from '../../core/telemetry.ts';
import type { Log } from '../../log.ts';
import { createActors } from './actors.ts';
import { createAsks } from './asks.ts';
import { createThreadContext } from './context.ts';
import { createEvents } from './events.ts';
import { createDownloads } from './files.ts';
import { type Inbound, PLATFORM, type ReplyTo, readEvent, replyToSchema } from './inbound.ts';
import {
  createOAuthInstallations,
  createTokenInstallation,
  type Installations,
  type Source,
} from './installations.ts';
import { type Actor, registerInteractions } from './interactions.ts';
import { noticeMessage } from './notices.ts';
import { createPeople, within } from './people.ts';
import { quietLogger } from './quiet-logger.ts';
import { createReceiver, NotInstalled } from './receiver.ts';
import { createReply } from './reply.ts';
import { QUIET } from './reply-blocks.ts';
import type { SlackSettings } from './settings.ts';
import { createStatusLine } from './status.ts';
import { homeView, sentenceMessage } from './views.ts';
import { clientOptions, createSlackClients, SlackRefusal } from './web-client.ts';

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

interface OpenReply {
  tenant: string;
  channel: string;
  thread: string;
  conversation: Conversation;
  /** Timestamps of the Slack messages it is in. */
  messages(): readonly string[];
}

const PREPARE_EVERY_MS = 10 * 60_000;
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
  const asks = createAsks(log);
  const downloads = createDownloads({ apiUrl, apiOf: clients.of, tokenOf: installations.token });
  const open = new Set<OpenReply>();
  const working = new Set<Promise<unknown>>();
  /** When a person's session was last prepared; who has opened their Home tab. */
  const prepared = new Map<string, number>();
  const homes = new Set<string>();
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
  const app = new App({
    receiver,
    authorize: async (source, body) =>
      authorize(
        { team: source.teamId, enterprise: source.enterpriseId, orgWide: source.isEnterpriseInstall },
        body,
      ),
    clientOptions: clientOptions(apiUrl, log),
    logger: quietLogger(log),
    // Both would need what they are not given: the bot reads events by itself, and keeps nothing in Bolt.
    ignoreSelf: false,
    convoStore: false,
  });

  /** Which installation a delivery is for. Bolt is given no token: every call goes through `clients`. */
  async function authorize(source: Source, body: unknown) {
    const named = pressedBlock.safeParse(body).data?.actions[0]?.block_id ?? '';
    const tenant = /^([TE][A-Z0-9]+):/.exec(named)?.[1];
    const installation =
      (tenant === undefined ? null : await installations.get(tenant)) ?? (await installations.find(source));
    if (installation === null) throw new NotInstalled('not installed there');
    return { tenant: installation.tenant, botUser: installation.botUser };
  }

  function background(work: Promise<unknown>): void {
    const settled = work
      .catch((error: unknown) =>
        log.error({ event: 'slack.background_failed', err: error }, 'something for Slack failed'),
      )
      .finally(() => working.delete(settled));
    working.add(settled);
  }

  const events = createEvents({
    bot,
    state,
    apiOf: clients.of,
    actors,
    people,
    context,
    identify: downloads.identify,
    isReplying: (tenant, channel, thread) =>
      [...open].some(it => it.tenant === tenant && it.channel === channel && it.thread === thread),
    stopped,
    opened,
    refused,
    background,
    log,
  });
  registerInteractions(app, {
    bot,
    asks,
    apiOf: clients.of,
    actorOf: actors.of,
    lastConversation: events.lastConversation,
    changed: actor => refreshHome(actor),
    atHome: actor => homes.add(homeKey(actor)),
    background,
    log,
  });

  for (const name of ['message', 'app_mention', 'app_home_opened', 'agent_session_stopped']) {
    app.event(name, async ({ payload, body, context: given }) => {
      const { tenant, botUser } = authorized.parse(given);
      const inbound = readEvent(payload, botUser);
      if (inbound.type !== 'removed')
        await events.handle(inbound, { tenant, team: given.teamId ?? body.team_id });
    });
  }
  for (const name of ['app_uninstalled', 'tokens_revoked']) {
    app.event(name, async ({ payload, context: given }) => {
      if (readEvent(payload, '').type === 'removed') {
        await removed({
          team: given.teamId,
          enterprise: given.enterpriseId,
          orgWide: given.isEnterpriseInstall,
        });
      }
    });
  }

  async function removed(source: Source): Promise<void> {
    const gone = await installations.removeIfGone(source);
    if (gone === null) {
      log.warn({ event: 'slack.removed', ...source }, 'Slack says that the app or its token was removed');
      return;
    }
    clients.forget(gone.tenant);
    people.forget(gone.tenant);
    await context.forget(gone.tenant);
    await events.forget(gone.tenant);
  }

  /** The native stop button. Whoever pressed it, the replies that Slack stopped are the ones that stop. */
  async function stopped(
    it: Extract<Inbound, { type: 'stopped' }>,
    { tenant, person }: Actor,
  ): Promise<void> {
    const { channel, thread, streams } = it;
    const audience = channel.startsWith('D') ? 'private' : 'shared';
    stopStreams({ tenant, streams });
    await bot().interrupt({ person, channel, thread, audience });
    if (streams.length > 0) background(bot().relay(PLATFORM, { type: 'stopped', tenant, streams }));
  }

  function stopStreams({ tenant, streams }: { tenant: string; streams: readonly string[] }): void {
    for (const reply of open) {
      if (reply.tenant !== tenant || !reply.messages().some(ts => streams.includes(ts))) continue;
      background(bot().interrupt(reply.conversation));
    }
  }

  async function opened(it: Extract<Inbound, { type: 'opened' }>, actor: Actor): Promise<void> {
    if (it.tab === 'home') {
      homes.add(homeKey(actor));
      background(publishHome(actor));
      return;
    }
    background(suggestPrompts(actor.tenant, it.channel));
    const last = prepared.get(homeKey(actor)) ?? Number.NEGATIVE_INFINITY;
    if (now() - last < PREPARE_EVERY_MS) return;
    prepared.set(homeKey(actor), now());
    background(bot().prepare(actor.person));
  }

  async function refused(message: Message, sentence: string): Promise<void> {
    const place = replyToSchema.parse(message.replyTo);
    const target = { channel: place.channel, thread_ts: place.thread };
    await clients
      .of(place.tenant)
      .call('chat.postMessage', { ...target, ...sentenceMessage(sentence), ...QUIET });
  }

  async function suggestPrompts(tenant: string, channel: string): Promise<void> {
    const prompts = options.suggestedPrompts.slice(0, 4);
    if (prompts.length === 0) return;
    // With a thread_ts Slack would say ok and show nothing.
    await clients.of(tenant).call('assistant.threads.setSuggestedPrompts', { channel_id: channel, prompts });
  }

  const homeKey = ({ tenant, user }: Pick<Actor, 'tenant' | 'user'>) => `${tenant} ${user}`;

  async function publishHome(actor: Actor): Promise<void> {
    const view = await bot().command({ person: actor.person, action: { type: 'view' } });
    await clients.of(actor.tenant).call('views.publish', { user_id: actor.user, view: homeView(view) });
  }

  function refreshHome(actor: Actor): void {
    if (homes.has(homeKey(actor))) background(publishHome(actor));
  }

  /** To the person alone. Where that cannot be shown, in their DM with the bot. */
  async function whisper(place: ReplyTo, content: Record<string, unknown>): Promise<void> {
    const api = clients.of(place.tenant);
    try {
      await api.call('chat.postEphemeral', {
        channel: place.channel,
        thread_ts: place.thread,
        user: place.user,
        ...content,
      });
    } catch (error) {
      if (!(error instanceof SlackRefusal)) throw error;
      await api.call('chat.postMessage', { channel: place.user, ...content, ...QUIET });
    }
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
      await within(STOP_PATIENCE_MS, Promise.allSettled([...working]), []);
    },

    connected: () => sendsOnly || receiver.connected(),

    openReply(message, resume, save, seen) {
      const place = replyToSchema.parse(message.replyTo);
      const { tenant, channel, thread } = place;
      const api = clients.of(tenant);
      const status = createStatusLine({
        api,
        place,
        asked: message.text,
        current: events.greeting(message.id),
        setTimer,
        log,
      });
      const sink = createReply({
        api,
        place,
        botUser: async () => (await installations.get(tenant))?.botUser ?? '',
        messageId: message.id,
        status,
        knowsHost: host => options.linkHosts.some(known => host === known || host.endsWith(`.${known}`)),
        ask: (question, signal) => asks.ask(api, place, question, signal),
        onStopped: () => background(bot().interrupt(message.conversation)),
        closing: () => closing,
        resume,
        save,
        ...(seen === undefined ? {} : { seen }),
        now,
        setTimer,
        log,
      });
      const reply: OpenReply = {
        tenant,
        channel,
        thread,
        conversation: message.conversation,
        messages: () => sink.messages,
      };
      open.add(reply);
      background(status.show('Thinking'));
      return {
        show: sink.show,
        finish: sink.finish,
        ask: sink.ask,
        close() {
          sink.close();
          open.delete(reply);
        },
      };
    },

    async notify(message, notice, mode) {
      const place = replyToSchema.parse(message.replyTo);
      const content = noticeMessage(notice, place.tenant, place.user);
      // A thread in a DM has no other readers.
      if (mode === 'private' && !place.private) await whisper(place, { ...content });
      else {
        const target = { channel: place.channel, thread_ts: place.thread };
        await clients.of(place.tenant).call('chat.postMessage', { ...target, ...content, ...QUIET });
      }
      refreshHome({ tenant: place.tenant, user: place.user, person: message.conversation.person });
    },

    relayed(payload) {
      const it = relayedSchema.safeParse(payload).data;
      switch (it?.type) {
        case 'press':
          return asks.press(it);
        case 'stopped':
          stopStreams(it);
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

const authorized = z.object({ tenant: z.string(), botUser: z.string() });
const pressedBlock = z.looseObject({
  actions: z.array(z.looseObject({ block_id: z.string().optional() })).min(1),
});

/** What another process of the bot hands over: it may concern a reply that is open here. */
const relayedSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('press'),
    key: z.string(),
    tenant: z.string(),
    user: z.string(),
    allow: z.boolean(),
  }),
  z.object({ type: z.literal('stopped'), tenant: z.string(), streams: z.array(z.string()) }),
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

const realTimer: SetTimer = (run, ms) => {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
};
