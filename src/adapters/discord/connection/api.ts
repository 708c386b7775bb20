import {
  type APIMessageTopLevelComponent,
  DefaultRestOptions,
  DiscordAPIError,
  HTTPError,
  MessageFlags,
  RateLimitError,
  type REST,
  RESTJSONErrorCodes,
  type RESTOptions,
  type RESTPutAPIApplicationCommandsJSONBody,
  Routes,
} from 'discord.js';
import { z } from 'zod';
import { RetryLater } from '../../../core/reply/paced.ts';
import type { Log } from '../../../log.ts';

/** A message as the bot writes it. Mentions ping nobody and links unfold into nothing, whatever it says. */
export interface Body {
  content: string;
  components: APIMessageTopLevelComponent[];
  /** Further flags, e.g. MessageFlags.SuppressNotifications. */
  flags?: number;
}

export interface Posted {
  id: string;
  /**
   * As Discord has it: an earlier message with the same nonce comes back with what that one says by now. Null where the
   * server does not say.
   */
  content: string | null;
}

/**
 * The calls the bot makes outside of interactions. What a retry may mend (network, 429, 5xx, a token that Discord
 * refused just now) rejects with RetryLater; anything else with discord.js's DiscordAPIError.
 */
export interface DiscordApi {
  /** The same `nonce` within a few minutes gives the message that already carries it. */
  post(channelId: string, body: Body, options?: { nonce?: string; replyTo?: string | null }): Promise<Posted>;
  edit(channelId: string, messageId: string, body: Body): Promise<void>;
  remove(channelId: string, messageId: string): Promise<void>;
  typing(channelId: string): Promise<void>;
  /** The thread of a message; the one it already has, if any. Its id is the message's own (Discord, topics/threads). */
  startThread(channelId: string, messageId: string, name: string): Promise<string>;
  unarchive(threadId: string): Promise<void>;
  message(channelId: string, messageId: string): Promise<unknown>;
  /** Newest first, at most 100. */
  messages(channelId: string, range: { before?: string; after?: string; limit?: number }): Promise<unknown[]>;
  openDm(userId: string): Promise<string>;
  /** An interaction gets its first answer: before that its token opens nothing, so the calls below wait for it. */
  answering(token: string, until: Promise<unknown>): void;
  /** The first answer to an interaction, and messages after it, by the interaction's token. */
  editAnswer(token: string, messageId: string, body: Body): Promise<void>;
  followUp(token: string, body: Body): Promise<Posted>;
  removeAnswer(token: string, messageId: string): Promise<void>;
  commands(): Promise<unknown>;
  setCommands(commands: RESTPutAPIApplicationCommandsJSONBody): Promise<void>;
}

const NO_PINGS = { parse: [], replied_user: false };

const MOST_THREADS = 1_000;

const posted = z.object({ id: z.string(), content: z.string().nullish().default(null) });
const withId = z.object({ id: z.string() });

export function restOptions(apiUrl: string | undefined): Partial<RESTOptions> {
  return {
    version: '10',
    ...(apiUrl === undefined ? {} : { api: apiUrl }),
    makeRequest: async (url, init) => DefaultRestOptions.makeRequest(url, await withPlainBody(init)),
  };
}

/**
 * For a reply that grows: a message or an edit that has to wait is given back, for by the time it may go, there is newer
 * text to send. Where many are answered at once (50 calls a second for the whole bot), the first thing that such a
 * message says is words.
 */
export const IMPATIENT: Pick<RESTOptions, 'rejectOnRateLimit'> = {
  rejectOnRateLimit: ({ method, route }) =>
    (method === 'POST' || method === 'PATCH') && route.includes('/messages'),
};

/**
 * Forms (files) as the bytes they are. All versions of undici in a process share one dispatcher, the first one's; it
 * may be newer than discord.js's own, and to that one Node's FormData is no form.
 */
async function withPlainBody(init: Init): Promise<Init> {
  if (!(init.body instanceof FormData)) return init;
  const form = new Response(init.body);
  const type = form.headers.get('content-type') ?? '';
  return { ...init, headers: { ...init.headers, 'content-type': type }, body: await form.arrayBuffer() };
}

type Init = Parameters<RESTOptions['makeRequest']>[1];

export function createDiscordApi(deps: {
  rest: REST;
  applicationId: string;
  /** Waits after failures in a row double from this. */
  retryMs?: number;
}): DiscordApi {
  const { rest, applicationId } = deps;
  const retryMs = deps.retryMs ?? 1_000;
  let failures = 0;
  const answering = new Map<string, Promise<void>>();
  /** Threads that were made or found not long ago, by their message: the reply makes it, its notices follow. */
  const threads = new Map<string, string>();

  async function call<T>(work: () => Promise<T>): Promise<T> {
    try {
      const result = await work();
      failures = 0;
      return result;
    } catch (error) {
      if (error instanceof RateLimitError) {
        throw new RetryLater(Math.max(error.retryAfter, error.timeToReset, error.sublimitTimeout), {
          cause: error,
        });
      }
      if (!mayPass(error)) throw error;
      failures = Math.min(failures + 1, 6);
      throw new RetryLater(retryMs * 2 ** (failures - 1), { cause: error });
    }
  }

  const bodyOf = ({ content, components, flags = 0 }: Body) => ({
    content,
    components,
    flags: flags | MessageFlags.SuppressEmbeds,
    allowed_mentions: NO_PINGS,
  });
  const open = { auth: false };

  return {
    post: (channelId, body, { nonce, replyTo } = {}) =>
      call(async () =>
        posted.parse(
          await rest.post(Routes.channelMessages(channelId), {
            body: {
              ...bodyOf(body),
              ...(nonce === undefined ? {} : { nonce, enforce_nonce: true }),
              ...(replyTo == null
                ? {}
                : { message_reference: { message_id: replyTo, fail_if_not_exists: false } }),
            },
          }),
        ),
      ),
    edit: (channelId, messageId, body) =>
      call(async () => {
        await rest.patch(Routes.channelMessage(channelId, messageId), { body: bodyOf(body) });
      }),
    remove: (channelId, messageId) =>
      call(async () => {
        await rest.delete(Routes.channelMessage(channelId, messageId));
      }),
    typing: channelId =>
      call(async () => {
        await rest.post(Routes.channelTyping(channelId));
      }),
    async startThread(channelId, messageId, name) {
      const known = threads.get(messageId);
      if (known !== undefined) return known;
      const id = await call(async () => {
        try {
          const body = { name, auto_archive_duration: 1_440 };
          return withId.parse(await rest.post(Routes.threads(channelId, messageId), { body })).id;
        } catch (error) {
          if (codeOf(error) === RESTJSONErrorCodes.ThreadAlreadyCreatedForMessage) return messageId;
          throw error;
        }
      });
      threads.set(messageId, id);
      if (threads.size > MOST_THREADS) threads.delete(threads.keys().next().value ?? '');
      return id;
    },
    unarchive: threadId =>
      call(async () => {
        await rest.patch(Routes.channel(threadId), { body: { archived: false } });
      }),
    message: (channelId, messageId) => call(() => rest.get(Routes.channelMessage(channelId, messageId))),
    messages: (channelId, { before, after, limit = 100 }) =>
      call(async () => {
        const query = new URLSearchParams({ limit: String(limit) });
        if (before !== undefined) query.set('before', before);
        if (after !== undefined) query.set('after', after);
        return z.array(z.unknown()).parse(await rest.get(Routes.channelMessages(channelId), { query }));
      }),
    openDm: userId =>
      call(async () => {
        const body = { recipient_id: userId };
        return withId.parse(await rest.post(Routes.userChannels(), { body })).id;
      }),
    answering(token, until) {
      const settled = until.then(
        () => {},
        () => {},
      );
      answering.set(token, settled);
      void settled.then(() => answering.delete(token));
    },
    editAnswer: (token, messageId, body) =>
      call(async () => {
        await answering.get(token);
        const route = Routes.webhookMessage(applicationId, token, messageId);
        await rest.patch(route, { body: bodyOf(body), ...open });
      }),
    followUp: (token, body) =>
      call(async () => {
        await answering.get(token);
        const route = Routes.webhook(applicationId, token);
        return posted.parse(await rest.post(route, { body: bodyOf(body), ...open }));
      }),
    removeAnswer: (token, messageId) =>
      call(async () => {
        await answering.get(token);
        await rest.delete(Routes.webhookMessage(applicationId, token, messageId), open);
      }),
    commands: () => call(() => rest.get(Routes.applicationCommands(applicationId))),
    setCommands: commands =>
      call(async () => {
        await rest.put(Routes.applicationCommands(applicationId), { body: commands });
      }),
  };
}

/** Discord's own code of an error, e.g. RESTJSONErrorCodes.UnknownMessage; null for anything else. */
export function codeOf(error: unknown): number | null {
  return error instanceof DiscordAPIError && typeof error.code === 'number' ? error.code : null;
}

/** What a retry may mend: the network, 429, 5xx, a token that was refused just now. */
export function mayPass(error: unknown): boolean {
  if (error instanceof DiscordAPIError) {
    // 401 with the bot's token is restored by guardToken; a dead interaction token (50027) stays dead.
    return error.status === 401
      ? error.code !== RESTJSONErrorCodes.InvalidWebhookToken
      : error.status === 429;
  }
  if (error instanceof HTTPError) return true;
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return error.name === 'AbortError' || NETWORK.test(code) || error.message.startsWith(TOKEN_MISSING);
}

const NETWORK = /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOST|ENET|UND_ERR_)/;
/** What @discordjs/rest says between a 401 and the moment the token is put back. */
const TOKEN_MISSING = 'Expected token to be set';

const FIRST_RESTORE_MS = 1_000;
const LAST_RESTORE_MS = 600_000;

/**
 * discord.js forgets the token after a single 401, and from then on every call fails in silence. This says so in
 * the log and puts the token back, after a wait that grows while Discord keeps refusing it: 10,000 refused calls in
 * ten minutes ban the address. Returns what ends it.
 */
export function guardToken(rest: REST, token: string, log: Log): () => void {
  let wait = FIRST_RESTORE_MS;
  let timer: NodeJS.Timeout | undefined;
  const onResponse = (request: { data: { auth?: unknown } }, response: { status: number }) => {
    if (request.data.auth === false) return;
    if (response.status < 400) wait = FIRST_RESTORE_MS;
    if (response.status !== 401 || timer !== undefined) return;
    log.error(
      { event: 'discord.unauthorized', retry_ms: wait },
      'Discord refused the bot token. If this goes on, the token was reset: set the new one as DISCORD_TOKEN and start again',
    );
    timer = setTimeout(() => {
      timer = undefined;
      rest.setToken(token);
    }, wait);
    timer.unref();
    wait = Math.min(wait * 2, LAST_RESTORE_MS);
  };
  rest.on('response', onResponse);
  return () => {
    clearTimeout(timer);
    rest.off('response', onResponse);
  };
}
