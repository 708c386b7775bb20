import { type Attitude, againstIt, type Change, type Topic, topics } from './changes.ts';
import { sizedItem, thingNamed } from './vocabulary.ts';

/** Path inside the memory folder, e.g. "/sizes.md" -> content. */
export type Files = ReadonlyMap<string, string>;

/** A line that says something: "- shoe size: 9 (2026-11-22)". */
export interface Entry {
  line: number;
  /** As we name it: "shoe size", "budget", "avoids", ...; null for a line in free words. */
  key: string | null;
  /** Without list mark, key and date. */
  value: string;
  /** The whole line without list mark and date. */
  text: string;
  date: string | null;
}

const titles: Record<Topic, string> = {
  sizes: 'Sizes',
  budget: 'Budget',
  brands: 'Brands',
  colours: 'Colours',
  materials: 'Materials',
  style: 'Style',
  notes: 'Notes',
};

export const pathFor = (topic: Topic): string => `/${topic}.md`;

/**
 * The files as they should be after `change`; the same map when they already are. Lines that agree with the change
 * stay as they are, date included; lines of other agents are touched only where they say the opposite.
 */
export function applyChange(files: Files, change: Change, date: string | null): Files {
  switch (change.type) {
    case 'set':
      return setValue(files, change.topic, change.key, change.value, date);
    case 'unset':
      return withoutEntries(
        files,
        entry => entry.key === change.key && (change.value === undefined || same(entry.value, change.value)),
      );
    case 'taste':
      return setTaste(files, change, date);
    case 'untaste':
      return withoutThing(files, change.name, change.attitudes);
    case 'note': {
      const known = [...files.values()].some(content =>
        entriesOf(content).some(entry => same(entry.text, change.text)),
      );
      return known ? files : append(files, 'notes', change.text, date);
    }
    case 'forget-topic':
      return withoutEntries(
        files,
        (entry, path) => path === pathFor(change.topic) || topicOf(entry) === change.topic,
      );
    case 'forget-words': {
      const words = wordsOf(change.text);
      return words.length === 0 ? files : withoutEntries(files, entry => hasWords(entry.text, words));
    }
    case 'forget-all':
      return emptied(files);
  }
}

/** Later statements win over earlier ones about the same thing, so that each change can be checked by itself. */
export function settled(changes: readonly Change[]): Change[] {
  return changes.filter((change, index) => {
    const later = changes.slice(index + 1);
    return !later.some(
      next =>
        next.type === 'forget-all' || (subjectOf(next) !== null && subjectOf(next) === subjectOf(change)),
    );
  });
}

function subjectOf(change: Change): string | null {
  switch (change.type) {
    case 'set':
    case 'unset':
      return `${change.topic}/${change.key}`;
    case 'taste':
    case 'untaste':
      return `thing/${change.name.toLowerCase()}`;
    case 'note':
      return `note/${change.text.toLowerCase()}`;
    case 'forget-topic':
    case 'forget-words':
    case 'forget-all':
      return JSON.stringify(change);
  }
}

export function entriesOf(content: string): Entry[] {
  return content.split('\n').flatMap((line, index) => {
    const entry = entryOf(line, index);
    return entry === null ? [] : [entry];
  });
}

/** The value filed under a key, in whichever file. */
export function filedValue(files: Files, key: string): string | null {
  for (const content of files.values()) {
    const entry = entriesOf(content).find(candidate => candidate.key === key);
    if (entry) return entry.value;
  }
  return null;
}

/** Everything filed under an attitude, e.g. all that the person avoids. */
export function thingsFiled(
  files: Files,
  attitudes: readonly Attitude[],
): { name: string; topic: Topic; attitude: Attitude }[] {
  return [...files].flatMap(([path, content]) =>
    entriesOf(content).flatMap(entry => {
      const attitude = attitudes.find(candidate => candidate === entry.key);
      if (attitude === undefined) return [];
      return namesIn(entry.value).map(name => {
        const filed = topicOfPath(path);
        return { name, attitude, topic: thingNamed(name)?.topic ?? filed ?? 'notes' };
      });
    }),
  );
}

export function topicOf(entry: Entry): Topic | null {
  const { key, value } = entry;
  if (key === null) return null;
  if (key === 'name') return 'notes';
  if (key === 'budget' || key.startsWith('budget for ')) return 'budget';
  if (key === 'size' || key === 'waist' || key === 'inseam' || key.endsWith(' size')) return 'sizes';
  if (key !== 'likes' && key !== 'avoids' && key !== 'allergic to') return null;
  return thingNamed(namesIn(value)[0] ?? '')?.topic ?? null;
}

export function topicOfPath(path: string): Topic | null {
  return topics.find(topic => path === pathFor(topic)) ?? null;
}

function entryOf(line: string, index: number): Entry | null {
  if (/^\s*(?:#|```|---\s*$|<!--|\|)/.test(line)) return null;
  const bare = line.replace(/^\s*(?:[-*+•]\s+|\d+[.)]\s+)?/, '').trim();
  if (bare === '') return null;
  const dated = /^(.*?)\s*\((?:[a-z ]+)?(\d{4}-\d{2}-\d{2})\)\s*\.?$/i.exec(bare);
  const text = (dated?.[1] ?? bare).replace(/\*\*/g, '').trim();
  const [, label = '', value = ''] = /^([^:]{1,40}):\s+(.+)$/.exec(text) ?? [];
  const key = label === '' ? null : keyNamed(label, value);
  const spoken =
    /^(?:also )?(hates|dislikes|avoids|never wears|likes|loves|prefers|allergic to|is allergic to)\s+(.+)$/i.exec(
      text,
    );
  const date = dated?.[2] ?? null;
  if (key !== null) return { line: index, key, value, text, date };
  const attitude = attitudes[spoken?.[1]?.toLowerCase() ?? ''];
  if (attitude !== undefined && spoken?.[2] !== undefined)
    return { line: index, key: attitude, value: spoken[2], text, date };
  return { line: index, key: null, value: text, text, date };
}

const attitudes: Record<string, Attitude> = {
  likes: 'likes',
  loves: 'likes',
  prefers: 'likes',
  favourites: 'likes',
  favourite: 'likes',
  favorites: 'likes',
  favorite: 'likes',
  preferred: 'likes',
  avoids: 'avoids',
  avoid: 'avoids',
  dislikes: 'avoids',
  hates: 'avoids',
  'never wears': 'avoids',
  'materials to avoid': 'avoids',
  'brands to avoid': 'avoids',
  'colours to avoid': 'avoids',
  'colors to avoid': 'avoids',
  'allergic to': 'allergic to',
  'is allergic to': 'allergic to',
  allergies: 'allergic to',
  allergy: 'allergic to',
};

/** What a label of anybody's means to us: "Shoes (US)" -> "shoe size" if a size follows; null for other labels. */
function keyNamed(label: string, value: string): string | null {
  const name = label
    .toLowerCase()
    .replace(/\s*\(.*\)$/, '')
    .trim();
  const attitude = attitudes[name];
  if (attitude !== undefined) return attitude;
  if (/^(?:preferred )?name$|^(?:call (?:me|them)|nickname)$/.test(name)) return 'name';
  if (/^(?:max(?:imum)? )?budget$|^(?:budget|spending|price) limit$/.test(name)) return 'budget';
  if (/^budget for .+/.test(name)) return name;
  if (name === 'size' || name === 'waist' || name === 'inseam') return name;
  if (/ size$/.test(name)) {
    const item = sizedItem(name.replace(/ size$/, ''));
    return item === null ? name : `${item} size`;
  }
  const item = sizedItem(name);
  const looksLikeSize = /^(?:[A-Z]{2} )?(?:\d{1,3}(?:\.\d)?|X{0,3}[SML]|small|medium|large)(?:\b|$)/i.test(
    value,
  );
  return item !== null && looksLikeSize ? `${item} size` : null;
}

function setValue(files: Files, topic: Topic, key: string, value: string, date: string | null): Files {
  const places = [...files].flatMap(([path, content]) =>
    entriesOf(content)
      .filter(entry => entry.key === key)
      .map(entry => ({ path, entry })),
  );
  const [first, ...others] = places;
  if (first === undefined) return append(files, topic, `${key}: ${value}`, date);
  if (same(first.entry.value, value) && others.length === 0) return files;
  let result: Files = files;
  // From the bottom up, so that line numbers still hold.
  for (const { path, entry } of others.reverse()) result = withLine(result, path, entry.line, null);
  if (same(first.entry.value, value)) return result;
  return withLine(result, first.path, first.entry.line, `${key}: ${value}${stamp(date)}`);
}

function setTaste(files: Files, change: Extract<Change, { type: 'taste' }>, date: string | null): Files {
  // To avoid something one is allergic to is no news, and must not soften the allergy.
  const agreeing: readonly Attitude[] = change.attitude === 'avoids' ? againstIt : [change.attitude];
  const filed = (wanted: readonly Attitude[]) =>
    thingsFiled(files, wanted).some(thing => same(thing.name, change.name));
  const opposing = (['likes', 'avoids', 'allergic to'] as const).filter(
    attitude => !agreeing.includes(attitude),
  );
  const text = `${change.attitude}: ${change.name}`;
  if (filed(agreeing) && !filed(opposing)) return files;
  if (filed(agreeing)) return withoutThing(files, change.name, opposing);

  for (const [path, content] of files) {
    const whole = entriesOf(content).find(
      entry => opposing.some(attitude => attitude === entry.key) && same(entry.value, change.name),
    );
    if (whole)
      return withoutThing(withLine(files, path, whole.line, text + stamp(date)), change.name, opposing);
  }
  return append(withoutThing(files, change.name, opposing), change.topic, text, date);
}

/** Takes one name out of every list under these attitudes, and the line with it when nothing is left. */
function withoutThing(files: Files, name: string, attitudes: readonly Attitude[]): Files {
  let result: Files = files;
  for (const [path, content] of files) {
    for (const entry of entriesOf(content).reverse()) {
      if (!attitudes.some(attitude => attitude === entry.key)) continue;
      const names = namesIn(entry.value);
      const left = names.filter(candidate => !same(candidate, name));
      if (left.length === names.length) continue;
      const kept = left.length === 0 ? null : `${entry.key}: ${left.join(', ')}${stamp(entry.date)}`;
      result = withLine(result, path, entry.line, kept);
    }
  }
  return result;
}

function withoutEntries(files: Files, matches: (entry: Entry, path: string) => boolean): Files {
  let result: Files = files;
  for (const [path, content] of files) {
    for (const entry of entriesOf(content).reverse()) {
      if (matches(entry, path)) result = withLine(result, path, entry.line, null);
    }
  }
  return result;
}

function emptied(files: Files): Files {
  let result: Files = files;
  for (const [path, content] of files) {
    if (content.split('\n').every(line => line.trim() === '' || /^#\s/.test(line))) continue;
    const heading = /^#\s.*$/m.exec(content)?.[0];
    // A heading by someone else may itself say something, so only those of our own files stay.
    const left = heading !== undefined && topicOfPath(path) !== null ? `${heading}\n` : '';
    result = new Map(result).set(path, left);
  }
  return result;
}

/** Replaces the text of a line, keeping its list mark; null removes the line. */
function withLine(files: Files, path: string, line: number, text: string | null): Files {
  const lines = (files.get(path) ?? '').split('\n');
  const mark = /^\s*(?:[-*+•]\s+|\d+[.)]\s+)/.exec(lines[line] ?? '')?.[0] ?? '- ';
  lines.splice(line, 1, ...(text === null ? [] : [mark + text]));
  return new Map(files).set(path, lines.join('\n'));
}

function append(files: Files, topic: Topic, text: string, date: string | null): Files {
  const path = pathFor(topic);
  const before = files.get(path)?.replace(/\s+$/, '') || `# ${titles[topic]}`;
  return new Map(files).set(path, `${before}\n- ${text}${stamp(date)}\n`);
}

function stamp(date: string | null): string {
  return date === null ? '' : ` (${date})`;
}

function namesIn(value: string): string[] {
  if (thingNamed(value)) return [value];
  return value
    .split(/\s*(?:,|;|\band\b|&)\s*/i)
    .map(name => name.trim())
    .filter(name => name !== '');
}

function same(a: string, b: string): boolean {
  const plain = (text: string) => (thingNamed(text)?.name ?? text).toLowerCase().replace(/\s+/g, ' ').trim();
  return plain(a) === plain(b);
}

const common = new Set('a an the my me i is are was that about of for to and it its in on'.split(' '));

/** The words that matter in a request to forget, e.g. "my sister's birthday" -> sister's, birthday. */
function wordsOf(text: string): string[] {
  return (text.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? []).filter(word => !common.has(word));
}

function hasWords(text: string, words: readonly string[]): boolean {
  const present = new Set(text.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? []);
  return words.every(word => present.has(word));
}
