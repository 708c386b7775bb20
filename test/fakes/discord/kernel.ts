// What every part of the fake shares: time, ids, state, the journal, and the way out to the gateway.

import type { Clock } from './clock.ts';
import type { Json } from './form.ts';
import type { Journal } from './journal.ts';
import type { Ping } from './mentions.ts';
import type { RateLimits } from './rate-limits.ts';
import type { Snowflakes } from './snowflakes.ts';
import type { State } from './state.ts';

/** What one gateway session may see: both follow from the intents it identified with. */
export interface SessionView {
  messageContent: boolean;
  guildMembers: boolean;
}

export interface GatewayEvent {
  name: string;
  /** Intent bits of which one is needed; 0 for events that always arrive. */
  intents: number;
  /** Decides the shard; null goes to shard 0. */
  guildId: string | null;
  /** The payload for one session, or null to leave that session out. Called at once, never later. */
  render(view: SessionView): Json | null;
  /** How often it is delivered; Discord promises no exactly-once. */
  times?: number;
}

export interface Kernel {
  clock: Clock;
  ids: Snowflakes;
  state: State;
  journal: Journal;
  rateLimits: RateLimits;
  pings: Ping[];
  /** Signed address of an attachment, valid for a day of the fake's time. */
  attachmentUrl(channelId: string, attachmentId: string, filename: string): string;
  /** Largest file in bytes. */
  fileLimit: number;
  emit(event: GatewayEvent): void;
}
