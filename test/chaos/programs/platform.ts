/** What the harness asks of a platform, whichever it is. */

import type { ConversationPlan, PersonPlan, Sent, Shown } from '../records.ts';

export interface PlatformOptions {
  seed: number;
  conversations: ConversationPlan[];
  people: PersonPlan[];
  /** How many times the usual number of calls the platform bears. */
  rates: number;
}

export interface Saying {
  id: string;
  text: string;
  conversation: string;
  person: string;
  /** How often it is delivered at once. */
  copies: number;
}

/** What has become of what was said. */
export interface Progress {
  /** Ids of messages with a whole answer. */
  answered: string[];
  /** Ids of messages the platform has given up delivering, and of those that the bot has turned away. */
  undelivered: string[];
}

export interface Open {
  /** Said and not yet seen answered. */
  open: Set<string>;
  /** How many of them were turned away and are not waited for any more. */
  turnedAway: number;
}

/** Which message was turned away the sentence does not say: once there are no others left, it was those. */
export function turnedAway(talk: Open, refusals: number): string[] {
  if (refusals - talk.turnedAway < talk.open.size) return [];
  const ids = [...talk.open];
  talk.turnedAway += ids.length;
  talk.open.clear();
  return ids;
}

export interface PlatformRecords {
  /** By person's key: their id there. */
  ids: Record<string, string>;
  /** By message id. */
  deliveries: Record<string, Pick<Sent, 'triedAt' | 'acceptedAt'>>;
  shown: Shown[];
  /** What went wrong, by kind. */
  struck: Record<string, number>;
}

export interface PlatformOperations {
  [name: string]: (argument: never) => unknown;
  /** The environment of a bot for it. */
  start(options: PlatformOptions): Promise<Record<string, string>>;
  /** False: there is nowhere to say it yet, because what began the conversation was never answered. */
  say(saying: Saying): boolean;
  progress(): Progress;
  connected(): boolean;
  /** Something goes wrong, once. */
  trouble(): void;
  /** Holds events back; they come in another order. */
  hold(ms: number): void;
  /** An event that was dealt with comes again. */
  again(): void;
  /** From now on nothing goes wrong. */
  calm(): void;
  records(): PlatformRecords;
}
