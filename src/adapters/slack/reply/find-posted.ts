import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Log } from '../../../log.ts';
import { type SlackApi, SlackRefusal } from '../connection/web-client.ts';
import type { ReplyTo } from '../inbound.ts';
import { maybe } from '../maybe.ts';
import { type Mark, replyMark } from './marks.ts';

export interface Wanted {
  /** Of the reply's source, where the message would begin. */
  from: number;
  messageId: string;
  botUser: string;
  /** Nothing older, as a Slack timestamp. */
  after: string;
  /** Of the text it would show first; null where nobody else is answered in the thread, and any open stream is this reply's. */
  fingerprint: string | null;
  /** Messages that are accounted for. */
  known: readonly string[];
}

/** Slack's clock and ours may differ. */
const CLOCK_SKEW_MS = 60_000;
const MOST_PAGES = 5;

type Found = z.infer<typeof replies>['messages'][number];

const replies = z.looseObject({
  messages: z.array(
    z.looseObject({
      ts: z.string(),
      user: maybe(z.string()),
      text: z.string().nullish(),
      streaming_state: maybe(z.string()),
      metadata: maybe(
        z.looseObject({
          event_type: maybe(z.string()),
          event_payload: maybe(z.record(z.string(), z.unknown())),
        }),
      ),
    }),
  ),
  response_metadata: z.looseObject({ next_cursor: z.string().nullish() }).nullish(),
});

/**
 * Slack has no key that keeps a call from taking effect twice. So after a lost answer, or a crash, the thread is
 * asked whether the message is there: a posted one carries a mark, a streamed one is known by its words.
 */
export async function findPosted(
  api: SlackApi,
  place: ReplyTo,
  wanted: Wanted,
  log: Log,
): Promise<string | null> {
  const messages = await messagesSince(api, place, wanted.after, log);
  const own = messages.filter(({ ts, user }) => user === wanted.botUser && !wanted.known.includes(ts));
  const mark = replyMark(wanted.messageId, wanted.from);
  // Nothing was added to it: nobody knew its timestamp. So a longer one with the same first word is another's, and one
  // without words is, in a thread with others, perhaps theirs: better one too many than an answer overwritten.
  const isWanted = (shown: string) =>
    wanted.fingerprint === null ||
    (shown === wanted.fingerprint && (place.private || shown !== fingerprintOf('')));
  const marked = own.find(({ metadata }) => isMarked(metadata, mark));
  const streamed = own.find(
    ({ text, metadata, streaming_state }) =>
      metadata?.event_type === undefined &&
      // One that was ended is a reply by itself, and may begin with the same words.
      streaming_state === 'in_progress' &&
      isWanted(fingerprintOf(text ?? '')),
  );
  return (marked ?? streamed)?.ts ?? null;
}

/** The message with this mark, which no other has, that was posted in the thread since `after`; both are Slack timestamps. */
export async function findMarked(
  api: SlackApi,
  place: ReplyTo,
  after: string,
  mark: Mark,
  log: Log,
): Promise<string | null> {
  const messages = await messagesSince(api, place, after, log);
  return messages.find(({ metadata }) => isMarked(metadata, mark))?.ts ?? null;
}

/** A time by our clock as a Slack timestamp that is not later, whatever Slack's clock says. */
export function slackTimeBefore(now: number): string {
  return ((now - CLOCK_SKEW_MS) / 1_000).toFixed(6);
}

/** An app for mentions alone may read no channel, and finds nothing: what is said twice, perhaps, is better than what is not said. */
async function messagesSince(api: SlackApi, place: ReplyTo, after: string, log: Log): Promise<Found[]> {
  const { tenant, channel, thread } = place;
  const query = { channel, ts: thread, oldest: after, limit: 200, include_all_metadata: true };
  const messages: Found[] = [];
  try {
    // The oldest come first, and to some apps Slack gives fifteen at a time.
    for (let cursor = '', count = 0; count < MOST_PAGES; count += 1) {
      const args = cursor === '' ? query : { ...query, cursor };
      const found = replies.parse(await api.call('conversations.replies', args));
      messages.push(...found.messages);
      cursor = found.response_metadata?.next_cursor ?? '';
      if (cursor === '') break;
    }
  } catch (error) {
    if (!(error instanceof SlackRefusal && error.code === 'missing_scope')) throw error;
    log.warn(
      { event: 'slack.may_not_look', err: error, tenant, channel, thread },
      'what was being posted may be there twice',
    );
  }
  return messages;
}

function isMarked(metadata: Found['metadata'], { event_type, event_payload }: Mark): boolean {
  if (metadata?.event_type !== event_type) return false;
  return Object.entries(event_payload).every(([name, value]) => metadata.event_payload?.[name] === value);
}

/** Length and hash of a text's letters and digits: Slack may change everything else about it. */
export function fingerprintOf(text: string): string {
  const bare = bareOf(text);
  return `${bare.length}:${hash(bare)}`;
}

function bareOf(text: string): string {
  return text.replace(/&(?:amp|lt|gt);/g, '').replace(/[^\p{L}\p{N}]/gu, '');
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}
