import {
  createPaced,
  type Json,
  type Log,
  type Message,
  type Reply,
  type ReplySink,
  splitText,
  z,
} from '../../src/extending.ts';
import type { Parlour } from './parlour.ts';
import type { Questions } from './questions.ts';

/** What Parlour takes in one message. */
const MAX_TEXT = 8_000;
const MIN_INTERVAL_MS = 250;

const handle = z.object({ messages: z.array(z.string()) });

/** A reply as a row of messages, each edited while its part of the text grows. */
export function openReplySink(deps: {
  parlour: Parlour;
  questions: Questions;
  message: Message;
  resume: Json;
  save(handle: Json): Promise<void>;
  log: Log;
}): ReplySink {
  const { parlour, questions, message, log } = deps;
  const { channel: room } = message.conversation;
  const resumed = handle.safeParse(deps.resume);
  const ids = resumed.success ? resumed.data.messages : [];
  const shown: string[] = [];

  const paced = createPaced<Reply>({
    write: async ({ text }) => {
      const pieces = splitText(text, { limit: MAX_TEXT });
      for (const [index, piece] of pieces.entries()) await write(piece, index);
      // The final text may be shorter than what was shown on the way.
      for (const id of ids.splice(pieces.length)) await parlour.remove(id);
      shown.length = pieces.length;
    },
    minIntervalMs: MIN_INTERVAL_MS,
    onError: err => log.warn({ event: 'parlour.reply_delayed', err }, 'a part of a reply was refused'),
  });

  async function write(piece: string, index: number): Promise<void> {
    const id = ids[index];
    if (id !== undefined && shown[index] !== piece) await parlour.edit(id, { text: piece });
    if (id === undefined) {
      // With a key of its own, a post whose answer was lost is not made twice.
      const key = `reply/${message.id}/${index}`;
      const posted = await parlour.post(room, { text: piece }, key);
      ids.push(posted);
      await deps.save({ messages: ids });
      // What the key brought back may say less, when a process died between the two lines above.
      await parlour.edit(posted, { text: piece });
    }
    shown[index] = piece;
  }

  parlour.typing(room).catch(() => {});
  return {
    show: reply => paced.push(reply),
    async finish(reply) {
      paced.push(reply);
      await paced.flush();
    },
    ask: (question, signal) => questions.ask(message, question, signal),
    close: () => paced.stop(),
  };
}
