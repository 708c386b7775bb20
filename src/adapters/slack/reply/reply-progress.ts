import { z } from 'zod';
import type { Json } from '../../../core/message.ts';
import type { ReplyTo } from '../inbound.ts';
import { slackTimeBefore } from './find-posted.ts';
import { POST_CHARACTERS, type Start } from './reply-layout.ts';

/** One Slack message that a part of a reply is written into. */
export interface Part extends Start {
  ts: string;
  /** `stream`: text is appended. `post`: the whole text is written each time, which also mends what is in doubt. */
  kind: 'stream' | 'post';
  /** What it shows; null when that is not known. */
  shown: string | null;
  /** The cards above a posted text, as JSON. */
  cards: string;
  /** Offset in the source up to which it speaks. */
  end: number;
  /** Where the next message begins; null while this one may still grow. */
  next: Start | null;
  startedAt: number;
}

/** How far the writing of one reply has come, and what was learned on the way about what Slack takes. */
export interface Progress {
  readonly parts: Part[];
  /** A message whose posting has begun, and of which it is not known whether it is there. */
  posting: Posting | null;
  /** Index of the message that is being written. */
  cursor: number;
  /** What of the reply's source has been shown. */
  source: string;
  mayStream: boolean;
  /** Bytes of UTF-8. */
  streamLimit: number;
  /** Characters. */
  postLimit: number;
  /** Slack did not take the blocks; as bare text it may. */
  plain: boolean;
  /** The person pressed Slack's stop button. */
  stopped: boolean;
  /** Ending the reply has also ended the agent session's "processing". */
  sessionEnded: boolean;
}

const start = z.object({ from: z.number(), opened: z.string() });
/** `fingerprint`: how it would begin; null: whatever it says. */
const posting = start.extend({ after: z.string(), fingerprint: z.string().nullable() });
export type Posting = z.infer<typeof posting>;

/** What another process needs to carry on: the messages there are, and one that may be there. */
const handleSchema = z.object({
  parts: z.array(start.extend({ ts: z.string() })),
  posting: posting.nullable(),
});

/** Measured: a streamed message holds about 10,500 bytes of UTF-8, cards included. */
const STREAM_BYTES = 9_500;
/** However little Slack takes, a message holds this much. */
export const LEAST_ROOM = 500;

/** `handle`: what an earlier process saved with `handleOf`; anything else is a new reply. */
export function progressFrom(handle: Json, now: number): Progress {
  const resumed = handleSchema.safeParse(handle).data ?? { parts: [], posting: null };
  const parts = resumed.parts.map((part, index) => ({
    ...unknownPart(part, part.ts, now),
    end: resumed.parts[index + 1]?.from ?? part.from,
    next: resumed.parts[index + 1] ?? null,
  }));
  return {
    parts,
    posting: resumed.posting,
    cursor: Math.max(0, parts.length - 1),
    source: '',
    mayStream: true,
    streamLimit: STREAM_BYTES,
    postLimit: POST_CHARACTERS,
    plain: false,
    stopped: false,
    sessionEnded: false,
  };
}

export function handleOf({ parts, posting: next }: Pick<Progress, 'parts' | 'posting'>): Json {
  return { parts: parts.map(({ ts, from, opened }) => ({ ts, from, opened })), posting: next };
}

/**
 * That a reply's first message may be there from now on, whatever it says. Null where several people are answered in
 * one thread: there it is only known by its words, which come too late for this.
 */
export function expectedReply(place: ReplyTo, now: number): Json {
  if (!place.private) return null;
  const after = slackTimeBefore(now);
  return handleOf({ parts: [], posting: { from: 0, opened: '', after, fingerprint: null } });
}

/** A message that is there, and of which nothing more is known. */
export function unknownPart({ from, opened }: Start, ts: string, startedAt: number): Part {
  return { ts, from, opened, kind: 'post', shown: null, cards: '', end: from, next: null, startedAt };
}

/** A post takes less than was thought. False when there is no less to try. */
export function shrinkPosts(progress: Progress): boolean {
  if (progress.postLimit <= LEAST_ROOM) return false;
  progress.postLimit = Math.floor(progress.postLimit * 0.8);
  return true;
}
