/** What a run leaves behind for the judge: plain data, so that it can be kept as JSON and judged again. */

export interface Sent {
  id: string;
  token: string;
  count: number;
  keeps: boolean;
  /** Key of the conversation it was said in. */
  conversation: string;
  person: string;
  /** When the platform first tried to deliver it, and when the bot had acknowledged it (milliseconds); null: never. */
  triedAt: number | null;
  acceptedAt: number | null;
}

/** A message of the bot as it stands in the end. */
export interface Shown {
  /** Null where nobody has a conversation with the bot. */
  conversation: string | null;
  /** Who can read it. */
  readers: string[];
  at: number;
  kind: 'reply' | 'notice';
  text: string;
  /** What it said before. */
  earlier: string[];
  /** A stream that nobody ended, or a mark of work under way. */
  open: boolean;
}

/** A session as the agent service has it. */
export interface SessionRecord {
  id: string;
  person: string;
  /** Text blocks of each user.message, in order. */
  messages: string[][];
  /** Everything in its events, as JSON, without what is quoted as context. */
  tokens: string[];
}

export interface StoreRecord {
  id: string;
  person: string;
  /** Where it is used, if that is said: what a person says among others may be kept apart. */
  audience: string;
  versions: { path: string; operation: string; content: string; bySession: boolean }[];
}

export interface ConversationPlan {
  key: string;
  platform: 'slack' | 'discord';
  kind: 'private' | 'shared';
  /** Keys of people; the first begins it. */
  members: string[];
}

export interface PersonPlan {
  key: string;
  token: string;
}

export interface Records {
  conversations: ConversationPlan[];
  people: PersonPlan[];
  /** The person's key by their id on the platform, as sessions and stores name them. */
  ids: Record<string, string>;
  sent: Sent[];
  shown: Shown[];
  sessions: SessionRecord[];
  stores: StoreRecord[];
  /** Lines of logs that hold what must not be there. */
  leaks: string[];
}
