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
  /** Private: this conversation has no memory and is not kept. */
  isPrivate(conversation: Conversation): Promise<boolean>;
  /** Of all that `extentOf` says. True when that is a change. */
  setPrivate(conversation: Conversation, on: boolean): Promise<boolean>;
  /** `owner`: whose memory it is, who may have paused it from another account. */
  accessFor(conversation: Conversation, owner: Person): Promise<MemoryAccess>;
}

/**
 * How far it reaches when a conversation is made private: `place`, all threads that only this person reads there, also
 * those yet to come; `thread`, this one among others that stay as they are.
 */
export type PrivateExtent = 'conversation' | 'place' | 'thread';

export function extentOf({ thread, audience }: Conversation): PrivateExtent {
  if (thread === null) return 'conversation';
  return audience === 'private' ? 'place' : 'thread';
}

/** The key of what is private together, and the beginning of the keys of all conversations in it. */
export function privateKey(conversation: Conversation): string {
  return conversationKey(
    extentOf(conversation) === 'place' ? { ...conversation, thread: null } : conversation,
  );
}

export function createPrivacy(state: State): Privacy {
  const pauses = state.table<true>('paused');
  const privates = state.table<true>('private');

  const isPaused = async (person: Person) => (await pauses.get(personKey(person))) === true;

  const isPrivate = async (conversation: Conversation) =>
    (await privates.get(privateKey(conversation))) === true;

  return {
    isPaused,
    isPrivate,
    setPaused: (person, paused) =>
      paused ? pauses.insert(personKey(person), true) : pauses.delete(personKey(person)),
    setPrivate: (conversation, on) =>
      on ? privates.insert(privateKey(conversation), true) : privates.delete(privateKey(conversation)),
    async accessFor(conversation, owner) {
      const [hidden, paused] = await Promise.all([isPrivate(conversation), isPaused(owner)]);
      if (hidden) return 'none';
      return paused ? 'read_only' : 'read_write';
    },
  };
}
