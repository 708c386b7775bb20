// Everything a bot sent to Slack, in the order it arrived: Web API calls, response_url posts, file traffic and
// the bodies of acknowledgements. Secrets (tokens, client secret) are left out, so an entry can be printed.

import type { Json } from './world.ts';

export interface JournalEntry {
  /** Milliseconds since the epoch, on the fake's clock. */
  readonly at: number;
  /** A Web API method, or one of response_url, file.download, file.upload, ack. */
  readonly method: string;
  /** The workspace (or organisation) the token belongs to; undefined where no valid one came along. */
  readonly team: string | undefined;
  readonly token: 'bot' | 'app' | 'config' | 'none';
  readonly args: Json;
  /** Undefined while the call runs, and where the connection was dropped. */
  response: unknown;
  status: number | undefined;
}

export interface Journal {
  readonly entries: readonly JournalEntry[];
  add(entry: Omit<JournalEntry, 'response' | 'status'>): JournalEntry;
  clear(): void;
}

const SECRET = new Set(['token', 'client_secret', 'refresh_token', 'client_assertion']);

export function withoutSecrets(args: Json): Json {
  return Object.fromEntries(Object.entries(args).filter(([name]) => !SECRET.has(name)));
}

/** `keep`: how many entries to hold; a long benchmark wants few. `onCall` is told of each the moment it arrives. */
export function createJournal(keep: number, onCall?: (entry: JournalEntry) => void): Journal {
  const entries: JournalEntry[] = [];
  return {
    entries,
    add(entry) {
      const added: JournalEntry = { ...entry, response: undefined, status: undefined };
      entries.push(added);
      onCall?.(added);
      if (entries.length > keep * 2) entries.splice(0, entries.length - keep);
      return added;
    },
    clear: () => void entries.splice(0),
  };
}
