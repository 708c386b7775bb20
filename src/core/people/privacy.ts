import { type Conversation, conversationKey, type Person, personKey } from '../message.ts';
import type { State } from '../state/state.ts';

/** What a session may do with the person's memory; `none`: it is not mounted at all. */
export type MemoryAccess = 'read_write' | 'read_only' | 'none';

/** What people have said about being remembered. It holds from the next message on, in a new session. */
export interface Privacy {
  /** Paused: what is known may be used, nothing is written. */
  isPaused(person: Person): Promise<boolean>;
  /** True when that is a change. */
  setPaused(person: Person, paused: boolean): Promise<boolean>;
  /** Off the record: this conversation has no memory and is not kept. People know it as a private one. */
  isOffRecord(conversation: Conversation): Promise<boolean>;
  /** Of all that `extentOf` says. True when that is a change. */
  setOffRecord(conversation: Conversation, on: boolean): Promise<boolean>;
  /** `owner`: whose memory it is, who may have paused it from another account. */
  accessFor(conversation: Conversation, owner: Person): Promise<MemoryAccess>;
}

/**
 * How far it reaches when a conversation goes off the record: `place`, all threads that only this person reads there, also
 * those yet to come; `thread`, this one among others that stay as they are.
 */
export type OffRecordExtent = 'conversation' | 'place' | 'thread';

export function extentOf({ thread, audience }: Conversation): OffRecordExtent {
  if (thread === null) return 'conversation';
  return audience === 'private' ? 'place' : 'thread';
}

/** The key of what is off the record together, and the beginning of the keys of all conversations in it. */
export function offRecordKey(conversation: Conversation): string {
  return conversationKey(
    extentOf(conversation) === 'place' ? { ...conversation, thread: null } : conversation,
  );
}

export function createPrivacy(state: State): Privacy {
  const pauses = state.table<true>('paused');
  const offRecord = state.table<true>('private');

  const isPaused = async (person: Person) => (await pauses.get(personKey(person))) === true;

  const isOffRecord = async (conversation: Conversation) =>
    (await offRecord.get(offRecordKey(conversation))) === true;

  return {
    isPaused,
    isOffRecord,
    setPaused: (person, paused) =>
      paused ? pauses.insert(personKey(person), true) : pauses.delete(personKey(person)),
    setOffRecord: (conversation, on) =>
      on ? offRecord.insert(offRecordKey(conversation), true) : offRecord.delete(offRecordKey(conversation)),
    async accessFor(conversation, owner) {
      const [hidden, paused] = await Promise.all([isOffRecord(conversation), isPaused(owner)]);
      if (hidden) return 'none';
      return paused ? 'read_only' : 'read_write';
    },
  };
}
