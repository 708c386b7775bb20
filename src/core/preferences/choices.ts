import { type Conversation, type NoticeMode, type Person, personKey } from '../message.ts';
import type { Privacy } from '../privacy.ts';
import type { State } from '../state.ts';
import { outcome, type PreferencesView } from '../views.ts';

/** What people say about being remembered at all, and about being told of it. */
export interface Choices {
  setPaused(person: Person, paused: boolean): Promise<PreferencesView>;
  /** Of the conversation that it was said in; undefined: it was said in none. */
  setPrivate(conversation: Conversation | undefined, on: boolean): Promise<PreferencesView>;
  setMode(person: Person, mode: NoticeMode | 'default'): Promise<PreferencesView>;
  /** Undefined: the person has chosen nothing. */
  modeOf(person: Person): Promise<NoticeMode | undefined>;
}

export function createChoices(deps: {
  state: State;
  privacy: Privacy;
  /** Deletes the session of a conversation that is private no more. */
  endPrivate(conversation: Conversation): Promise<void>;
}): Choices {
  const { privacy } = deps;
  const modes = deps.state.table<NoticeMode>('notice-mode');

  return {
    async setPaused(person, paused) {
      const changed = await privacy.setPaused(person, paused);
      if (!paused) {
        return outcome(
          true,
          changed ? 'From your next message on I remember new things again.' : 'It is not paused.',
        );
      }
      return outcome(
        true,
        changed
          ? 'Paused. From your next message on I use what I know and write nothing new.'
          : 'It is paused already: I write nothing new.',
      );
    },

    async setPrivate(conversation, on) {
      if (conversation === undefined) {
        return outcome(false, 'Say that in the conversation that is to be private.');
      }
      const changed = await privacy.setPrivate(conversation, on);
      if (on) {
        return outcome(
          true,
          changed
            ? 'This conversation is private from your next message on: I know nothing about you here and keep nothing of it.'
            : 'This conversation is private already.',
        );
      }
      await deps.endPrivate(conversation);
      return outcome(
        true,
        changed
          ? 'Private no more. What was said is deleted; from your next message on I know you again.'
          : 'This conversation is not private.',
      );
    },

    async setMode(person, mode) {
      const key = personKey(person);
      if (mode === 'default') await modes.delete(key);
      else await modes.set(key, mode);
      return outcome(true, SENTENCE_OF_MODE[mode]);
    },

    modeOf: person => modes.get(personKey(person)),
  };
}

const SENTENCE_OF_MODE: Record<NoticeMode | 'default', string> = {
  thread: 'From now on I show below my reply what I changed in your memory.',
  private: 'From now on I show what I changed in your memory to you alone.',
  off: 'From now on I change your memory without a notice. /preferences still shows everything.',
  default: 'Memory notices are back to how they were set up here.',
};
