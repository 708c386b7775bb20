/**
 * What the bot itself remembers between processes: mappings and cursors, and memory content only where a person is
 * about to change it (an open form or an undecided conflict, for an hour). Values go
 * through Keyv; the two things Keyv cannot say (insert only if absent, list in key order) each store adds in
 * its own words, so that they are atomic across processes.
 */

export interface Table<T> {
  get(key: string): Promise<T | undefined>;
  /** `ttlMs` absent: kept until deleted. */
  set(key: string, value: T, ttlMs?: number): Promise<void>;
  /** True when something was deleted. */
  delete(key: string): Promise<boolean>;
  /** Sets the value only where none (or an expired one) stands. Atomic; true for exactly one of many callers. */
  insert(key: string, value: T, ttlMs?: number): Promise<boolean>;
  /** Sets the value only while the live value is `expected`, compared as stored. Atomic. A `ttlMs` of 0 or less ends it. */
  replace(key: string, expected: T, value: T, ttlMs?: number): Promise<boolean>;
  /** How many keys start with `prefix`; may include some that have expired since the last sweep. */
  count(prefix?: string): Promise<number>;
  /** Every live entry whose key starts with `prefix`, in key order; safe against changes while iterating. */
  entries(prefix?: string): AsyncIterable<[key: string, value: T]>;
}

export interface State {
  /** True where other processes may work on the same data at the same time. */
  readonly multiProcess: boolean;
  table<T>(name: string): Table<T>;
  /** A number greater than every one given out before, to whichever process; their clocks need not agree. */
  ticket(): Promise<number>;
  /** Removes what has expired, a little at a time: what else is asked for does not wait. `signal` calls it off. */
  sweep(signal?: AbortSignal): Promise<void>;
  /** What was deleted so far can be read in no file of the state. A database server sees to that itself. */
  scrub(): Promise<void>;
  close(): Promise<void>;
}
