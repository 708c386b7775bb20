import {
  Client,
  Events,
  GatewayCloseCodes,
  GatewayDispatchEvents,
  GatewayIntentBits,
  type GatewayMessageDeleteBulkDispatchData,
  type GatewayMessageDeleteDispatchData,
  type GatewayReadyDispatchData,
  type Interaction,
  Options,
  SimpleShardingStrategy,
  Status,
} from 'discord.js';
import { SetupError } from '../../../core/errors.ts';
import type { RateLimited } from '../../../core/telemetry.ts';
import type { Log } from '../../../log.ts';
import { answerAgain } from './answer-again.ts';
import { guardToken, restOptions } from './api.ts';
import { fillInInteraction, fillInReady } from './payloads.ts';
import { watchRest } from './rest-watch.ts';
import type { DiscordSettings } from './settings.ts';

/** What arrives, as Discord sent it. Calls come in the order of arrival and must not throw. */
export interface GatewayHandlers {
  created(message: unknown): void;
  updated(message: unknown): void;
  deleted(channelId: string, messageIds: readonly string[]): void;
  /** A channel or thread is gone, or the bot can no longer see it. */
  closed(channelId: string): void;
  interaction(interaction: Interaction): void;
  /**
   * A shard begins a session in which events from before are missing: after a start, or when Discord would not
   * resume. `ready` resolves once its servers are known. Nothing of the new session has been delivered yet.
   */
  fresh(shard: Shard, ready: Promise<void>): void;
}

export interface Shard {
  id: number;
  count: number;
}

export interface Gateway {
  /** Connects. Rejects with a SetupError when it cannot at all. */
  start(): Promise<void>;
  /** Safe to call twice. */
  stop(): Promise<void>;
  /** Every shard has its session. */
  connected(): boolean;
  client(): Client;
  /** The bot's own user id, from the first session on; for older applications it is not the application's id. */
  botId(): string;
  /** Whether Discord delivers the text of messages that do not mention the bot. */
  readsContent(): boolean;
}

const INTENTS = [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages, GatewayIntentBits.DirectMessages];
const FIRST_RETRY_MS = 60_000;
const LAST_RETRY_MS = 1_800_000;

/**
 * The connection to Discord. Broken connections discord.js mends by itself; what it gives up on (a refused token,
 * an intent taken away) is logged and tried again at growing intervals, within the 1,000 identifies a day.
 */
export function createGateway(deps: {
  settings: DiscordSettings;
  handlers: GatewayHandlers;
  log: Log;
  firstRetryMs?: number;
  rateLimited?: RateLimited;
}): Gateway {
  const { settings, handlers, log } = deps;
  let client: Client | undefined;
  let readsContent = settings.messageContent !== 'off';
  let stopping: Promise<void> | undefined;
  let retry: NodeJS.Timeout | undefined;
  let retryMs = deps.firstRetryMs ?? FIRST_RETRY_MS;
  let release: () => void = () => {};
  let botId = settings.applicationId;
  /** Resolves what `fresh` was promised, by shard; also when the connection ends before that comes true. */
  const unsettled = new Map<number, () => void>();

  /** Connects, and leaves the Message Content intent out where Discord does not grant it and may be asked without. */
  async function connect(): Promise<void> {
    const closeCode = await attempt();
    if (
      closeCode === GatewayCloseCodes.DisallowedIntents &&
      settings.messageContent === 'auto' &&
      readsContent
    ) {
      readsContent = false;
      await connect();
      return;
    }
    if (closeCode !== null) throw new ConnectError(closeCode);
    retryMs = deps.firstRetryMs ?? FIRST_RETRY_MS;
    log.info(
      { event: 'discord.ready', message_content: readsContent, servers: client?.guilds.cache.size },
      readsContent
        ? 'Discord connected, with the Message Content intent: follow-ups in threads need no mention'
        : 'Discord connected, without the Message Content intent: in servers people mention the bot or reply to it',
    );
  }

  /** Null once connected; the code with which Discord closed the connection for good. Rejects when there is none. */
  async function attempt(): Promise<number | null> {
    await drop();
    if (stopping !== undefined) throw new Error('stopped');
    const next = createClient();
    client = next;
    let connected = false;
    let closeCode: number | null = null;
    const closed = new Promise<number>(resolve => {
      next.on(Events.ShardDisconnect, ({ code }) => {
        closeCode = code;
        resolve(code);
        if (connected && client === next) lost(code);
      });
    });
    const ready = new Promise<null>(resolve => {
      next.once(Events.ClientReady, () => resolve(null));
    });
    try {
      await next.login(settings.token);
    } catch (error) {
      if (closeCode === null) throw error;
    }
    const outcome = await Promise.race([closed, ready]);
    connected = outcome === null;
    return outcome;
  }

  function createClient(): Client {
    const { shards } = settings;
    const it = new Client({
      intents: readsContent ? [...INTENTS, GatewayIntentBits.MessageContent] : INTENTS,
      rest: restOptions(settings.apiUrl),
      allowedMentions: { parse: [], repliedUser: false },
      ws: {
        // As by default, but here is where READY passes before discord.js reads it.
        buildStrategy(manager) {
          manager.on('ready', ({ data }: { data: object }) => fillInReady(data, settings.applicationId));
          return new SimpleShardingStrategy(manager);
        },
      },
      ...(shards === 'auto'
        ? { shards }
        : { shards: Array.from({ length: shards }, (_, id) => id), shardCount: shards }),
      // Messages come from the wire and from REST; only servers, channels and the bot's own roles are looked up.
      makeCache: Options.cacheWithLimits({
        ...Options.DefaultMakeCacheSettings,
        MessageManager: 0,
        ReactionManager: 0,
        PresenceManager: 0,
        VoiceStateManager: 0,
        GuildMemberManager: { maxSize: 0, keepOverLimit: member => member.id === member.client.user.id },
        UserManager: { maxSize: 0, keepOverLimit: user => user.id === user.client.user.id },
      }),
    });
    release = guardToken(it.rest, settings.token, log);
    answerAgain(it.rest);
    watchRest(it.rest, deps.rateLimited);
    survive(it, log);
    it.on(Events.Error, error =>
      log.warn({ event: 'discord.error', err: error }, 'discord.js reports an error'),
    );
    it.on(Events.ShardError, (error, shard) => {
      // While connecting, whoever waits for the connection hears of it.
      const say = it.isReady() ? log.warn : log.debug;
      say.call(log, { event: 'discord.shard_error', shard, err: error }, 'the connection has a problem');
    });
    it.on(Events.ShardReconnecting, shard =>
      log.info({ event: 'discord.reconnecting', shard }, 'reconnecting to Discord'),
    );
    it.on(Events.ShardReady, shard => unsettled.get(shard)?.());
    it.on(Events.InteractionCreate, handlers.interaction);
    it.ws.on(GatewayDispatchEvents.InteractionCreate, fillInInteraction);
    // The raw dispatches: one shape for gateway and REST, and edits and deletions of what no cache holds.
    it.ws.on(GatewayDispatchEvents.MessageCreate, (message: unknown) => handlers.created(message));
    it.ws.on(GatewayDispatchEvents.MessageUpdate, (message: unknown) => handlers.updated(message));
    it.ws.on(GatewayDispatchEvents.MessageDelete, ({ channel_id, id }: GatewayMessageDeleteDispatchData) =>
      handlers.deleted(channel_id, [id]),
    );
    it.ws.on(
      GatewayDispatchEvents.MessageDeleteBulk,
      ({ channel_id, ids = [] }: GatewayMessageDeleteBulkDispatchData) => handlers.deleted(channel_id, ids),
    );
    it.ws.on(GatewayDispatchEvents.ThreadDelete, ({ id }: { id: string }) => handlers.closed(id));
    it.ws.on(GatewayDispatchEvents.ChannelDelete, ({ id }: { id: string }) => handlers.closed(id));
    it.ws.on(GatewayDispatchEvents.Ready, ({ user, shard }: GatewayReadyDispatchData) => {
      botId = user.id;
      const [id, count] = shard ?? [0, 1];
      unsettled.get(id)?.();
      const ready = new Promise<void>(resolve => unsettled.set(id, resolve));
      handlers.fresh({ id, count }, ready);
    });
    return it;
  }

  function lost(code: number): void {
    if (stopping !== undefined || retry !== undefined) return;
    const regain =
      code === GatewayCloseCodes.DisallowedIntents && settings.messageContent === 'auto' && readsContent;
    const wait = regain ? 0 : retryMs;
    log.error({ event: 'discord.disconnected', code, retry_ms: wait }, sentenceOfClose(code));
    retry = setTimeout(() => {
      retry = undefined;
      connect().catch((error: unknown) => {
        if (stopping !== undefined) return;
        log.error({ event: 'discord.connect_failed', err: error }, 'Discord could not be reached again');
        lost(error instanceof ConnectError ? error.code : code);
      });
    }, wait);
    if (!regain) retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
  }

  async function drop(): Promise<void> {
    release();
    const old = client;
    client = undefined;
    old?.ws.removeAllListeners();
    old?.removeAllListeners().on(Events.Error, () => {});
    for (const settle of unsettled.values()) settle();
    await old?.destroy();
  }

  return {
    async start() {
      try {
        await connect();
      } catch (error) {
        await drop();
        throw new SetupError(sentenceOfFailure(error, settings.apiUrl), { cause: error });
      }
    },
    stop() {
      stopping ??= (async () => {
        clearTimeout(retry);
        await drop();
      })();
      return stopping;
    },
    connected() {
      return client?.isReady() === true && client.ws.shards.every(shard => shard.status === Status.Ready);
    },
    client() {
      if (client === undefined) throw new Error('Discord is not connected');
      return client;
    },
    botId: () => botId,
    readsContent: () => readsContent,
  };
}

/** discord.js throws at what it cannot read, amid the reading of the connection, where that would end the process. */
function survive({ ws }: Client, log: Log): void {
  const handle: (...given: unknown[]) => boolean = Reflect.get(ws, 'handlePacket').bind(ws);
  Reflect.set(ws, 'handlePacket', (packet?: { t?: unknown }, shard?: unknown) => {
    try {
      return handle(packet, shard);
    } catch (error) {
      log.error(
        { event: 'discord.unreadable', type: packet?.t, err: error },
        'discord.js could not read something that was delivered; it is passed over',
      );
      return true;
    }
  });
}

class ConnectError extends Error {
  readonly code: number;

  constructor(code: number) {
    super(sentenceOfClose(code));
    this.name = 'ConnectError';
    this.code = code;
  }
}

function sentenceOfClose(code: number): string {
  switch (code) {
    case GatewayCloseCodes.AuthenticationFailed:
      return 'Discord does not accept DISCORD_TOKEN. Copy the token again from the Bot page of the application, or reset it there.';
    case GatewayCloseCodes.DisallowedIntents:
      return 'Discord does not grant the Message Content intent. Switch it on at the Bot page of the application, or set DISCORD_MESSAGE_CONTENT to auto or off.';
    case GatewayCloseCodes.ShardingRequired:
      return 'The bot is in too many servers for so few shards. Set DISCORD_SHARDS to auto.';
    case GatewayCloseCodes.InvalidShard:
      return 'Discord does not accept this number of shards. Set DISCORD_SHARDS to auto.';
    default:
      return `Discord closed the connection for good (code ${code}).`;
  }
}

function sentenceOfFailure(error: unknown, apiUrl: string | undefined): string {
  if (error instanceof ConnectError) return error.message;
  if (error instanceof Error && 'code' in error && error.code === 'TokenInvalid') {
    return sentenceOfClose(GatewayCloseCodes.AuthenticationFailed);
  }
  const said = error instanceof Error ? error.message : String(error);
  return `Cannot connect to Discord at ${apiUrl ?? 'https://discord.com/api'}: ${said}. Check the network${apiUrl === undefined ? '' : ' and DISCORD_API_URL'}, then start again.`;
}
