import type Anthropic from '@anthropic-ai/sdk';
import { type Conversation, conversationKey } from '../message.ts';
import { isSessionStart, listedFiles } from '../session/session-start.ts';
import type { State } from '../state/state.ts';

/** The turn in which a message was answered, as a cursor into its session. */
export interface TurnTrace {
  sessionId: string;
  /** The event that carried the message. */
  sentId: string;
  /** The server's times of its beginning and its last event. */
  begunAt: string;
  endedAt: string;
  /** Where the person's stores were mounted. */
  mountPaths: string[];
  commonPath: string | null;
}

/** A memory file as a reply had it before it; `path` as in the store. */
export interface SourceFile {
  path: string;
  /** A fact from the store that everyone's session may read, not a memory of this person. */
  forEveryone: boolean;
  how: Set<'known' | 'read' | 'written'>;
}

export interface ReplySources {
  /** Called when a turn is over, for each message it answered. */
  record(conversation: Conversation, messageIds: readonly string[], trace: TurnTrace): Promise<void>;
  /** Null when no such turn is known (any longer). Without `messageId`: the latest. */
  find(conversation: Conversation, messageId: string | null): Promise<TurnTrace | null>;
  /** What the session's log says was before the agent in that turn, and nothing else. */
  filesOf(trace: TurnTrace): Promise<{ files: SourceFile[]; searched: boolean }>;
}

/** As long as a change can be undone from its notice. */
const KEEP_MS = 30 * 24 * 3600_000;

export function createReplySources(deps: { client: Anthropic; state: State }): ReplySources {
  const { client } = deps;
  const traces = deps.state.table<TurnTrace>('reply-source');
  const keyOf = (conversation: Conversation, messageId: string) =>
    `${conversationKey(conversation)}/${encodeURIComponent(messageId)}`;

  /** What the agent was last told that memory holds, at the beginning of this turn or before it. */
  async function listingBefore({ sessionId, sentId }: TurnTrace): Promise<string> {
    const query = { types: ['user.message' as const], order: 'asc' as const, limit: 1_000 };
    let listing = '';
    for await (const event of client.beta.sessions.events.list(sessionId, query)) {
      if (event.type !== 'user.message') continue;
      const first = event.content[0];
      if (first?.type === 'text' && isSessionStart(first.text)) listing = first.text;
      if (event.id === sentId) break;
    }
    return listing;
  }

  /** The tool uses of this turn that went through, with what they gave. */
  async function usesIn({ sessionId, begunAt, endedAt }: TurnTrace): Promise<{ use: Use; result: string }[]> {
    const uses = new Map<string, Use>();
    const done: { use: Use; result: string }[] = [];
    const query = {
      'created_at[gte]': begunAt,
      'created_at[lte]': endedAt,
      order: 'asc' as const,
      limit: 1_000,
    };
    for await (const event of client.beta.sessions.events.list(sessionId, query)) {
      if (event.type === 'agent.tool_use') uses.set(event.id, useOf(event.name, event.input));
      if (event.type !== 'agent.tool_result' || event.is_error === true) continue;
      const use = uses.get(event.tool_use_id);
      if (use !== undefined) done.push({ use, result: JSON.stringify(event.content ?? []) });
    }
    return done;
  }

  return {
    async record(conversation, messageIds, trace) {
      for (const id of messageIds) await traces.set(keyOf(conversation, id), trace, KEEP_MS);
    },

    async find(conversation, messageId) {
      if (messageId !== null) return (await traces.get(keyOf(conversation, messageId))) ?? null;
      let latest: TurnTrace | null = null;
      for await (const [, trace] of traces.entries(`${conversationKey(conversation)}/`)) {
        if (latest === null || Date.parse(trace.endedAt) >= Date.parse(latest.endedAt)) latest = trace;
      }
      return latest;
    },

    async filesOf(trace) {
      const mounts = [
        ...trace.mountPaths.map(path => ({ path, forEveryone: false })),
        ...(trace.commonPath === null ? [] : [{ path: trace.commonPath, forEveryone: true }]),
      ];
      const files = new Map<string, SourceFile>();
      const add = (absolute: string, how: 'read' | 'written') => {
        const mount = mounts.find(({ path }) => absolute.startsWith(`${path}/`));
        if (mount === undefined) return;
        note(files, absolute.slice(mount.path.length), mount.forEveryone, how);
      };
      let searched = false;
      for (const { use, result } of await usesIn(trace)) {
        for (const path of pathsOf(use, result, mounts)) add(path, use.writes ? 'written' : 'read');
        if (use.searches && mounts.some(mount => use.input.includes(mount.path))) searched = true;
      }
      const preloaded = await listingBefore(trace);
      for (const { path, forEveryone } of mounts) {
        for (const file of listedFiles(preloaded, path)) note(files, file, forEveryone, 'known');
      }
      return { files: [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1)), searched };
    },
  };
}

interface Use {
  /** Of read, write and edit: the file. */
  file: string | null;
  /** The whole input, to be searched for paths. */
  input: string;
  writes: boolean;
  /** Looks through many files; `finds` says that its result names those it read. */
  searches: boolean;
  finds: boolean;
}

function useOf(name: string, input: Record<string, unknown>): Use {
  return {
    file: typeof input.file_path === 'string' ? input.file_path : null,
    input: JSON.stringify(input),
    writes: name === 'write' || name === 'edit',
    searches: name === 'grep' || name === 'bash',
    finds: name === 'grep',
  };
}

/** A search names in its result what it found; a shell command in itself what it opens. */
function pathsOf(use: Use, result: string, mounts: readonly { path: string }[]): string[] {
  if (use.file !== null) return [use.file];
  if (!use.searches) return [];
  const text = use.finds ? `${use.input}\n${result}` : use.input;
  return mounts.flatMap(({ path }) => {
    const pattern = new RegExp(`${path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}/[^\\s"'\\\\:*?]+\\.\\w+`, 'g');
    return [...text.matchAll(pattern)].map(match => match[0]);
  });
}

function note(
  files: Map<string, SourceFile>,
  path: string,
  forEveryone: boolean,
  how: 'known' | 'read' | 'written',
): void {
  const key = `${forEveryone ? 'everyone' : 'own'} ${path}`;
  const file = files.get(key) ?? { path, forEveryone, how: new Set() };
  file.how.add(how);
  files.set(key, file);
}
