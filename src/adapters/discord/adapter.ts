import { DiscordAPIError, REST } from 'discord.js';
import type { BotPort, ChatAdapter, Connect } from '../../core/adapter.ts';
import type { State } from '../../core/state/state.ts';
import type { RateLimited } from '../../core/telemetry.ts';
import type { Log } from '../../log.ts';
import { type Persona, registerCommands } from './commands.ts';
import { createDiscordApi, guardToken, IMPATIENT, restOptions } from './connection/api.ts';
import { createGateway, type Shard } from './connection/gateway.ts';
import { inviteLink } from './connection/permissions.ts';
import { answerRelay } from './connection/relays.ts';
import { watchRest } from './connection/rest-watch.ts';
import type { DiscordSettings } from './connection/settings.ts';
import { createCatchUp } from './inbound/catch-up.ts';
import { createDeliveries, type Deliveries } from './inbound/deliveries.ts';
import { createDeliveryRetries } from './inbound/delivery-retries.ts';
import { createFiles } from './inbound/files.ts';
import { type Incoming, readIncoming } from './inbound/incoming.ts';
import { createLanes } from './inbound/lanes.ts';
import { compareIds, createLiveChannels } from './inbound/live-channels.ts';
import { PLATFORM } from './inbound/people.ts';
import { createInteractions, type Interactions } from './interactions.ts';
import { createNotices } from './notices.ts';
import { createAnswers } from './reply/answers.ts';
import { dmOutlet, outletOf } from './reply/outlet.ts';
import { createQuestions } from './reply/questions.ts';
import { openReplySink } from './reply/reply.ts';
import { type ReplyTarget, replyTarget } from './reply/reply-target.ts';
import { createTyping } from './reply/typing.ts';

export interface DiscordOptions {
  settings: DiscordSettings;
  persona: Persona;
  state: State;
  log: Log;
  now?: () => number;
  /** Between two edits of a reply. */
  minIntervalMs?: number;
  /** How long replies that are under way may go on being posted after stop(). */
  patienceMs?: number;
  /** How long a form may take to get ready before a button stands in for it. */
  formWaitMs?: number;
  /** Before the first attempt to connect again once discord.js has given up. */
  reconnectMs?: number;
  /** Before a message that could not be taken in is tried again; waits double from this, 1 s by default. */
  retryMs?: number;
  /** Told of every request that has to wait. */
  rateLimited?: RateLimited;
}

const PATIENCE_MS = 25_000;
const FLUSH_EVERY_MS = 15_000;
const RETRY_MS = 1_000;
/** At least so long a message is tried, however short DISCORD_CATCH_UP_MINUTES is. */
const TRIED_MS = 60_000;
/** Before a channel in which something was given up is looked through, in first waits. */
const LOOK_AGAIN = 30;

/**
 * Discord. Messages are handled in order per channel and side by side across channels, so that no busy server and
 * no busy DM holds up another, whichever shard they come in on.
 */
export function createDiscordAdapter(options: DiscordOptions): ChatAdapter {
  const { settings, state, log } = options;
  const now = options.now ?? Date.now;
  const retryMs = options.retryMs ?? RETRY_MS;
  // Apart from the gateway's own, because replies still go out while the process takes its leave.
  const rest = new REST({ ...restOptions(settings.apiUrl), ...IMPATIENT }).setToken(settings.token);
  const releaseToken = guardToken(rest, settings.token, log);
  watchRest(rest, options.rateLimited);
  const api = createDiscordApi({ rest, applicationId: settings.applicationId });
  const channels = createLiveChannels(state);
  const typing = createTyping({ api, now });
  const questions = createQuestions();
  const answers = createAnswers(state);
  const notices = createNotices({ api, state, privately: settings.privateNotices, now });
  const files = createFiles({ api, apiUrl: settings.apiUrl, now });
  const stopped = new AbortController();
  const givenUp = new AbortController();
  const retries = createDeliveryRetries({ retryMs, store: channels.save, now, stopped: stopped.signal, log });
  const looks = new Map<string, NodeJS.Timeout>();
  const lanes = createLanes((error, channelId) => {
    // Nothing after it counts as dealt with, so the next catching up finds it.
    channels.hold(channelId);
    if (!stopped.signal.aborted && !(error instanceof DiscordAPIError)) lookAgain(channelId);
    log.error(
      { event: 'discord.delivery_failed', channel: channelId, err: error },
      'a message could not be taken in',
    );
  });
  let deliveries: Deliveries | undefined;
  let interactions: Interactions | undefined;
  let catchUp: ReturnType<typeof createCatchUp> | undefined;
  let flusher: NodeJS.Timeout | undefined;
  let stopping: Promise<void> | undefined;
  let sendsOnly = false;

  const gateway = createGateway({
    settings,
    log,
    ...(options.rateLimited === undefined ? {} : { rateLimited: options.rateLimited }),
    ...(options.reconnectMs === undefined ? {} : { firstRetryMs: options.reconnectMs }),
    handlers: {
      created: raw => take(raw, (message, to) => to.deliver(message)),
      updated: raw => take(raw, (message, to) => to.edited(message)),
      deleted(channelId, ids) {
        for (const id of ids)
          void lanes.run(channelId, () =>
            retries.run(async () => deliveries?.deleted(channelId, id), patience()),
          );
      },
      closed: channelId => void lanes.run(channelId, () => channels.forget(channelId)),
      interaction: interaction => void interactions?.handle(interaction),
      fresh: (shard, ready) => {
        const lately = channels.list().sort((a, b) => compareIds(b.lastId, a.lastId));
        for (const { channelId } of lately.filter(it => isOn(shard, it.guildId))) {
          void lanes.run(channelId, async () => {
            await ready;
            await lookThrough(channelId);
          });
        }
      },
    },
  });

  function take(raw: unknown, work: (message: Incoming, to: Deliveries) => Promise<void>): void {
    const message = readIncoming(raw);
    const to = deliveries;
    if (message === null || to === undefined || stopped.signal.aborted) return;
    const until = patience();
    catchUp?.hurry(message.channelId);
    void lanes.run(message.channelId, async () => {
      // What comes after a message that had to be left to the next process would be answered before it.
      if (stopped.signal.aborted && channels.isHeld(message.channelId)) return;
      await retries.run(() => work(message, to), until);
    });
  }

  async function lookThrough(channelId: string): Promise<void> {
    // Not for longer: what comes meanwhile waits, and the channel is looked through again later.
    await retries.run(async () => catchUp?.channel(channelId), now() + TRIED_MS);
  }

  function lookAgain(channelId: string): void {
    clearTimeout(looks.get(channelId));
    const timer = setTimeout(() => {
      looks.delete(channelId);
      void lanes.run(channelId, () => lookThrough(channelId));
    }, LOOK_AGAIN * retryMs);
    looks.set(channelId, timer.unref());
  }

  /** Until when what comes now is tried: from its coming on, however long it waited for its turn. */
  function patience(): number {
    return now() + Math.max(settings.catchUpMs, TRIED_MS);
  }

  async function flush(): Promise<void> {
    await channels
      .flush()
      .catch((error: unknown) =>
        log.warn({ event: 'discord.flush_failed', err: error }, 'positions were not saved'),
      );
  }

  function outlets(target: ReplyTarget, personId: string) {
    const { channelId } = target;
    // What began where everyone sees it goes on there, if the bot may write there.
    const shared = target.type === 'interaction' && !target.ephemeral && target.installed;
    const rest = shared
      ? outletOf({ type: 'channel', channelId, messageId: '', thread: null, quotes: false }, api, now)
      : dmOutlet(personId, api, now);
    return { main: outletOf(target, api, now), rest };
  }

  return {
    platform: PLATFORM,

    async start(bot: BotPort, connect: Connect = 'both') {
      // A worker answers over REST alone: Discord delivers to one gateway connection per shard, the ingest process's.
      sendsOnly = connect === 'send';
      if (sendsOnly) return;
      await channels.load();
      const known = {
        bot,
        state,
        log,
        botId: gateway.botId,
      };
      const to = createDeliveries({
        ...known,
        api,
        channels,
        typing,
        retries,
        client: gateway.client,
        readsContent: gateway.readsContent,
      });
      deliveries = to;
      interactions = createInteractions({
        ...known,
        api,
        answers,
        questions,
        notices,
        files,
        now,
        ...(options.formWaitMs === undefined ? {} : { formWaitMs: options.formWaitMs }),
      });
      catchUp = createCatchUp({
        api,
        channels,
        deliveries: to,
        newest(channelId) {
          const channel = gateway.client().channels.cache.get(channelId);
          return channel !== undefined && 'lastMessageId' in channel ? (channel.lastMessageId ?? null) : null;
        },
        maxAgeMs: settings.catchUpMs,
        stopped: stopped.signal,
        now,
        log,
      });
      await gateway.start();
      await registerCommands(api, options.persona, log);
      flusher = setInterval(() => void flush(), FLUSH_EVERY_MS);
      flusher.unref();
      log.info(
        { event: 'discord.invite', url: inviteLink(settings.applicationId) },
        'add the bot to a server with this link',
      );
    },

    stop() {
      stopping ??= (async () => {
        stopped.abort();
        clearInterval(flusher);
        for (const timer of looks.values()) clearTimeout(timer);
        await gateway.stop();
        await lanes.idle();
        await flush();
        setTimeout(() => {
          givenUp.abort();
          releaseToken();
        }, options.patienceMs ?? PATIENCE_MS).unref();
      })();
      return stopping;
    },

    connected: () => sendsOnly || gateway.connected(),

    openReply: (message, resume, save, seen) =>
      openReplySink({
        message,
        outlets: outlets(replyTarget.parse(message.replyTo), message.conversation.person.id),
        resume,
        save,
        ...(seen === undefined ? {} : { seen }),
        posted: id => answers.note({ conversation: message.conversation, messageId: message.id }, id),
        questions,
        isTyping: typing.isFresh(message.id),
        givenUp: givenUp.signal,
        closing: () => stopped.signal.aborted,
        log,
        now,
        ...(options.minIntervalMs === undefined ? {} : { minIntervalMs: options.minIntervalMs }),
      }),

    relayed: payload => answerRelay(payload, { questions, notices }),
    notify: (message, notice, mode) => notices.show(message, notice, mode),
    linkTo({ channel }) {
      const live = channels.get(channel);
      return live === undefined ? null : `https://discord.com/channels/${live.guildId ?? '@me'}/${channel}`;
    },
    download: (attachment, signal) => files.download(attachment, signal),
  };
}

/** The shard of a server is decided by its id; DMs are all on shard 0 (Discord, events/gateway, "Sharding"). */
function isOn(shard: Shard, guildId: string | null): boolean {
  return (guildId === null ? 0 : Number((BigInt(guildId) >> 22n) % BigInt(shard.count))) === shard.id;
}
