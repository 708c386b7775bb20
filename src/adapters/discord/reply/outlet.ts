import { HTTPError, MessageFlags, RESTJSONErrorCodes } from 'discord.js';
import { RetryLater } from '../../../core/reply/paced.ts';
import { type Body, codeOf, type DiscordApi, type Posted } from '../connection/api.ts';
import type { ReplyTarget } from './reply-target.ts';

/** A place that messages can be posted to and edited in. Rejects as DiscordApi does. */
export interface Outlet {
  /** False once nothing can be written here any more; what stands here stays as it is. */
  isOpen(): boolean;
  /** Whether one more message can be posted. */
  hasRoom(): boolean;
  /** Gives the place up. */
  close(): void;
  /** So many messages were posted here by an earlier process. */
  adopt(messages: number): void;
  post(body: Body, nonce: string): Promise<Posted>;
  edit(messageId: string, body: Body): Promise<void>;
  remove(messageId: string): Promise<void>;
  typing(): Promise<void>;
}

export function outletOf(target: ReplyTarget, api: DiscordApi, now: () => number): Outlet {
  return target.type === 'channel' ? channelOutlet(target, api, now) : interactionOutlet(target, api, now);
}

/** Discord's word for a fault of its own; while it is down or busy it has others. */
const FAULT = 500;
/** So long a message waits for Discord to mend a fault of its own; others of the person wait with it. */
const FAULT_MS = 10 * 60_000;
/** And so long a thread, without which the answer finds its place as well. */
const THREAD_FAULT_MS = 2_000;

/** What Discord itself fails at for so long it has refused. */
function createPatience(forMs: number, now: () => number): <T>(work: () => Promise<T>) => Promise<T> {
  let faultySince: number | null = null;
  return async work => {
    try {
      const result = await work();
      faultySince = null;
      return result;
    } catch (error) {
      const cause = error instanceof RetryLater ? error.cause : null;
      if (!(cause instanceof HTTPError) || cause.status !== FAULT) throw error;
      faultySince ??= now();
      throw now() - faultySince < forMs ? error : cause;
    }
  };
}

/** Messages in a channel; the first of them makes the thread, if there is to be one. */
function channelOutlet(
  target: Extract<ReplyTarget, { type: 'channel' }>,
  api: DiscordApi,
  now: () => number,
): Outlet {
  const { channelId, messageId, thread } = target;
  const patiently = createPatience(THREAD_FAULT_MS, now);

  const where = keptOnce(async () => {
    const here = { channelId, replyTo: messageId };
    if (thread === null) return target.quotes ? here : { channelId, replyTo: null };
    try {
      const made = await patiently(() => api.startThread(channelId, messageId, thread));
      return { channelId: made, replyTo: null };
    } catch (error) {
      if (error instanceof RetryLater) throw error;
      // No thread can be made here after all: the answer follows the message.
      return here;
    }
  });

  let referred = false;
  return simpleOutlet(
    api,
    async () => (await where()).channelId,
    async (body, nonce) => {
      const { channelId: to, replyTo } = await where();
      try {
        const posted = await api.post(to, body, { nonce, replyTo: referred ? null : replyTo });
        referred = true;
        return posted;
      } catch (error) {
        const unreadable =
          codeOf(error) === RESTJSONErrorCodes.CannotReplyWithoutPermissionToReadMessageHistory;
        if (!unreadable || replyTo === null) throw error;
        return api.post(to, body, { nonce });
      }
    },
    now,
  );
}

/** A person's DMs. */
export function dmOutlet(userId: string, api: DiscordApi, now: () => number): Outlet {
  const channel = keptOnce(() => api.openDm(userId));
  return simpleOutlet(api, channel, async (body, nonce) => api.post(await channel(), body, { nonce }), now);
}

/** What was found is kept; a failure is not. */
function keptOnce<T>(find: () => Promise<T>): () => Promise<T> {
  let found: Promise<T> | undefined;
  return async () => {
    found ??= find();
    try {
      return await found;
    } catch (error) {
      found = undefined;
      throw error;
    }
  };
}

function simpleOutlet(
  api: DiscordApi,
  channel: () => Promise<string>,
  post: (body: Body, nonce: string) => Promise<Posted>,
  now: () => number,
): Outlet {
  let open = true;
  const patiently = createPatience(FAULT_MS, now);

  /** Writing to an archived thread opens it again, editing in one does not. */
  async function unarchived<T>(work: (channelId: string) => Promise<T>): Promise<T> {
    const id = await channel();
    try {
      return await work(id);
    } catch (error) {
      if (codeOf(error) !== RESTJSONErrorCodes.InvalidActionOnArchivedThread) throw error;
      await api.unarchive(id);
      return work(id);
    }
  }

  return {
    isOpen: () => open,
    hasRoom: () => open,
    close() {
      open = false;
    },
    adopt() {},
    post: (body, nonce) => patiently(() => unarchived(() => post(body, nonce))),
    edit: (messageId, body) => patiently(() => unarchived(id => api.edit(id, messageId, body))),
    remove: messageId => patiently(() => unarchived(id => api.remove(id, messageId))),
    typing: async () => api.typing(await channel()),
  };
}

/** Room for the last calls to arrive before the token ends. */
const TOKEN_MARGIN_MS = 20_000;
/** So many messages may follow the first where the bot itself is not (Discord, interactions/receiving-and-responding). */
export const FOLLOW_UPS = 5;
/** An interaction is acknowledged within three seconds or never (Discord, interactions/receiving-and-responding). */
const EARLY_MS = 300;
const EARLY_TRIES = 10;
/** Discord's word for the answer to a command, in place of its id. */
export const ORIGINAL = '@original';

/** The answer to a deferred interaction and the messages after it. They carry no nonce: Discord takes none here. */
function interactionOutlet(
  target: Extract<ReplyTarget, { type: 'interaction' }>,
  api: DiscordApi,
  now: () => number,
): Outlet {
  const { token } = target;
  let open = true;
  let followUps = 0;
  /** Discord has said so, whatever was counted. */
  let full = false;
  const isOpen = () => open && now() < target.until - TOKEN_MARGIN_MS;
  const flags = target.ephemeral ? MessageFlags.Ephemeral : undefined;
  let original = false;
  let first: Promise<void> | undefined;
  let early = 0;

  async function call<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const code = codeOf(error);
      // Another process acknowledges the command while this one answers it already.
      if (code === RESTJSONErrorCodes.UnknownWebhook && !original && early < EARLY_TRIES) {
        early += 1;
        throw new RetryLater(EARLY_MS, { cause: error });
      }
      if (code !== null && DEAD_TOKEN.includes(code)) {
        open = false;
        throw new RetryLater(0, { cause: error });
      }
      if (code === RESTJSONErrorCodes.ThisInteractionHasHitTheMaximumNumberOfFollowUpMessages) {
        full = true;
        throw new RetryLater(0, { cause: error });
      }
      throw error;
    }
  }

  return {
    isOpen,
    hasRoom: () => isOpen() && !full && (target.installed || followUps < FOLLOW_UPS),
    close() {
      open = false;
    },
    adopt(messages) {
      original = messages > 0;
      followUps = Math.max(0, messages - 1);
    },
    async post(body) {
      // One message alone takes the place of "thinking…": a question that comes meanwhile would write over it.
      while (first !== undefined) await first.catch(() => {});
      if (!original) {
        first = call(() => api.editAnswer(token, ORIGINAL, body));
        try {
          await first;
        } finally {
          first = undefined;
        }
        original = true;
        return { id: ORIGINAL, content: body.content };
      }
      const posted = await call(() =>
        api.followUp(token, { ...body, flags: (body.flags ?? 0) | (flags ?? 0) }),
      );
      followUps += 1;
      return posted;
    },
    edit: (messageId, body) => call(() => api.editAnswer(token, messageId, body)),
    remove: messageId => call(() => api.removeAnswer(token, messageId)),
    typing: async () => {},
  };
}

const DEAD_TOKEN: readonly number[] = [
  RESTJSONErrorCodes.InvalidWebhookToken,
  RESTJSONErrorCodes.UnknownWebhook,
  RESTJSONErrorCodes.UnknownInteraction,
];
