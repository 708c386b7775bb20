import type { Person, Question } from '../../src/extending.ts';
import type { Parlour } from './parlour.ts';

export interface Questions {
  /** Asks one person; false when they say no or nothing. */
  ask(room: string, person: Person, question: Question, signal: AbortSignal): Promise<boolean>;
  /** False when nobody here waits for an answer to this message, or not from this person. */
  answer(messageId: string, by: string, yes: boolean): boolean;
}

export function createQuestions(parlour: Parlour): Questions {
  const waiting = new Map<string, { owner: string; settle: (yes: boolean) => void }>();

  return {
    async ask(room, person, { text, detail }, signal) {
      const said = detail === '' ? text : `${text}\n${detail}`;
      const onlyFor = person.id;
      const buttons = [
        { id: 'yes', label: 'Yes' },
        { id: 'no', label: 'No' },
      ];
      const id = await parlour.post(room, { text: said, buttons, onlyFor });
      const yes = await new Promise<boolean>(resolve => {
        const silence = () => resolve(false);
        waiting.set(id, { owner: person.id, settle: resolve });
        signal.addEventListener('abort', silence, { once: true });
        if (signal.aborted) silence();
      });
      waiting.delete(id);
      // The answer counts, whether or not the buttons can be taken away.
      await parlour.edit(id, { text: `${said}\n(${yes ? 'yes' : 'no'})`, onlyFor }).catch(() => {});
      return yes;
    },
    answer(messageId, by, yes) {
      const question = waiting.get(messageId);
      if (question === undefined || question.owner !== by) return false;
      question.settle(yes);
      return true;
    },
  };
}
