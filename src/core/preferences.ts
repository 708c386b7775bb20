import type Anthropic from '@anthropic-ai/sdk';
import { failureOf } from './errors.ts';
import type { Memory, MemoryFile } from './memory.ts';
import type { ChangeRef } from './memory-changes.ts';
import { readableLines } from './memory-text.ts';
import { type Command, type NoticeMode, type Person, personKey } from './message.ts';
import type { NoticeRecord } from './notices.ts';
import type { State } from './state.ts';
import { type MemorySection, type PreferencesView, titleOfPath } from './views.ts';

export interface Preferences {
  /** Does what the person asks with their own memory; nobody else's can be named. */
  run(command: Command): Promise<PreferencesView>;
}

export function createPreferences(deps: {
  client: Anthropic;
  state: State;
  memory: Memory;
  /** What applies to a person who has chosen nothing. */
  notices: NoticeMode | undefined;
}): Preferences {
  const { client, memory } = deps;
  const notices = deps.state.table<NoticeRecord>('notice');
  const modes = deps.state.table<NoticeMode>('notice-mode');

  async function view(person: Person): Promise<PreferencesView> {
    const storeId = await memory.knownStore(person);
    const mode = await modes.get(personKey(person));
    const files = storeId === null ? [] : await filesOf(storeId);
    return {
      type: 'memory',
      sections: files.map(sectionOf),
      notices: mode ?? deps.notices ?? 'thread',
      noticesAreDefault: mode === undefined,
      paused: false,
      privateHere: null,
    };
  }

  /** A store deleted from outside holds nothing; that is not an error to the person who looks. */
  async function filesOf(storeId: string): Promise<MemoryFile[]> {
    try {
      return (await memory.list(storeId, Number.POSITIVE_INFINITY)).files;
    } catch (error) {
      if (failureOf(error).type === 'gone') return [];
      throw error;
    }
  }

  async function show(person: Person, memoryId: string): Promise<PreferencesView> {
    const storeId = await memory.knownStore(person);
    const file = storeId === null ? null : await memory.read(storeId, memoryId);
    if (file === null) return outcome(false, 'That is no longer in your memory.');
    return { type: 'file', section: sectionOf(file) };
  }

  async function forget(person: Person, memoryId: string): Promise<PreferencesView> {
    const storeId = await memory.knownStore(person);
    const file = storeId === null ? null : await memory.read(storeId, memoryId);
    if (storeId === null || file === null) return outcome(true, 'That was already gone from your memory.');
    try {
      // Only what the person saw goes: an edit by the agent in between is not swept away with it.
      await client.beta.memoryStores.memories.delete(
        memoryId,
        { memory_store_id: storeId, expected_content_sha256: file.sha256 },
        { maxRetries: 0 },
      );
    } catch (error) {
      const failure = failureOf(error);
      if (failure.type === 'refused' && failure.reason === 'conflict') {
        return outcome(
          false,
          `${titleOfPath(file.path)} changed just now. Have another look before you forget it.`,
        );
      }
      if (failure.type !== 'gone') throw error;
    }
    return outcome(true, `Forgotten: ${titleOfPath(file.path)}.`);
  }

  async function undo(person: Person, noticeId: string): Promise<PreferencesView> {
    const notice = await notices.get(noticeId);
    if (notice === undefined || notice.person !== personKey(person)) {
      return outcome(
        false,
        'That change is too old to undo here. You can still edit or forget it in /preferences.',
      );
    }
    if ((await memory.knownStore(person)) !== notice.storeId) {
      return outcome(false, 'That change belongs to a memory that no longer exists.');
    }
    // What was created goes first, so that what stood at its path before can come back.
    const refs = [...notice.refs].sort(
      (a, b) => Number(a.beforeVersionId !== null) - Number(b.beforeVersionId !== null),
    );
    let undone = 0;
    const kept: string[] = [];
    for (const ref of refs) {
      if (await undoOne(notice.storeId, ref)) undone += 1;
      else kept.push(titleOfPath(ref.path));
    }
    if (kept.length === 0) {
      await notices.delete(noticeId);
      return outcome(true, 'Undone. Your memory is as it was before.');
    }
    const left = `${kept.join(', ')} changed again since then, so I left ${kept.length === 1 ? 'it' : 'them'} alone.`;
    return outcome(undone > 0, undone > 0 ? `Partly undone. ${left}` : `Not undone: ${left}`);
  }

  /** True when the memory is as it was before the change; false when it has changed again since. */
  async function undoOne(storeId: string, ref: ChangeRef): Promise<boolean> {
    const { memories } = client.beta.memoryStores;
    const once = { maxRetries: 0 };
    const before = ref.beforeVersionId === null ? null : await versionText(storeId, ref.beforeVersionId);
    try {
      if (ref.beforeVersionId === null) {
        if (ref.afterSha256 === null) return true;
        const params = { memory_store_id: storeId, expected_content_sha256: ref.afterSha256 };
        await memories.delete(ref.memoryId, params, once);
        return true;
      }
      if (before === null) return false;
      if (ref.afterSha256 === null) {
        await memories.create(storeId, { path: ref.beforePath ?? ref.path, content: before }, once);
        return true;
      }
      const precondition = { type: 'content_sha256' as const, content_sha256: ref.afterSha256 };
      const moved = ref.beforePath !== null && ref.beforePath !== ref.path ? { path: ref.beforePath } : {};
      await memories.update(
        ref.memoryId,
        { memory_store_id: storeId, content: before, precondition, ...moved },
        once,
      );
      return true;
    } catch (error) {
      const failure = failureOf(error);
      if (failure.type === 'gone') return ref.beforeVersionId === null;
      if (failure.type === 'refused' && failure.reason === 'conflict') return false;
      throw error;
    }
  }

  async function versionText(storeId: string, versionId: string): Promise<string | null> {
    try {
      const version = await client.beta.memoryStores.memoryVersions.retrieve(versionId, {
        memory_store_id: storeId,
      });
      return version.content ?? null;
    } catch (error) {
      if (failureOf(error).type === 'gone') return null;
      throw error;
    }
  }

  async function setMode(person: Person, mode: NoticeMode | 'default'): Promise<PreferencesView> {
    const key = personKey(person);
    if (mode === 'default') await modes.delete(key);
    else await modes.set(key, mode);
    return outcome(true, SENTENCE_OF_MODE[mode]);
  }

  return {
    async run({ person, action }) {
      switch (action.type) {
        case 'view':
          return view(person);
        case 'show':
          return show(person, action.memoryId);
        case 'forget':
          return forget(person, action.memoryId);
        case 'undo':
          return undo(person, action.noticeId);
        case 'notices':
          return setMode(person, action.mode);
        default:
          return outcome(false, 'I cannot do that yet.');
      }
    },
  };
}

const SENTENCE_OF_MODE: Record<NoticeMode | 'default', string> = {
  thread: 'From now on I show below my reply what I changed in your memory.',
  private: 'From now on I show what I changed in your memory to you alone.',
  off: 'From now on I change your memory without a notice. /preferences still shows everything.',
  default: 'Memory notices are back to how they were set up here.',
};

function outcome(ok: boolean, sentence: string): PreferencesView {
  return { type: 'outcome', ok, sentence };
}

function sectionOf(file: MemoryFile): MemorySection {
  const lines = readableLines(file.content);
  return {
    memoryId: file.id,
    path: file.path,
    title: titleOfPath(file.path),
    facts: lines.map((text, n) => ({ id: String(n), text, learnedOn: null, learnedBy: null })),
    lines,
    content: file.content,
    revision: file.sha256.slice(0, 12),
    updatedAt: file.updatedAt,
  };
}
