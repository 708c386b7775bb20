import { diffArrays } from 'diff';
import { labelAsWritten } from '../preferences/labels.ts';
import type { LineChange } from '../views.ts';
import { factLines } from './memory-lines.ts';

/** The facts of a memory file, one line each: no headings, list marks, rules or front matter. */
export function readableLines(content: string): string[] {
  return factLines(content).map(fact => fact.line);
}

/** What a person would call the difference between two texts of one file. Dates alone are no difference. */
export function changedLines(before: string, after: string): LineChange[] {
  const removed: string[] = [];
  const added: string[] = [];
  for (const part of diffArrays(facts(before), facts(after))) {
    if (part.removed) removed.push(...part.value);
    else if (part.added) added.push(...part.value);
  }
  const changes: LineChange[] = [];
  for (const text of added) {
    const label = labelOf(text);
    const index = label === null ? -1 : removed.findIndex(line => labelOf(line)?.key === label.key);
    const old = removed[index];
    if (label === null || old === undefined) {
      // The same fact, moved or listed elsewhere, is not news.
      const moved = removed.indexOf(text);
      if (moved === -1) changes.push({ type: 'added', text });
      else removed.splice(moved, 1);
      continue;
    }
    removed.splice(index, 1);
    const from = valueIn(old);
    const to = valueIn(text);
    if (from !== to) changes.push({ type: 'changed', label: label.text, from, to });
  }
  changes.push(...removed.map(text => ({ type: 'removed' as const, text })));
  return changes;
}

function facts(content: string): string[] {
  return factLines(content).map(fact => fact.text);
}

function labelOf(line: string): { key: string; text: string } | null {
  const text = labelAsWritten(line);
  return text === null ? null : { key: text.toLowerCase(), text };
}

function valueIn(line: string): string {
  return line
    .slice(line.indexOf(':') + 1)
    .replace(/^\**\s*/, '')
    .trim();
}
