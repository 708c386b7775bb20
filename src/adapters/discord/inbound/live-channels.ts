import type { State } from '../../../core/state/state.ts';

/** A channel in which somebody talks to the bot, and the last of its messages that was dealt with. */
export interface LiveChannel {
  channelId: string;
  guildId: string | null;
  lastId: string;
}

interface Stored {
  guildId: string | null;
  lastId: string;
}

export interface LiveChannels {
  load(): Promise<void>;
  list(): LiveChannel[];
  get(channelId: string): LiveChannel | undefined;
  /** This message went to the bot, or there is nothing up to it that could: durable when it resolves. */
  handled(at: { channelId: string; guildId: string | null; id: string }): Promise<void>;
  /** This message was not for the bot. Noted where the channel is live, and written down by and by. */
  seen(channelId: string, messageId: string): void;
  /** Writes down how far a channel is, also where that has not changed. Rejects when that fails, or it is not known. */
  save(channelId: string): Promise<void>;
  /** A message could not be handed over: nothing after it counts as dealt with, so that catching up finds it. */
  hold(channelId: string): void;
  isHeld(channelId: string): boolean;
  /** It is being caught up with. */
  release(channelId: string): void;
  forget(channelId: string): Promise<void>;
  /** Writes down what was only noted. */
  flush(): Promise<void>;
}

/** A conversation that rested for so long is not looked after any more. */
const KEEP_MS = 90 * 24 * 3600_000;

export function createLiveChannels(state: State): LiveChannels {
  const table = state.table<Stored>('discord-channel');
  const channels = new Map<string, Stored>();
  const unwritten = new Set<string>();
  const held = new Set<string>();

  function advance(channelId: string, stored: Stored, messageId: string): boolean {
    if (held.has(channelId) || compareIds(messageId, stored.lastId) <= 0) return false;
    stored.lastId = messageId;
    return true;
  }

  async function write(channelId: string): Promise<void> {
    const stored = channels.get(channelId);
    unwritten.delete(channelId);
    if (stored === undefined) return;
    try {
      await table.set(channelId, { ...stored }, KEEP_MS);
    } catch (error) {
      if (channels.has(channelId)) unwritten.add(channelId);
      throw error;
    }
  }

  return {
    async load() {
      for await (const [channelId, stored] of table.entries()) channels.set(channelId, stored);
    },
    list: () => [...channels].map(([channelId, stored]) => ({ channelId, ...stored })),
    get(channelId) {
      const stored = channels.get(channelId);
      return stored === undefined ? undefined : { channelId, ...stored };
    },
    async handled({ channelId, guildId, id }) {
      const known = channels.get(channelId);
      if (known === undefined) channels.set(channelId, { guildId, lastId: id });
      // What was noted before and could not be written down is due all the same.
      else if (!advance(channelId, known, id) && !unwritten.has(channelId)) return;
      await write(channelId);
    },
    seen(channelId, messageId) {
      const known = channels.get(channelId);
      if (known !== undefined && advance(channelId, known, messageId)) unwritten.add(channelId);
    },
    async save(channelId) {
      if (!channels.has(channelId)) throw new Error('the channel is not known');
      await write(channelId);
    },
    hold(channelId) {
      held.add(channelId);
    },
    isHeld: channelId => held.has(channelId),
    release(channelId) {
      held.delete(channelId);
    },
    async forget(channelId) {
      channels.delete(channelId);
      unwritten.delete(channelId);
      await table.delete(channelId);
    },
    async flush() {
      for (const channelId of [...unwritten]) await write(channelId);
    },
  };
}

/** Ids are snowflakes: the later one is the greater number (Discord, reference, "Snowflakes"). */
export function compareIds(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

const EPOCH = 1_420_070_400_000n;

/** The smallest id of a moment, in milliseconds since the Unix epoch. */
export function idAt(ms: number): string {
  const since = BigInt(Math.floor(ms)) - EPOCH;
  return String((since < 0n ? 0n : since) << 22n);
}

/** The id just before this one. */
export function before(id: string): string {
  return String(BigInt(id) - 1n);
}

export function timeOf(id: string): number {
  return Number((BigInt(id) >> 22n) + EPOCH);
}
