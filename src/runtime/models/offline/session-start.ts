/**
 * The block the bot puts at the head of a session: today's date, who is speaking, and what the mounted
 * memory holds, every stored line quoted with "> ". Parsed leniently; what is not recognised is left out.
 */

interface ListedFile {
  /** As the agent's file tools name it, e.g. "/mnt/memory/ann/sizes.md". */
  path: string;
  content: string;
  /** False when the listing says that it shows only part of the file. */
  complete: boolean;
}

export interface ListedMount {
  path: string;
  writable: boolean;
  /** Facts of whoever runs the bot, not of the person who is speaking. */
  shared: boolean;
  files: ListedFile[];
  /** False when the listing was cut, so that files may exist which are not in it. */
  complete: boolean;
}

export interface SessionStart {
  /** YYYY-MM-DD */
  date: string | null;
  person: string | null;
  mounts: ListedMount[];
}

export const noSessionStart: SessionStart = { date: null, person: null, mounts: [] };

const mountLine = /(\/mnt\/[^\s()"'`,;]+)\s*(?:\(([^)]*)\))?/;
const fileLine = /^File (\/.+?)(?:\s+\(([^)]*)\))?:?$/;
const cutNote = /\b(?:cut|truncated|left out|too (?:long|large|big)|more than fits|when you need)\b/i;

/** True for a text block that opens like the bot's own. */
export function isSessionStart(text: string): boolean {
  return /^\s*<session_start>/i.test(text);
}

export function parseSessionStart(text: string): SessionStart {
  const start: SessionStart = { date: null, person: null, mounts: [] };
  let mount: ListedMount | undefined;
  let file: ListedFile | undefined;

  for (const line of text.split('\n')) {
    // Quoted first: nothing a stored file says can pass for a line of the bot's.
    if (line.startsWith('>')) {
      if (file) file.content += `${line.replace(/^> ?/, '')}\n`;
      continue;
    }
    const header = fileLine.exec(line.trim());
    if (header?.[1] !== undefined && mount) {
      file = { path: mount.path + header[1], content: '', complete: !cutNote.test(header[2] ?? '') };
      mount.files.push(file);
      continue;
    }
    const mounted = mountLine.exec(line);
    if (mounted?.[1] !== undefined) {
      const writable = !/read[ -]only/i.test(mounted[2] ?? line);
      const shared = !writable && !/\byour memory\b/i.test(line);
      mount = newMount(mounted[1], { writable, shared, complete: !cutNote.test(line) });
      file = undefined;
      start.mounts.push(mount);
    } else if (mount) {
      // Straight under a file's lines a note is about that file; after an empty line it is about the folder.
      if (line.trim() === '') file = undefined;
      else if (cutNote.test(line) && file) file.complete = false;
      else if (cutNote.test(line)) mount.complete = false;
    } else {
      start.date ??= /^Date:\s*(\d{4}-\d{2}-\d{2})/.exec(line)?.[1] ?? null;
      start.person ??= /^Person:\s*(.+)$/.exec(line)?.[1]?.trim() ?? null;
    }
  }
  return start;
}

/**
 * What is mounted, as the runtime's own prompt says ("Folder: /mnt/memory/ann (you can read and write here)"), with
 * the bot's listing where it gave one. A listing alone mounts nothing: it stands in a message, and could be forged.
 */
export function mountsOf(start: SessionStart, system: string): ListedMount[] {
  const folders = system.matchAll(/^Folder: (\/mnt\/memory\/[^\s()]+) \((read-only)?[^)]*\)$/gm);
  return [...folders].map(([, path = '', readOnly]) => {
    const writable = readOnly === undefined;
    const listed = start.mounts.find(mount => mount.path === path);
    if (listed) return { ...listed, writable: writable && listed.writable };
    return newMount(path, { writable, shared: !writable, complete: false });
  });
}

function newMount(path: string, about: Pick<ListedMount, 'writable' | 'shared' | 'complete'>): ListedMount {
  return { path: path.replace(/[/.:]+$/, ''), files: [], ...about };
}
