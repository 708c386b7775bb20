import { type Conversation, type NoticeChoice, type NoticeMode, type Person, personKey } from '../message.ts';
import { extentOf, type OffRecordExtent, type Privacy } from '../people/privacy.ts';
import type { State } from '../state/state.ts';
import { outcome, type PreferencesView } from '../views.ts';

/** What people say about being remembered at all, and about being told of it. */
export interface Choices {
  setPaused(person: Person, paused: boolean): Promise<PreferencesView>;
  /** Of the conversation that it was said in, and what is off the record with it; undefined: it was said in none. */
  setOffRecord(conversation: Conversation | undefined, on: boolean): Promise<PreferencesView>;
  setMode(person: Person, choice: NoticeChoice): Promise<PreferencesView>;
  /** Undefined: the person has chosen nothing. */
  modeOf(person: Person): Promise<NoticeMode | undefined>;
}

export function createChoices(deps: {
  state: State;
  privacy: Privacy;
  /** What applies to a person who has chosen nothing. */
  notices: NoticeMode | undefined;
  /** Deletes the sessions of what is off the record no more. */
  endOffRecord(conversation: Conversation): Promise<void>;
}): Choices {
  const { privacy } = deps;
  const modes = deps.state.table<NoticeMode>('notice-mode');

  return {
    async setPaused(person, paused) {
      const changed = await privacy.setPaused(person, paused);
      if (!paused) {
        return outcome(
          true,
          changed ? 'From your next message on, I remember new things again.' : 'Memory is not paused.',
        );
      }
      return outcome(
        true,
        changed
          ? 'Paused. From your next message on, I use what I know but save nothing new.'
          : 'It is already paused: I save nothing new.',
      );
    },

    async setOffRecord(conversation, on) {
      if (conversation === undefined) {
        return outcome(false, 'Please use that in the conversation that should be private.');
      }
      const changed = await privacy.setOffRecord(conversation, on);
      const words = OFF_RECORD_WORDS[extentOf(conversation)];
      if (on) return outcome(true, changed ? words.on : `${words.what} is already private.`);
      await deps.endOffRecord(conversation);
      return outcome(
        true,
        changed
          ? `No longer private. ${words.gone} is deleted; from your next message on, I know you again.`
          : words.off,
      );
    },

    async setMode(person, choice) {
      const isOffHere = deps.notices === 'off';
      const mode = choice !== 'on' ? choice : isOffHere ? 'private' : 'default';
      const key = personKey(person);
      if (mode === 'default') await modes.delete(key);
      else await modes.set(key, mode);
      return outcome(true, SENTENCE_OF_MODE[mode]);
    },

    modeOf: person => modes.get(personKey(person)),
  };
}

const OFF_RECORD_WORDS: Record<OffRecordExtent, { what: string; on: string; gone: string; off: string }> = {
  conversation: {
    what: 'This conversation',
    on: 'From your next message on, this conversation is private: I know nothing about you here and keep nothing of it.',
    gone: 'What was said',
    off: 'This conversation is not private.',
  },
  place: {
    what: 'Everything between us here',
    on:
      'From your next message on, everything between us here is private, in new threads too: I know nothing about you ' +
      'here and keep nothing of it, until you use /preferences private off.',
    gone: 'What was said in private',
    off: 'Nothing between us here is private.',
  },
  thread: {
    what: 'The thread where you last wrote to me here',
    on:
      'From your next message in it, the thread where you last wrote to me here is private: I know nothing about you ' +
      'there and keep nothing of it. In other threads, I know you as before.',
    gone: 'What was said there',
    off: 'The thread where you last wrote to me here is not private.',
  },
};

const SENTENCE_OF_MODE: Record<NoticeMode | 'default', string> = {
  thread: 'From now on, I show what I changed in your memory below my reply.',
  private: 'From now on, only you see what I changed in your memory.',
  off: 'From now on, I change your memory without a notice. /preferences still shows everything.',
  default: 'Memory notices are back to the default here.',
};
