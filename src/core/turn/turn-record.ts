import type { ForeignText } from '../memory/foreign-text.ts';
import type { Conversation, Json, Message, Person } from '../message.ts';
import type { State, Table } from '../state/state.ts';
import type { TurnTelemetry } from '../telemetry.ts';
import type { TurnUsage } from './turn-state.ts';

/** What a later process needs to carry a turn on. Written before anything that must not happen twice. */
export interface TurnRecord {
  /** The inbox entries this turn answers, or in the end has dealt with; what arrives later is for the next one. */
  entries: string[];
  /** Set just before the message is sent for the first time. */
  sessionId: string | null;
  sentId: string | null;
  /** The platform's reply, as its sink saved it. */
  handle: Json;
  /** The reply is posted in full; what may be left is the cursor and the notice. */
  replied: Replied | null;
}

export interface Replied {
  /** Whose memory it could write, and in which stores: none off the record, of which nothing is kept. */
  owner: Person;
  storeIds: string[];
  sentId: string | null;
  lastEventAt: string | null;
  /** From when on the session's writes belong to this turn (the server's time); null: it never began. */
  begunAt: string | null;
  foreign: ForeignText | null;
  /** Null: the agent never got the message. */
  usage: TurnUsage | null;
  /** Set before the notice is shown, so that it is shown at most once, and once it is left to be looked at later. */
  noticed: boolean;
}

/** By conversation. */
export function turnRecords(state: State): Table<TurnRecord> {
  return state.table<TurnRecord>('turn');
}

/** A turn while this process answers it. */
export interface OngoingTurn {
  /** Of the conversation. */
  key: string;
  conversation: Conversation;
  /** What it answers, in order; the reply goes to the last. */
  messages: readonly Message[];
  last: Message;
  record: TurnRecord;
  telemetry: TurnTelemetry;
  /** Writes the record. Throws, like `check`, when another process may be answering this conversation by now. */
  save(): Promise<void>;
  check(): void;
  /** False when its messages are gone, or the person is being forgotten. */
  isWanted(): Promise<boolean>;
  /** The person wants it to stop. */
  interrupt: AbortSignal;
  /** Inbox entries that the person took back meanwhile. */
  withdrawn: ReadonlySet<string>;
  /** Everything must be left as it is: the process is stopping, or another process has the conversation. */
  shutdown: AbortSignal;
}

/** What a turn was about has been removed while it ran: it ends without a word. */
export class TurnUnwanted extends Error {
  constructor() {
    super('what this turn was about has been removed');
    this.name = 'TurnUnwanted';
  }
}

/** The one who writes a turn's record. */
export interface RecordKeeper {
  /** The record as it is now, or later, is kept when it resolves. */
  save(): Promise<void>;
  /** Resolves when the record is kept as it was at some time since its keeper was made; writes it where nothing has. */
  saved(): Promise<void>;
  /** The turn is over. */
  remove(): Promise<void>;
  /** Resolves when nothing is being written; anything saved afterwards, such as a platform's late answer, is dropped. */
  end(): Promise<void>;
}

/**
 * One write after the other: a store with several connections may carry out the later of two first, and what then stays
 * is a record in which the message was never sent. Saves that wait for the same write share the next one.
 * `check` throws when another process may be answering the conversation by now.
 */
export function keepRecord(
  records: Table<TurnRecord>,
  key: string,
  record: TurnRecord,
  check: () => void,
): RecordKeeper {
  let last: Promise<unknown> = Promise.resolve();
  let next: Promise<void> | undefined;
  /** The newest write that has begun, unless it failed. */
  let written: Promise<void> | undefined;
  let over = false;

  function after<T>(work: () => Promise<T>): Promise<T> {
    const done = last.then(work);
    last = done.catch(() => {});
    return done;
  }

  async function save(): Promise<void> {
    check();
    if (over) return;
    next ??= after(() => {
      next = undefined;
      check();
      return write();
    });
    return next;
  }

  function write(): Promise<void> {
    const writing = records.set(key, record);
    written = writing;
    writing.catch(() => {
      if (written === writing) written = undefined;
    });
    return writing;
  }

  return {
    save,
    async saved() {
      check();
      return written ?? save();
    },
    async remove() {
      over = true;
      await after(() => records.delete(key));
    },
    async end() {
      over = true;
      await last;
    },
  };
}
