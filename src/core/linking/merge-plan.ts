import { MAX_CONTENT_BYTES } from '../memory/memory-files.ts';
import { type FactLine, factId, factLines, withoutDate, withoutLines } from '../memory/memory-lines.ts';
import { fieldOf, garmentOf, ruleOf, said } from '../preferences/field-rules.ts';
import { isListed, labelIn } from '../preferences/labels.ts';
import type { TextFile } from '../preferences/usual-facts.ts';
import { isTitleOf, namesIn, parseNote, saysNothingNew, textOfNote, united } from './note-blocks.ts';

export interface MergePlan {
  /** In this order, each goes through whether or not the others do. `content` is the whole file. */
  changes: { type: 'create' | 'update'; path: string; content: string }[];
  disputes: Dispute[];
}

/** Both memories answer one question, and differently. The file has both answers until the person decides. */
export interface Dispute {
  path: string;
  /** The file as it would be with the answers of the memory that stays. */
  ours: string;
  /** The file as it would be with the answers of the memory that joins. */
  theirs: string;
}

/**
 * What has to change in the memory that stays for it to say all that the one that joins says. Nothing that stays is
 * taken away or put in another order. On its own result, whole or in part, it finds only what is still to do; the
 * disputes of what has been done already are not found again. Pure.
 *
 * A file that cannot become one with its namesake, because it is too large or has another front matter, stands
 * beside it: "/sizes-2.md". So does one whose path the API would refuse, because a file is above or below it.
 */
export function planMerge(stays: readonly TextFile[], joins: readonly TextFile[]): MergePlan {
  const before = new Map(stays.map(file => [file.path, file.content]));
  const result = new Map(before);
  const contested = new Map<string, Contested>();
  for (const file of [...joins].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    if (file.content.trim() === '') continue;
    const found = contestedIn(file, result, placeFile(file, result));
    if (found === null) continue;
    const { path, ours, theirs } = found;
    const earlier = contested.get(path);
    contested.set(path, {
      ours: new Set([...(earlier?.ours ?? []), ...ours]),
      theirs: new Set([...(earlier?.theirs ?? []), ...theirs]),
    });
  }
  const changes = [...result].flatMap(([path, content]): MergePlan['changes'] => {
    if (before.get(path) === content) return [];
    return [{ type: before.has(path) ? 'update' : 'create', path, content }];
  });
  const disputes = [...contested].map(([path, { ours, theirs }]): Dispute => {
    const content = result.get(path) ?? '';
    return { path, ours: without(content, theirs), theirs: without(content, ours) };
  });
  return { changes, disputes };
}

/** Puts the file into `result`. Returns the file that took it up and what stood there; null: none had to. */
function placeFile(file: TextFile, result: Map<string, string>): TextFile | null {
  const free = belowNoFile(file.path, result);
  const note = parseNote(file.path, file.content);
  const paths: string[] = [];
  let next = free;
  for (let n = 2; result.has(next) || isFolder(next, result); n += 1) {
    if (result.has(next)) paths.push(next);
    next = numbered(free, n);
  }
  const notes = paths.map(path => parseNote(file.path, result.get(path) ?? ''));
  const known = new Set(notes.flatMap(one => [...namesIn(one)]));
  if (saysNothingNew(note, known)) return null;
  for (const [index, path] of paths.entries()) {
    const one = notes[index];
    const both = one === undefined ? null : united(one, note, known);
    if (one === undefined || both === null) continue;
    const content = textOfNote(both);
    if (Buffer.byteLength(content) > MAX_CONTENT_BYTES) continue;
    // What reads otherwise in its new place than it did by itself (a list that ends up in a piece of code).
    const names = namesIn(parseNote(file.path, content));
    const isWhole = [...namesIn(one)].every(name => names.has(name));
    if (!isWhole || !saysNothingNew(note, new Set([...known, ...names]))) continue;
    const stood = result.get(path) ?? '';
    result.set(path, content);
    return { path, content: stood };
  }
  result.set(next, file.content);
  return null;
}

/** Where a file stands in the way of a folder, the folder gets a number. */
function belowNoFile(path: string, files: ReadonlyMap<string, string>): string {
  const parts = path.split('/').slice(1);
  const name = parts.pop() ?? '';
  let folder = '';
  for (const part of parts) {
    let n = 1;
    while (files.has(numbered(`${folder}/${part}`, n))) n += 1;
    folder = numbered(`${folder}/${part}`, n);
  }
  return `${folder}/${name}`;
}

function isFolder(path: string, files: ReadonlyMap<string, string>): boolean {
  for (const other of files.keys()) if (other.startsWith(`${path}/`)) return true;
  return false;
}

/** "/sizes.md", "/sizes-2.md", … */
function numbered(path: string, n: number): string {
  return n === 1 ? path : path.replace(/(\.[a-z0-9]+)?$/i, extension => `-${n}${extension}`);
}

/** Facts that answer one question differently, as keys of `factKey`. */
interface Contested {
  ours: ReadonlySet<string>;
  theirs: ReadonlySet<string>;
}

/** `stood`: what was in the file that took the other one up. */
function contestedIn(
  file: TextFile,
  result: ReadonlyMap<string, string>,
  stood: TextFile | null,
): (Contested & { path: string }) | null {
  if (stood === null) return null;
  const [ours, theirs] = [new Set<string>(), new Set<string>()];
  const before = answersIn(file.path, stood.content);
  const joining = answersIn(file.path, file.content);
  for (const [question, answers] of answersIn(file.path, result.get(stood.path) ?? '')) {
    const had = before.get(question) ?? [];
    const came = joining.get(question) ?? [];
    // Only of the usual facts is it known that they have one answer; what has several may be a list.
    if (!question.startsWith(USUAL) && (had.length !== 1 || came.length !== 1)) continue;
    const has = (all: readonly Answer[], { value }: Answer) => all.some(one => one.value === value);
    const onlyOurs = answers.filter(answer => has(had, answer) && !has(came, answer));
    const onlyTheirs = answers.filter(answer => has(came, answer) && !has(had, answer));
    if (onlyOurs.length === 0 || onlyTheirs.length === 0) continue;
    for (const { key } of onlyOurs) ours.add(key);
    for (const { key } of onlyTheirs) theirs.add(key);
  }
  return ours.size === 0 ? null : { path: stood.path, ours, theirs };
}

const USUAL = 'usual:';

interface Answer {
  key: string;
  value: string;
}

/** The labelled facts by what they answer. */
function answersIn(path: string, content: string): Map<string, Answer[]> {
  const answers = new Map<string, Answer[]>();
  for (const fact of factLines(content)) {
    const asked = questionOf(path, { ...fact, text: spaced(fact.text), heading: spaced(fact.heading ?? '') });
    if (asked === null) continue;
    const value = withoutDate(asked.value).text.replace(/[*_`]/g, '').trim();
    const answer = { key: factKey(fact), value: value.toLowerCase() };
    answers.set(asked.question, [...(answers.get(asked.question) ?? []), answer]);
  }
  return answers;
}

function spaced(text: string): string {
  return text.replace(/\s+/g, ' ');
}

/** Null for what has no label, and where each answer stands for itself. */
function questionOf(path: string, fact: FactLine): { question: string; value: string } | null {
  const words = said(fact.text);
  const field = fieldOf(path, fact, words);
  if (field === null) {
    const plain = fact.text.replace(/\*\*|__|`/g, '');
    const label = labelIn(plain);
    if (label === null || isListed(label)) return null;
    const heading = isTitleOf(path, fact.heading ?? '') ? '' : fact.heading?.toLowerCase();
    return { question: `${heading}\n${label}`, value: plain.slice(plain.indexOf(':') + 1) };
  }
  switch (ruleOf(field).kind) {
    case 'one':
      return { question: USUAL + field, value: words.value };
    case 'labelled':
      return { question: `${USUAL}${field}/${garmentOf(words.label ?? '')}`, value: words.value };
    case 'list':
      return null;
  }
}

function factKey({ heading, text }: FactLine): string {
  return `${heading?.toLowerCase() ?? ''}\n${factId(text)}`;
}

function without(content: string, keys: ReadonlySet<string>): string {
  const gone = factLines(content).filter(fact => keys.has(factKey(fact)));
  return withoutLines(
    content,
    gone.map(fact => fact.index),
  );
}
