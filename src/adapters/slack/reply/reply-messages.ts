import type { Reply } from '../../../core/adapter.ts';
import type { Json } from '../../../core/message.ts';
import { createReplyBeginning, type ReplyBeginningDeps } from './reply-beginning.ts';
import { createReplyCards } from './reply-cards.ts';
import { createReplyGrowth, tolerantly } from './reply-growth.ts';
import type { Start } from './reply-layout.ts';
import { createReplyLook } from './reply-look.ts';
import { progressFrom } from './reply-progress.ts';

/** The Slack messages that one reply is written into, one after the other. */
export interface ReplyMessages {
  /**
   * Writes what is new in a snapshot. `seal`: what is said after it belongs into a new message. Rejects with
   * RetryLater, SlackUnreachable, or a SlackRefusal that concerns the place or the installation.
   */
  write(reply: Reply, seal: boolean): Promise<void>;
  /** Their timestamps, also of those of an earlier process. */
  readonly timestamps: readonly string[];
  /** Words of the reply can be seen. */
  readonly begun: boolean;
  /** Slack shows by itself that there is more to come. */
  readonly streaming: boolean;
  /** The person pressed Slack's stop button. */
  readonly stopped: boolean;
  /** Ending the reply has also ended the agent session's "processing". */
  readonly sessionEnded: boolean;
}

export interface ReplyMessagesDeps extends Omit<ReplyBeginningDeps, 'progress' | 'cards' | 'look'> {
  knowsHost(host: string): boolean;
  onStopped(): void;
  resume: Json;
}

export function createReplyMessages(deps: ReplyMessagesDeps): ReplyMessages {
  const { api, place } = deps;
  const progress = progressFrom(deps.resume, deps.now());
  const { parts } = progress;
  const cards = createReplyCards();
  const look = createReplyLook({ ...deps, cards, progress });
  const growth = createReplyGrowth({ ...deps, cards, progress, look });
  const beginning = createReplyBeginning({ ...deps, cards, progress, look });

  async function write(reply: Reply, seal: boolean): Promise<void> {
    const final = reply.state !== 'working';
    if (progress.stopped && !final) return;
    await beginning.recover();
    if (!reply.text.startsWith(progress.source)) {
      // A snapshot that says less is one that is still being put together again.
      if (!final && progress.source.startsWith(reply.text)) return;
      startOver();
    }
    const writing = { reply, final, seal };
    for (let more = true; more; ) {
      const part = parts[progress.cursor];
      if (part === undefined) more = await beginning.begin(writing);
      else if (part.next === null) more = await growth.extend(part, writing);
      else moveOn(part.next);
    }
    if (final) await removeSpare();
  }

  function moveOn(to: Start): void {
    progress.cursor += 1;
    const part = parts[progress.cursor];
    if (part !== undefined) Object.assign(part, to);
  }

  /** The agent took back what was shown: every message is written again. */
  function startOver(): void {
    for (const part of parts) Object.assign(part, { kind: 'post', shown: null, next: null, end: part.from });
    progress.cursor = 0;
    progress.source = '';
  }

  async function removeSpare(): Promise<void> {
    for (const part of parts.splice(progress.cursor + 1)) {
      await tolerantly(api.call('chat.delete', { channel: place.channel, ts: part.ts }));
    }
  }

  return {
    write,
    get timestamps() {
      return parts.map(part => part.ts);
    },
    get begun() {
      return progress.source !== '';
    },
    get streaming() {
      return parts[progress.cursor]?.kind === 'stream';
    },
    get stopped() {
      return progress.stopped;
    },
    get sessionEnded() {
      return progress.sessionEnded;
    },
  };
}
