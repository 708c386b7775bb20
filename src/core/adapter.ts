/** What a platform must do for the core, and what the core does for a platform. */

import type { Attachment, Command, Conversation, Json, Message, NoticeMode, Person } from './message.ts';
import type { Notice, PreferencesView } from './views.ts';

/**
 * `both`: receive and answer. `send`: other processes receive, this one answers: no event connection is opened and
 * nothing is delivered, while replies, notices and downloads work as ever.
 */
export type Connect = 'both' | 'send';

export interface ChatAdapter {
  /** As in Person.platform: "slack", "discord", "terminal". */
  readonly platform: string;
  /** Connects and begins to deliver. Rejects with a sentence for the operator when it cannot. Absent `connect`: both. */
  start(bot: BotPort, connect?: Connect): Promise<void>;
  /** Stops delivering; safe to call twice. */
  stop(): Promise<void>;
  /**
   * Opens the reply to a message and shows at once that work has begun. `resume` is what an earlier process
   * saved for the same message: the sink continues that reply instead of posting a second one. `seen` may be called
   * whenever text of the reply stands on the platform; the first time is measured.
   */
  openReply(
    message: Message,
    resume: Json,
    save: (handle: Json) => Promise<void>,
    seen?: () => void,
  ): ReplySink;
  /** Shows what changed in the person's memory, to all who see the thread or to the person alone. */
  notify(message: Message, notice: Notice, mode: Exclude<NoticeMode, 'off'>): Promise<void>;
  /** Where the person finds a conversation again, e.g. a permalink; null when there is no such thing. */
  linkTo?(conversation: Conversation): string | null;
  /** False for people this process cannot reach; what they wrote waits for one that can. Absent: reaches everyone. */
  serves?(person: Person): boolean;
  /** False while what was started is not connected, so that nothing would be delivered. Absent: always is. */
  connected?(): boolean;
  /** The bytes of an attachment. Rejects with a sentence for the person. */
  download(attachment: Attachment, signal: AbortSignal): Promise<Uint8Array>;
  /**
   * What this adapter in another process gave to BotPort.relay: plain data, e.g. that a button was pressed. Null
   * when it concerns nothing here; anything else is the answer, and goes back to where it came from.
   */
  relayed?(payload: Json): Json;
}

/**
 * Where one reply goes. It takes snapshots: the whole reply so far, the latest wins. Pacing, splitting and
 * retrying are the sink's own business.
 */
export interface ReplySink {
  /**
   * What a later process is to be given as `resume` should nothing else be saved by then; for a new reply, if it wants.
   * It is written with the turn's first record, without a write of its own. To save this very object waits for that.
   */
  readonly handle?: Json;
  /** Never waits and never throws. */
  show(reply: Reply): void;
  /** Resolves once everything is posted; the reply's state is no longer `working`. */
  finish(reply: Reply): Promise<void>;
  /** A yes/no question to the asking person. False when they decline, do not answer, or `signal` aborts. */
  ask(question: Question, signal: AbortSignal): Promise<boolean>;
  /** The turn is over, its notice included: nothing more comes. */
  close(): void;
}

export interface Reply {
  state: 'working' | 'done' | 'stopped' | 'failed';
  /** Markdown, everything said so far. */
  text: string;
  /** What it is doing now, in words a person understands ("Checking your preferences"); null when writing. */
  status: string | null;
  activities: Activity[];
}

/** One use of a tool, in words a person understands. */
export interface Activity {
  id: string;
  label: string;
  state: 'running' | 'done' | 'failed';
}

export interface Question {
  id: string;
  /** e.g. "May I search the web for this?" */
  text: string;
  /** What exactly would happen, e.g. the query; may be empty. */
  detail: string;
}

/**
 * What became of a delivery. `duplicate`: it was taken before, also by another process. `refused`: there is too
 * much waiting; the sentence is for the person and is given once per message, so show it where the answer would be.
 */
export type Receipt = 'accepted' | 'duplicate' | { refused: string };

export interface BotPort {
  /** Resolves once the message is durably in the inbox: acknowledge the platform's delivery then, not before. */
  receive(message: Message): Promise<Receipt>;
  command(command: Command): Promise<PreferencesView>;
  /** Interrupts the running turn of a conversation. False when none was running. */
  interrupt(conversation: Conversation): Promise<boolean>;
  /**
   * The person took a message back (deleted or edited it). One that still waits is forgotten, one that is being
   * answered is interrupted; an edit is then received as a new message with an id of its own.
   */
  withdraw(conversation: Conversation, messageId: string): Promise<'waiting' | 'running' | 'answered'>;
  /**
   * Hands something to this platform's adapters in the other processes, where the reply it belongs to may be open
   * (a yes or no to its question). Resolves with the first answer that is not null, or null when there is none:
   * within two seconds, and at once where there is no other process.
   */
  relay(platform: string, payload: Json): Promise<Json>;
  /** True when this conversation has been held before, also by an earlier process. */
  knows(conversation: Conversation): Promise<boolean>;
  /** Gets memory and a session ready for a person's next new conversation, so that its first answer does not wait. */
  prepare(person: Person): Promise<void>;
}
