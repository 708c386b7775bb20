/** What people see of their memory, as plain data; platforms render it. */

import type { NoticeMode } from './message.ts';

/** One line that changed in a memory file. */
export type LineChange =
  | { type: 'added'; text: string }
  | { type: 'removed'; text: string }
  /** The same topic with another value: label "budget", from "$80", to "$120". */
  | { type: 'changed'; label: string; from: string; to: string };

/** What happened to one memory during a turn. */
export interface MemoryChange {
  memoryId: string;
  /** e.g. "/sizes.md" */
  path: string;
  operation: 'created' | 'modified' | 'deleted';
  lines: LineChange[];
}

/** Shown after a turn that changed the person's memory. `id` is what Undo refers to. */
export interface Notice {
  id: string;
  changes: MemoryChange[];
}

/** One memory file, made readable. */
export interface MemorySection {
  memoryId: string;
  path: string;
  /** e.g. "Sizes" for /sizes.md */
  title: string;
  /** The facts, one line each, without list marks and headings. */
  lines: string[];
  /** The file as stored. */
  content: string;
  updatedAt: string;
}

export type PreferencesView =
  | { type: 'memory'; sections: MemorySection[]; notices: NoticeMode; noticesAreDefault: boolean }
  | { type: 'file'; section: MemorySection }
  /** Something was done, or could not be: one sentence, then the memory as it now is. */
  | { type: 'outcome'; ok: boolean; sentence: string };

/** "+ shoe size: 9", "− wool", "− budget: $80 → $120" */
export function lineOfChange(change: LineChange): string {
  switch (change.type) {
    case 'added':
      return `+ ${change.text}`;
    case 'removed':
      return `− ${change.text}`;
    case 'changed':
      return `− ${change.label}: ${change.from} → ${change.to}`;
  }
}

/** "/sizes.md" → "Sizes", "/style/winter_coats.md" → "Style: winter coats" */
export function titleOfPath(path: string): string {
  const words = path
    .replace(/^\//, '')
    .replace(/\.[a-z0-9]+$/i, '')
    .split('/')
    .map(part => part.replace(/[-_]+/g, ' ').trim())
    .filter(part => part !== '');
  const title = words.join(': ');
  return title === '' ? path : title.charAt(0).toUpperCase() + title.slice(1);
}
