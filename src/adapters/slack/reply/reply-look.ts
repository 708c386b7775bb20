import type { Reply } from '../../../core/adapter.ts';
import type { Block, MessageContent } from '../blocks.ts';
import type { ReplyTo } from '../inbound.ts';
import { escapeMrkdwn } from './markdown.ts';
import { type Feedback, plainContent, replyContent } from './reply-blocks.ts';
import type { ReplyCards } from './reply-cards.ts';
import { type Layout, layOut, type Room, type Start } from './reply-layout.ts';
import { LEAST_ROOM, type Part, type Progress } from './reply-progress.ts';

/** One snapshot on its way into messages. */
export interface Writing {
  reply: Reply;
  /** Nothing comes after it. */
  final: boolean;
  /** What is said after it belongs into a new message. */
  seal: boolean;
}

/** What the messages of a reply look like. */
export interface ReplyLook {
  lay(at: Start & { end: number }, kind: Part['kind'], writing: Writing): Layout;
  contentOf(text: string, above: Block[], feedback: Feedback | null): MessageContent;
  /** Where text is not streamed, the cards stand above it. */
  cardsAbove(part: Part | null, reply: Reply, final: boolean): Block[];
  /** Buttons stand below the end of a complete answer. */
  buttonsFor(layout: Layout, reply: Reply): Feedback | null;
}

const PLAIN_CHARACTERS = 3_000;

export function createReplyLook(deps: {
  place: ReplyTo;
  messageId: string;
  knowsHost(host: string): boolean;
  cards: ReplyCards;
  progress: Progress;
}): ReplyLook {
  const { cards, progress } = deps;

  function roomFor(kind: Part['kind'], reply: Reply): Room {
    if (kind === 'post' && progress.plain)
      return { measure: text => escapeMrkdwn(text).length, limit: PLAIN_CHARACTERS };
    if (kind === 'post') return { measure: text => text.length, limit: progress.postLimit };
    const limit = Math.max(LEAST_ROOM, progress.streamLimit - cards.weight(reply));
    return { measure: text => Buffer.byteLength(text), limit };
  }

  return {
    lay: (at, kind, { reply, final, seal }) =>
      layOut({
        source: reply.text,
        from: at.from,
        opened: at.opened,
        room: roomFor(kind, reply),
        shown: kind === 'stream' ? at.end : at.from,
        seal,
        // While the agent does something else, its last word is a whole one.
        final: final || reply.status !== null,
        knowsHost: deps.knowsHost,
      }),
    contentOf: (text, above, feedback) =>
      progress.plain ? plainContent(text) : replyContent(text, { cards: above, feedback }),
    cardsAbove(part, reply, final) {
      const isFirst = part === null ? progress.cursor === 0 : part === progress.parts[0];
      return isFirst ? cards.blocks(reply, final) : [];
    },
    buttonsFor(layout, reply) {
      const complete = reply.state === 'done' && layout.next === null;
      const { tenant, user } = deps.place;
      return complete ? { tenant, messageId: deps.messageId, owner: user } : null;
    },
  };
}

/** What is appended to a stream. */
export function textChunk(text: string): Record<string, unknown>[] {
  return text === '' ? [] : [{ type: 'markdown_text', text }];
}

export function isBlank(text: string): boolean {
  return text.trim() === '';
}
