import type { MemoryFile } from '../memory/memory-files.ts';
import { factLines } from '../memory/memory-lines.ts';
import type { Person } from '../message.ts';
import { type HistoryEntry, lineOfChange, titleOfPath, wordOfRemoval, wordsOfAuthor } from '../views.ts';

export interface Exported {
  name: string;
  mediaType: string;
  content: string;
}

export interface Exportable {
  person: Person;
  /** ISO 8601 */
  at: string;
  files: readonly (MemoryFile & { shared: boolean })[];
  /** Oldest first. */
  history: readonly { entry: HistoryEntry; content: string | null }[];
}

/** Everything, for programs: memories as they stand, and every change with its author, time and text. */
export function asJson({ person, at, files, history }: Exportable): Exported {
  const document = {
    format: 'shopper-memory-export',
    version: 1,
    exportedAt: at,
    person: { platform: person.platform, workspace: person.workspace, id: person.id, name: person.name },
    memories: files.map(file => ({
      id: file.id,
      path: file.path,
      title: titleOfPath(file.path),
      updatedAt: file.updatedAt,
      usedWhereOthersRead: file.shared,
      sha256: file.sha256,
      content: file.content,
    })),
    history: history.map(({ entry, content }) => ({
      versionId: entry.versionId,
      memoryId: entry.memoryId,
      at: entry.at,
      by: authorFields(entry),
      operation: entry.operation,
      path: entry.path,
      movedFrom: entry.movedFrom,
      content,
      changes: entry.lines.map(lineOfChange),
    })),
  };
  return {
    name: `memory-${at.slice(0, 10)}.json`,
    mediaType: 'application/json',
    content: `${JSON.stringify(document, null, 2)}\n`,
  };
}

function authorFields({ by }: HistoryEntry) {
  switch (by.type) {
    case 'agent':
      return {
        type: by.type,
        conversation: by.conversation?.words ?? null,
        link: by.conversation?.link ?? null,
      };
    case 'person':
    case 'bot':
      return { type: by.type, by: by.by };
    case 'operator':
      return { type: by.type };
  }
}

/** The same to be read by people. */
export function asMarkdown({ person, at, files, history }: Exportable): Exported {
  const lines = [
    `# What I remember about ${oneLine(person.name)}`,
    '',
    `As of ${at.slice(0, 10)}.`,
    '',
    ...(files.length === 0 ? ['Nothing.', ''] : files.flatMap(describeFile)),
    '# What changed and when',
    '',
    ...(history.length === 0 ? ['Nothing.'] : history.flatMap(({ entry }) => describeEntry(entry))),
  ];
  return {
    name: `memory-${at.slice(0, 10)}.md`,
    mediaType: 'text/markdown',
    content: `${lines.join('\n').trimEnd()}\n`,
  };
}

function describeFile({ path, content, shared }: Exportable['files'][number]): string[] {
  const facts = factLines(content);
  const lines = facts.length === 0 ? ['(empty)'] : facts.map(fact => `- ${fact.line}`);
  const use = shared ? ['(May be used where others can read.)', ''] : [];
  return [`## ${oneLine(titleOfPath(path))}`, '', ...use, ...lines, ''];
}

const WORDS = { created: 'created', modified: 'changed' };

function describeEntry(entry: HistoryEntry): string[] {
  const moved = entry.movedFrom === null ? '' : `, moved from “${oneLine(titleOfPath(entry.movedFrom))}”`;
  const when = `${entry.at.slice(0, 10)} ${entry.at.slice(11, 16)} UTC`;
  const link = entry.by.type === 'agent' ? entry.by.conversation?.link : null;
  return [
    `- ${when}: ${oneLine(entry.title)} ${entry.operation === 'deleted' ? wordOfRemoval(entry.by) : WORDS[entry.operation]}${moved} by ${wordsOfAuthor(entry.by)}${link ? ` (${link})` : ''}`,
    ...entry.lines.map(line => `  - ${lineOfChange(line)}`),
  ];
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
