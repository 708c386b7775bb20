import type { Change } from './changes.ts';
import { applyChange, type Files, outweighed } from './filing.ts';
import { contentsOf, type Folder, folderAfter, isCurrent, pathOf, saysMissing } from './folder.ts';
import type { ListedMount } from './session-start.ts';
import type { ToolCall, Transcript } from './transcript.ts';

export interface Call {
  name: 'read' | 'write' | 'edit' | 'glob';
  input: Record<string, unknown>;
}

/** What became of one change by the end of the turn. */
export interface Outcome {
  change: Change;
  status: 'saved' | 'known' | 'failed' | 'outweighed';
}

export interface Saving {
  /** Calls still to be made before the turn can be answered; none when there is nothing left to try. */
  calls: Call[];
  outcomes: Outcome[];
  /** As the turn found the folder, and as it is now; paths inside the folder. */
  before: Files;
  now: Files;
  /** The last reason a tool gave for not doing what it was asked. */
  reason: string | null;
}

/** Writes or edits of one file in one turn: the second is for a file that changed under our hands. */
const attempts = 2;
const mostListed = 40;

/**
 * Works towards the folder as it should be. It looks only at what the tools answered so far, so each request of a
 * turn takes the next step: read what may have changed since, then write, then nothing.
 */
export function save(
  mount: ListedMount,
  transcript: Transcript,
  changes: readonly Change[],
  tools: ReadonlySet<string>,
): Saving {
  const folder = folderAfter(mount, transcript, true);
  const turn = transcript.turns.at(-1);
  const done = turn?.calls ?? [];
  const before = contentsOf(folderAfter(mount, transcript, false));
  const now = contentsOf(folder);
  const date = transcript.start.date;
  const apply = (files: Files, change: Change) => applyChange(files, change, date);
  const wanted = changes.reduce(apply, now);

  const reached = [...wanted].every(([path, content]) => now.get(path) === content);

  const calls: Call[] = [];
  if (folder.writable && tools.has('write')) {
    if (changes.some(needsAllFiles)) calls.push(...lookAround(folder, done, tools));
    if (calls.length === 0) {
      for (const [path, content] of wanted) {
        const known = now.get(path);
        if (known !== content) calls.push(...callsFor(folder, path, known ?? null, content, done, tools));
      }
    }
  }
  const failed = done.filter(
    call => call.result?.isError && !(call.name === 'read' && saysMissing(call.result.text)),
  );
  return {
    calls,
    before,
    now,
    reason: failed.at(-1)?.result?.text ?? null,
    outcomes: changes.map((change, index) => {
      if (!reached && applyChange(now, change, date) !== now) return { change, status: 'failed' };
      if (outweighed(changes.slice(0, index).reduce(apply, before), change))
        return { change, status: 'outweighed' };
      return { change, status: applyChange(before, change, date) === before ? 'known' : 'saved' };
    }),
  };
}

/** Calls that bring the whole folder up to date, before all of it is recited or searched; none when it is. */
export function lookAround(folder: Folder, done: readonly ToolCall[], tools: ReadonlySet<string>): Call[] {
  const calls: Call[] = [];
  const globs = done.filter(call => call.name === 'glob');
  if (!(folder.justListed && folder.complete) && tools.has('glob') && globs.length === 0) {
    calls.push({ name: 'glob', input: { pattern: '**/*', path: folder.path } });
  }
  const listed = globs.flatMap(call => (call.result?.isError === false ? call.result.text.split('\n') : []));
  const paths = new Set([
    ...folder.files.keys(),
    ...listed.filter(path => path.startsWith(`${folder.path}/`)),
  ]);
  const unread = [...paths]
    .filter(path => listed.includes(path) || folder.files.get(path) !== null)
    .filter(path => folder.partial.has(path) || !folder.files.has(path) || !isCurrent(folder, path))
    .filter(path => timesCalled(done, 'read', path) === 0);
  if (tools.has('read')) calls.push(...unread.slice(0, mostListed).map(read));
  return calls;
}

/** Topics may lie in files we were not shown; only these changes have to see them all. */
function needsAllFiles(change: Change): boolean {
  return change.type.startsWith('forget-');
}

function callsFor(
  folder: Folder,
  path: string,
  known: string | null,
  content: string,
  done: readonly ToolCall[],
  tools: ReadonlySet<string>,
): Call[] {
  const file = folder.path + path;
  const writes = done.filter(
    call => (call.name === 'write' || call.name === 'edit') && pathOf(call) === file,
  );
  const last = writes.at(-1);
  if (last !== undefined) {
    // Done is done and refused is refused; only text that was not where we thought deserves another look.
    if (!isStale(last) || writes.length >= attempts) return [];
    const readSince = timesCalled(done.slice(done.indexOf(last)), 'read', file) > 0;
    if (!readSince) return tools.has('read') ? [read(file)] : [];
  } else if (!isCurrent(folder, file) && tools.has('read')) {
    if (timesCalled(done, 'read', file) === 0) return [read(file)];
    // The read failed for a reason we cannot judge: writing now could destroy what is there.
    if (folder.files.get(file) === undefined || folder.partial.has(file)) return [];
  }
  const edit = known === null || !tools.has('edit') ? null : smallestEdit(known, content);
  if (edit !== null) return [{ name: 'edit', input: { file_path: file, ...edit } }];
  return folder.partial.has(file) ? [] : [{ name: 'write', input: { file_path: file, content } }];
}

/** The fewest whole lines that make `before` into `after`; null when no such piece of `before` is unique. */
function smallestEdit(before: string, after: string): { old_string: string; new_string: string } | null {
  // What ends a file is not in the bot's listing, so it takes no part in an exact match.
  const old = before.trimEnd().split('\n');
  const wanted = after.trimEnd().split('\n');
  if (before.trim() === '' || after.trim() === '') return null;
  let start = 0;
  while (start < old.length && start < wanted.length && old[start] === wanted[start]) start++;
  let tail = 0;
  while (
    tail < old.length - start &&
    tail < wanted.length - start &&
    old[old.length - 1 - tail] === wanted[wanted.length - 1 - tail]
  ) {
    tail++;
  }
  // A pure insertion or removal needs a line to hold on to.
  if (start + tail >= Math.min(old.length, wanted.length)) {
    if (start > 0) start--;
    else if (tail > 0) tail--;
  }
  for (; start >= 0; start--) {
    const from = old.slice(start, old.length - tail).join('\n');
    const to = wanted.slice(start, wanted.length - tail).join('\n');
    if (from.trim() !== '' && from !== to && before.split(from).length === 2)
      return { old_string: from, new_string: to };
  }
  return null;
}

function isStale(call: ToolCall): boolean {
  return (
    call.name === 'edit' &&
    call.result?.isError === true &&
    /occur|not found|does not exist|no match|unique/i.test(call.result.text)
  );
}

function timesCalled(calls: readonly ToolCall[], name: Call['name'], path: string): number {
  return calls.filter(call => call.name === name && pathOf(call) === path).length;
}

function read(path: string): Call {
  return { name: 'read', input: { file_path: path } };
}
