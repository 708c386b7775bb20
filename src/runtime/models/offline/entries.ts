import type { Attitude, Topic } from './changes.ts';
import { lookup } from './lookup.ts';
import { measures, sizedItem, thingNamed } from './vocabulary.ts';

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
  if (key === 'size' || measures.includes(key) || key.endsWith(' size')) return 'sizes';
  if (key !== 'likes' && key !== 'avoids' && key !== 'allergic to') return null;
  return thingNamed(namesIn(value)[0] ?? '')?.topic ?? null;
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
  if (/^(?:preferred )?name$|^(?:call (?:me|them)|nickname)$/.test(name)) return 'name';
  if (/^(?:max(?:imum)? )?budget$|^(?:budget|spending|price) limit$/.test(name)) return 'budget';
  if (/^budget for .+/.test(name)) return name;
  if (name === 'size' || measures.includes(name)) return name;
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
