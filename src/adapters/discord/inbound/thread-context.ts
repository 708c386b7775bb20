import type { Message, Quote } from '../../../core/message.ts';
import type { Log } from '../../../log.ts';
import type { DiscordApi } from '../connection/api.ts';
import { quotesOf } from './inbound.ts';
import { type Incoming, type Referred, readIncoming } from './incoming.ts';
import { compareIds } from './live-channels.ts';

export interface ThreadContext {
  /**
   * What was said in a thread since this person last spoke to the bot, by others or by themself to others. Without it
   * the answer still works.
   */
  before(message: Incoming, since: string | null): Promise<Pick<Message, 'context' | 'unquoted'>>;
}

const MOST_MESSAGES = 50;
/** Before somebody first speaks to the bot in a thread, nothing is "since": this much is enough to get the drift. */
const MOST_AT_FIRST = 20;
const MOST_CHARACTERS = 20_000;

export function createThreadContext(deps: {
  api: Pick<DiscordApi, 'messages'>;
  botId(): string;
  /** Whether this message of the person's came to the bot as such. */
  isTaken(messageId: string): Promise<boolean>;
  log: Log;
}): ThreadContext {
  async function quotes(it: Written, speaker: string): Promise<Quote[]> {
    if (!it.isPerson || it.authorId === deps.botId()) return [];
    const own = it.authorId === speaker;
    if (own && (await deps.isTaken(it.id))) return [];
    return quotesOf(it, deps.botId(), own);
  }

  return {
    async before(message, since) {
      const limit = since === null ? MOST_AT_FIRST : MOST_MESSAGES;
      try {
        const raws = await deps.api.messages(message.channelId, { before: message.id, limit: limit + 1 });
        const found = raws
          .map(raw => readIncoming(raw, message.guildId))
          .filter(it => it !== null)
          .filter(it => since === null || compareIds(it.id, since) > 0);
        const written = found.slice(0, limit).reverse().flatMap(writtenIn);
        const all = (await Promise.all(written.map(it => quotes(it, message.author.id)))).flat();
        const context = newest(all);
        const isCut = found.length > limit || context.length < all.length;
        return { context, ...(isCut ? { unquoted: 'earlier' as const } : {}) };
      } catch (error) {
        deps.log.warn(
          { event: 'discord.context_failed', err: error },
          'what was said in a thread could not be read',
        );
        return { context: [], unquoted: 'all' };
      }
    },
  };
}

type Written = Referred & { id: string };

function writtenIn(it: Incoming): Written[] {
  const { id, author } = it;
  if (it.isOrdinary) {
    return [
      { ...it, id, authorId: author.id, author: author.name, isPerson: author.isPerson, repliesTo: null },
    ];
  }
  // A thread that was made from a message begins with a line that only points at it.
  const { repliesTo } = it;
  return it.isThreadStart && repliesTo?.message != null
    ? [{ ...repliesTo.message, id: repliesTo.messageId }]
    : [];
}

/** As many as fit: others must not be able to make a message too long for the agent. */
function newest(quotes: readonly Quote[]): Quote[] {
  let characters = 0;
  const first = quotes.findLastIndex(({ text }) => {
    characters += text.length;
    return characters > MOST_CHARACTERS;
  });
  return quotes.slice(first + 1);
}
