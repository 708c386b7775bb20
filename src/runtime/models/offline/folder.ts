import type { ListedMount } from './session-start.ts';
import type { ToolCall, Transcript } from './transcript.ts';

/** What the model knows of one memory folder, from the listing and from its own tool calls alone. */
export interface Folder {
  path: string;
  writable: boolean;
  /** Absolute path -> content; null when the file is known not to exist. */
  files: Map<string, string | null>;
  /** Known only in part: to be read before anything in it is changed. */
  partial: Set<string>;
  /** Seen in the turn that is being answered, so surely up to date. */
  fresh: Set<string>;
  /** Every file there was when the listing was made is in `files`. */
  complete: boolean;
  /** The turn to answer brought the listing, which is then as fresh as it gets. */
  justListed: boolean;
}

/**
 * The folder after the calls of the transcript. With `withWrites` false, what the last turn wrote is left out: the
 * folder as that turn found it.
 */
export function folderAfter(mount: ListedMount, transcript: Transcript, withWrites: boolean): Folder {
  const folder: Folder = {
    path: mount.path,
    writable: mount.writable,
    files: new Map(mount.files.map(file => [file.path, file.content])),
    partial: new Set(mount.files.filter(file => !file.complete).map(file => file.path)),
    fresh: new Set(),
    complete: mount.complete,
    justListed: transcript.turns.length - 1 === transcript.toldIn && !transcript.shortened,
  };
  transcript.turns.forEach((turn, index) => {
    if (index < transcript.toldIn) return;
    const last = index === transcript.turns.length - 1;
    const written = new Set<string>();
    for (const call of turn.calls) {
      const path = pathOf(call);
      if (path === null || !path.startsWith(`${mount.path}/`)) continue;
      const writes = call.name === 'write' || call.name === 'edit';
      if (last && !withWrites && (writes || written.has(path))) {
        if (call.result && !call.result.isError) written.add(path);
        continue;
      }
      if (applyCall(folder, call, path) && last) folder.fresh.add(path);
    }
  });
  return folder;
}

/** True when the file can be taken to be as we know it, or to be missing where we know of none. */
export function isCurrent(folder: Folder, path: string): boolean {
  if (folder.partial.has(path)) return false;
  if (folder.fresh.has(path)) return true;
  return folder.justListed && (folder.complete || folder.files.has(path));
}

/** True when the call told us how the file is now. */
function applyCall(folder: Folder, call: ToolCall, path: string): boolean {
  const { result, input } = call;
  if (result === undefined) return false;
  if (result.isError) {
    if (call.name !== 'read' || !saysMissing(result.text)) return false;
    folder.files.set(path, null);
    folder.partial.delete(path);
    return true;
  }
  switch (call.name) {
    case 'read': {
      // The runtime empties old results of an overlong turn.
      if (result.text.startsWith('(left out to fit')) return false;
      folder.files.set(path, unnumbered(result.text));
      if (input.view_range === undefined) folder.partial.delete(path);
      else folder.partial.add(path);
      return true;
    }
    case 'write':
      if (typeof input.content !== 'string') return false;
      folder.files.set(path, input.content);
      folder.partial.delete(path);
      return true;
    case 'edit': {
      const { old_string: before, new_string: after } = input;
      const content = folder.files.get(path);
      if (typeof before !== 'string' || typeof after !== 'string' || typeof content !== 'string')
        return false;
      const all = input.replace_all === true;
      folder.files.set(
        path,
        all ? content.replaceAll(before, () => after) : content.replace(before, () => after),
      );
      // An edit shows one place; what others may have written elsewhere in the file stays unseen.
      return false;
    }
    default:
      return false;
  }
}

export function pathOf(call: ToolCall): string | null {
  const path = call.input.file_path;
  return typeof path === 'string' ? path : null;
}

export function saysMissing(text: string): boolean {
  return /does not exist|no such file|ENOENT|not found/i.test(text);
}

/** Contents of the files that exist, by their path inside the folder. */
export function contentsOf(folder: Folder): Map<string, string> {
  const contents = new Map<string, string>();
  for (const [path, content] of folder.files) {
    if (content !== null) contents.set(path.slice(folder.path.length), content);
  }
  return contents;
}

/** The read tool numbers lines as `cat -n` does, and says in words that a file is empty. */
function unnumbered(text: string): string {
  if (text === '(the file is empty)' || text === '(no content)') return '';
  const lines = text.replace(/\n$/, '').split('\n');
  const numbered = lines.every(line => /^ *\d+\t/.test(line));
  return `${lines.map(line => (numbered ? line.replace(/^ *\d+\t/, '') : line)).join('\n')}\n`;
}
