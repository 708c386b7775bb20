import { z } from 'zod';
import type { BotPort, Question } from '../../../core/adapter.ts';
import type { Json } from '../../../core/message.ts';
import type { Notice } from '../../../core/views.ts';
import { PLATFORM } from '../inbound/people.ts';
import type { Notices } from '../notices.ts';
import type { Questions } from '../reply/questions.ts';

/**
 * Buttons are pressed in the process that is connected to Discord; the reply that one belongs to may be written in
 * another, which knows what it asked and what it showed.
 */
export interface Relays {
  /** Hands on a yes or no; false when nobody waits for it. */
  answer(question: string, allow: boolean): Promise<boolean>;
  /** A question that is open elsewhere. */
  question(question: string): Promise<Question | null>;
  /** A notice that was shown elsewhere. */
  notice(noticeId: string): Promise<Notice | null>;
}

const asked = z.discriminatedUnion('type', [
  z.object({ type: z.literal('answer'), question: z.string(), allow: z.boolean() }),
  z.object({ type: z.literal('question'), question: z.string() }),
  z.object({ type: z.literal('notice'), noticeId: z.string() }),
]);

const questionSchema = z.object({ id: z.string(), text: z.string(), detail: z.string() });
const noticeSchema = z.object({
  id: z.string(),
  changes: z.array(
    z.object({
      memoryId: z.string(),
      path: z.string(),
      operation: z.enum(['created', 'modified', 'deleted']),
      lines: z.array(
        z.discriminatedUnion('type', [
          z.object({ type: z.literal('added'), text: z.string() }),
          z.object({ type: z.literal('removed'), text: z.string() }),
          z.object({ type: z.literal('changed'), label: z.string(), from: z.string(), to: z.string() }),
        ]),
      ),
    }),
  ),
  heldBecauseOf: z.array(z.string()).exactOptional(),
});

export function createRelays(bot: BotPort): Relays {
  return {
    answer: async (question, allow) =>
      (await bot.relay(PLATFORM, { type: 'answer', question, allow })) === true,
    question: async question =>
      questionSchema.nullable().parse(await bot.relay(PLATFORM, { type: 'question', question })),
    notice: async noticeId =>
      noticeSchema.nullable().parse(await bot.relay(PLATFORM, { type: 'notice', noticeId })),
  };
}

/** What another process asks of this one; null for what is not here. */
export function answerRelay(payload: Json, here: { questions: Questions; notices: Notices }): Json {
  const it = asked.safeParse(payload).data;
  switch (it?.type) {
    case 'answer':
      return here.questions.answer(it.question, it.allow) ? true : null;
    case 'question': {
      const open = here.questions.open(it.question);
      return open === undefined ? null : { ...open.question };
    }
    case 'notice': {
      const notice = here.notices.recall(it.noticeId);
      if (notice === undefined) return null;
      const changes = notice.changes.map(change => ({
        ...change,
        lines: change.lines.map(line => ({ ...line })),
      }));
      return { ...notice, changes };
    }
    case undefined:
      return null;
  }
}
