import { type Attitude, adds, againstIt, type Change, type Topic, topics } from './changes.ts';
import { attitudeOf, type Entry, entriesOf, namesIn, same, topicOf } from './entries.ts';
import { thingNamed } from './vocabulary.ts';

/** Path inside the memory folder, e.g. "/sizes.md" -> content. */
export type Files = ReadonlyMap<string, string>;

const titles: Record<Topic, string> = {
  sizes: 'Sizes',
  budget: 'Budget',
  brands: 'Brands',
  colours: 'Colours',
  materials: 'Materials',
  style: 'Style',
  notes: 'Notes',
};

const pathFor = (topic: Topic): string => `/${topic}.md`;

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
      return withoutThing(files, change.name, change.attitudes, change.occasion);
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
    case 'forget-attitude':
      return withoutEntries(files, entry => attitudeOf(entry)?.attitude === change.attitude);
    case 'forget-words': {
      const words = wordsOf(change.text);
      return words.length === 0 ? files : withoutEntries(files, entry => hasWords(entry.text, words));
    }
    case 'forget-all':
      return emptied(files);
  }
}

/** Later statements win: what is taken back further on in the same breath is never filed at all. */
export function settled(changes: readonly Change[]): Change[] {
  return changes.filter((change, index) => {
    const earlier = filed(changes.slice(0, index));
    if (adds(change) && applyChange(earlier, change, null) === earlier) return outweighed(earlier, change);
    const alone = filed([change]);
    const later = changes.slice(index + 1);
    const isReplaced = later.some(
      next =>
        subjectOf(next) === subjectOf(change) && (!adds(change) || applyChange(alone, next, null) !== alone),
    );
    if (isReplaced) return false;
    const after = filed([change, ...later]);
    return !adds(change) || applyChange(after, change, null) === after;
  });
}

function filed(changes: readonly Change[]): Files {
  return changes.reduce<Files>((files, change) => applyChange(files, change, null), new Map());
}

function subjectOf(change: Change): string {
  switch (change.type) {
    case 'set':
    case 'unset':
      return `${change.topic}/${change.key}`;
    case 'taste':
    case 'untaste':
      return `thing/${change.occasion ?? ''}/${change.name.toLowerCase()}`;
    case 'note':
      return `note/${change.text.toLowerCase()}`;
    case 'forget-topic':
    case 'forget-attitude':
    case 'forget-words':
    case 'forget-all':
      return JSON.stringify(change);
  }
}

/** The value filed under a key, in whichever file. */
export function filedValue(files: Files, key: string): string | null {
  for (const content of files.values()) {
    const entry = entriesOf(content).find(candidate => candidate.key === key);
    if (entry) return entry.value;
  }
  return null;
}

export interface FiledThing {
  name: string;
  topic: Topic;
  attitude: Attitude;
  /** Undefined where it holds always. */
  occasion: string | undefined;
}

/** Everything filed under an attitude, e.g. all that the person avoids. */
export function thingsFiled(files: Files, attitudes: readonly Attitude[]): FiledThing[] {
  return [...files].flatMap(([path, content]) =>
    entriesOf(content).flatMap(entry => {
      const filed = attitudeOf(entry);
      if (filed === null || !attitudes.includes(filed.attitude)) return [];
      return namesIn(entry.value).map(name => {
        const topic = thingNamed(name)?.topic ?? topicOfPath(path) ?? 'notes';
        return { name, topic, ...filed };
      });
    }),
  );
}

export function topicOfPath(path: string): Topic | null {
  return topics.find(topic => path === pathFor(topic)) ?? null;
}

function setValue(files: Files, topic: Topic, key: string, value: string, date: string | null): Files {
  const places = [...files].flatMap(([path, content]) =>
    entriesOf(content)
      .filter(entry => entry.key === key)
      .map(entry => ({ path, entry })),
  );
  const [first, ...others] = places;
  if (first === undefined) {
    const known = [...files].flatMap(([path, content]) => entriesOf(content).map(entry => ({ path, entry })));
    // "Size 9" and "shoe size 9" are one fact, told more or less exactly.
    const sameSize = known.filter(({ entry }) => same(entry.value, value));
    const [of, brand] = key.split(/(?= in )/);
    const plain = `size${brand ?? ''}`;
    if (key === plain && sameSize.some(({ entry }) => entry.key?.endsWith(` ${plain}`))) return files;
    const vague = of?.endsWith(' size') ? sameSize.find(({ entry }) => entry.key === plain) : undefined;
    if (vague) return withLine(files, vague.path, vague.entry.line, `${key}: ${value}${stamp(date)}`);
    return append(files, topic, `${key}: ${value}`, date);
  }
  if (same(first.entry.value, value) && others.length === 0) return files;
  let result: Files = files;
  // From the bottom up, so that line numbers still hold.
  for (const { path, entry } of others.reverse()) result = withLine(result, path, entry.line, null);
  if (same(first.entry.value, value)) return result;
  return withLine(result, first.path, first.entry.line, `${key}: ${value}${stamp(date)}`);
}

/** True where a change does nothing because of an allergy: only a word about the allergy itself takes that back. */
export function outweighed(files: Files, change: Change): boolean {
  const weaker =
    (change.type === 'taste' && change.attitude === 'likes') ||
    (change.type === 'untaste' && !change.attitudes.includes('allergic to'));
  return weaker && thingsFiled(files, ['allergic to']).some(thing => same(thing.name, change.name));
}

function setTaste(files: Files, change: Extract<Change, { type: 'taste' }>, date: string | null): Files {
  if (outweighed(files, change)) return files;
  // To avoid something one is allergic to is no news, and must not soften the allergy.
  const agreeing: readonly Attitude[] = change.attitude === 'avoids' ? againstIt : [change.attitude];
  const isFiled = (wanted: readonly Attitude[]) =>
    thingsFiled(files, wanted).some(
      thing =>
        same(thing.name, change.name) &&
        (thing.occasion === change.occasion || thing.attitude === 'allergic to'),
    );
  const opposing = (['likes', 'avoids', 'allergic to'] as const).filter(
    attitude => !agreeing.includes(attitude),
  );
  const text = `${change.attitude}${change.occasion === undefined ? '' : ` for ${change.occasion}`}: ${change.name}`;
  if (isFiled(agreeing) && !isFiled(opposing)) return files;
  const without = (from: Files) => withoutThing(from, change.name, opposing, change.occasion, true);
  if (isFiled(agreeing)) return without(files);

  for (const [path, content] of files) {
    const whole = entriesOf(content).find(
      entry => isUnder(entry, opposing, change.occasion, true) && same(entry.value, change.name),
    );
    if (whole) return without(withLine(files, path, whole.line, text + stamp(date)));
  }
  return append(without(files), change.topic, text, date);
}

/** `exactly`: no occasion means what holds always; else whatever the occasion. */
function isUnder(
  entry: Entry,
  attitudes: readonly Attitude[],
  occasion: string | undefined,
  exactly: boolean,
): boolean {
  const filed = attitudeOf(entry);
  if (filed === null || !attitudes.includes(filed.attitude)) return false;
  return filed.occasion === occasion || (occasion === undefined && !exactly);
}

/** Takes one name out of every list under these attitudes, and the line with it when nothing is left. */
function withoutThing(
  files: Files,
  name: string,
  attitudes: readonly Attitude[],
  occasion: string | undefined,
  exactly = false,
): Files {
  let result: Files = files;
  for (const [path, content] of files) {
    for (const entry of entriesOf(content).reverse()) {
      if (!isUnder(entry, attitudes, occasion, exactly)) continue;
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

/** True for files that say nothing. */
export function isEmpty(files: Files): boolean {
  return emptied(files) === files;
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

const common = new Set('a an the my me i is are was that about of for to and it its in on'.split(' '));

/** The words that matter in a request to forget, e.g. "my sister's birthday" -> sister's, birthday. */
function wordsOf(text: string): string[] {
  return (text.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? []).filter(word => !common.has(word));
}

function hasWords(text: string, words: readonly string[]): boolean {
  const present = new Set(text.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? []);
  return words.every(word => present.has(word));
}
