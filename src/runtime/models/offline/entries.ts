import { type Attitude, everyAttitude, type Topic } from './changes.ts';
import { lookup } from './lookup.ts';
import { bodily, measures, sizedItem, thingNamed } from './vocabulary.ts';

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

export function entriesOf(content: string): Entry[] {
  return content.split('\n').flatMap((line, index) => {
    const entry = entryOf(line, index);
    return entry === null ? [] : [entry];
  });
}

/** What an entry is about by its key, wherever it is filed; null for free words. */
export function topicOf(entry: Entry): Topic | null {
  const { key, value } = entry;
  if (key === null) return null;
  if (key === 'name') return 'notes';
  if (key === 'budget' || key.startsWith('budget for ')) return 'budget';
  if (isSizeKey(key)) return 'sizes';
  if (attitudeOf(entry) === null) return null;
  return thingNamed(namesIn(value)[0] ?? '')?.topic ?? null;
}

/** "likes for work" -> likes, for work; null for an entry that is no attitude. */
export function attitudeOf({ key }: Entry): { attitude: Attitude; occasion: string | undefined } | null {
  const attitude = everyAttitude.find(one => key === one || key?.startsWith(`${one} for `));
  return attitude === undefined ? null : { attitude, occasion: key?.slice(attitude.length + 5) || undefined };
}

/** "shoe size in Nike", "9" -> "shoe size 9 in Nike" */
export function valueSaid(key: string, value: string): string {
  const [what, brand = ''] = key.split(/(?= in )/);
  return `${what} ${value}${brand}`;
}

/** True for "shoe size", "waist", "height", and of one brand "size in Nike". */
function isSizeKey(key: string): boolean {
  const [name = ''] = key.split(' in ');
  return name === 'size' || name.endsWith(' size') || measures.includes(name) || bodily.includes(name);
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
  const attitude = attitudes.get(spoken?.[1]?.toLowerCase() ?? '');
  if (attitude !== undefined && spoken?.[2] !== undefined)
    return { line: index, key: attitude, value: spoken[2], text, date };
  return { line: index, key: null, value: text, text, date };
}

const attitudes = lookup<Attitude>({
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
});

/** What a label of anybody's means to us: "Shoes (US)" -> "shoe size" if a size follows; null for other labels. */
function keyNamed(label: string, value: string): string | null {
  const name = label
    .toLowerCase()
    .replace(/\s*\(.*\)$/, '')
    .trim();
  const attitude = attitudes.get(name);
  if (attitude !== undefined) return attitude;
  if (/^(?:likes|avoids) for \S/.test(name)) return name;
  if (/^(?:preferred )?name$|^(?:call (?:me|them)|nickname)$/.test(name)) return 'name';
  if (/^(?:max(?:imum)? )?budget$|^(?:budget|spending|price) limit$/.test(name)) return 'budget';
  if (/^budget for .+/.test(name)) return name;
  const [, of, brand] = /^(.+?) in (.+)$/.exec(label) ?? [];
  const sizeOf = of === undefined || brand === undefined ? null : keyNamed(of, value);
  if (sizeOf !== null && isSizeKey(sizeOf)) return `${sizeOf} in ${thingNamed(brand ?? '')?.name ?? brand}`;
  if (name === 'size' || measures.includes(name) || bodily.includes(name)) return name;
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

/** The names in a list such as "wool, leather and fur". */
export function namesIn(value: string): string[] {
  if (thingNamed(value)) return [value];
  return value
    .split(/\s*(?:,|;|\band\b|&)\s*/i)
    .map(name => name.trim())
    .filter(name => name !== '');
}

/** True when two values mean the same: case, spaces and spellings aside. */
export function same(a: string, b: string): boolean {
  const plain = (text: string) => (thingNamed(text)?.name ?? text).toLowerCase().replace(/\s+/g, ' ').trim();
  return plain(a) === plain(b);
}
