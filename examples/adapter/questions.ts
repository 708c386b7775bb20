import type { Message, Question } from '../../src/extending.ts';
import type { Parlour } from './parlour.ts';

export interface Questions {
  /**
   * Asks whoever wrote the message; false when they say no or nothing. One that an earlier process has asked is asked on where
   * it stands.
   */
  ask(about: Message, question: Question, signal: AbortSignal): Promise<boolean>;
  /** False when nobody here waits for an answer to this question, or not from this person. */
  answer(key: string, by: string, yes: boolean): boolean;
  /** The process is going down: what is open stays as it is, for a later one. */
  close(): void;
}

export function createQuestions(parlour: Parlour): Questions {
  const waiting = new Map<string, { owner: string; settle: (yes: boolean) => void }>();
  let closed = false;

  return {
    async ask({ id: messageId, conversation }, { id: questionId, text, detail }, signal) {
      if (signal.aborted) return false;
      const { channel: room, person } = conversation;
      const said = detail === '' ? text : `${text}\n${detail}`;
      const onlyFor = person.id;
      // The same in every process, so that the next one finds the question, and its buttons are still about it.
      const key = `${messageId}/${questionId}`;
      const buttons = [
        { id: `yes:${key}`, label: 'Yes' },
        { id: `no:${key}`, label: 'No' },
      ];
      // Before it is posted: the answer may come sooner than the receipt.
      const answer = new Promise<boolean | null>(resolve => {
        const silence = () => resolve(null);
        waiting.set(key, { owner: person.id, settle: resolve });
        signal.addEventListener('abort', silence, { once: true });
      });
      try {
        const id = await parlour.post(room, { text: said, buttons, onlyFor }, `question/${key}`);
        const yes = await answer;
        if (yes === null && closed) return false;
        // The answer counts, whether or not the buttons can be taken away.
        await parlour.edit(id, { text: `${said}\n(${yes ? 'yes' : 'no'})`, onlyFor }).catch(() => {});
        return yes ?? false;
      } finally {
        waiting.delete(key);
      }
    },
    answer(key, by, yes) {
      const question = waiting.get(key);
      if (question === undefined || question.owner !== by) return false;
      question.settle(yes);
      return true;
    },
    close() {
      closed = true;
    },
  };
}
