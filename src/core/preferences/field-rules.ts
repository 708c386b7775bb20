/** How usual facts are written down: which label, in which file, means which field of the form. */

import type { FormEntry } from '../agent-file.ts';
import type { FactLine } from '../memory/memory-lines.ts';
import type { FieldName } from '../message.ts';
import { topicOfThing } from './known-things.ts';

export type Topic = 'sizes' | 'budget' | 'brands' | 'materials' | 'colours' | 'style';

export interface FieldRule {
  name: string;
  label: string;
  hint: string;
  /** The note it is in: "sizes" is /sizes.md. */
  topic: string;
  /** How a new line says it. */
  writes: string;
  /**
   * `one`: a line holds one value, and a new value replaces the old one; `labelled`: as `one`, for each label;
   * `list`: a line may hold several values, each stands for itself.
   */
  kind: 'one' | 'labelled' | 'list';
  /** One of agent.yml's own: a line is about it when its label is. The others are known by many words. */
  own?: true;
}

type KnownField = FieldRule & { name: FieldName; topic: Topic };

export const FIELDS: readonly KnownField[] = [
  {
    name: 'shoe_size',
    label: 'Shoe size',
    hint: 'US 9',
    topic: 'sizes',
    writes: 'shoe size',
    kind: 'one',
  },
  {
    name: 'clothing_sizes',
    label: 'Clothing sizes',
    hint: 'shirt M, trousers 32/34, dress 38',
    topic: 'sizes',
    writes: 'clothing size',
    kind: 'labelled',
  },
  { name: 'budget', label: 'Budget', hint: '$120', topic: 'budget', writes: 'budget', kind: 'one' },
  {
    name: 'brands_liked',
    label: 'Brands you like',
    hint: 'Patagonia, Veja',
    topic: 'brands',
    writes: 'likes',
    kind: 'list',
  },
  {
    name: 'brands_avoided',
    label: 'Brands you avoid',
    hint: 'Zara',
    topic: 'brands',
    writes: 'avoids',
    kind: 'list',
  },
  {
    name: 'materials_avoided',
    label: 'Materials to avoid, allergies',
    hint: 'wool, allergic to nickel',
    topic: 'materials',
    writes: 'avoids',
    kind: 'list',
  },
  {
    name: 'colours_liked',
    label: 'Colours you like',
    hint: 'navy, olive green',
    topic: 'colours',
    writes: 'likes',
    kind: 'list',
  },
  {
    name: 'style',
    label: 'Style',
    hint: 'minimalist, a bit sporty',
    topic: 'style',
    writes: 'style',
    kind: 'list',
  },
];

export function ruleOf(name: FieldName): KnownField {
  const rule = FIELDS.find(field => field.name === name);
  if (rule === undefined) throw new Error(`no field ${name}`);
  return rule;
}

/** The fields that `memory.form` of agent.yml names, in its order. */
export function fieldsOf(form: readonly FormEntry[]): FieldRule[] {
  return form.map(entry => {
    if (typeof entry === 'string') return ruleOf(entry);
    const { label, hint, note, several } = entry;
    const key = keyOf(label);
    const kind = several ? 'list' : 'one';
    return { name: key.replaceAll(' ', '_'), label, hint, topic: note, writes: key, kind, own: true };
  });
}

/** Whether a line says what a field asks for. */
export function isOf(rule: FieldRule, path: string, fact: FactLine, words: Said): boolean {
  if (rule.own !== true) return fieldOf(path, fact, words) === rule.name;
  return words.label !== null && singular(keyOf(words.label)) === singular(keyOf(rule.label));
}

/** A line of a file as label and value; `label` null: the value stands by itself. */
export interface Said {
  label: string | null;
  value: string;
}

const LIKES = /^(?:also )?(?:likes?|loves?|prefers?|liked|loved|preferred|fav(?:ou?rites?)?)$/;
const AVOIDS =
  /^(?:also )?(?:avoids?|dislikes?|hates?|never wears?|never|no|not|to avoid|avoided|disliked|hated)$/;
const ALLERGIES = /^(?:is )?(?:allerg(?:y|ies|ic to)|intoleran(?:ces?|t to)|sensitiv(?:ities|e to))$/;
const SPOKEN =
  /^((?:also )?(?:likes?|loves?|prefers?|avoids?|dislikes?|hates?|never wears?|no|(?:is )?allergic to))\s+(\S.*)$/i;
const GARMENT =
  'clothing|clothes|tops?|t-?shirts?|tees?|shirts?|blouses?|sweaters?|jumpers?|hoodies?|jackets?|blazers?|coats?|dress(?:es)?|trousers?|pants?|jeans?|shorts|skirts?|suits?|bras?|underwear|socks?|gloves?|hats?|waist|inseam|collar|chest|hips|neck|sleeves?';
const SHOES = /^(?:shoes?|sneakers?|trainers?|footwear)(?: sizes?)?$/;
// "belt: brown" says no size, "belt size: 90" does.
const CLOTHES = new RegExp(`^(?:(?:${GARMENT})(?: sizes?)?|(?:belts?|rings?) sizes?|sizes?)$`);
const BUDGET =
  /^(?:(?:max(?:imum)?|usual|overall|total|general|shopping|price) )?(?:budget|spending limit|price limit|price range)$/;
const UNMARKED = new RegExp(
  `^((?:shoes?|sneakers?|trainers?|${GARMENT})(?: sizes?)?|budget)\\s+(?:is\\s+|size\\s+|of\\s+|around\\s+|about\\s+)*((?:[$€£]|(?:us|uk|eu|it|fr)\\s)?\\s*(?:\\d|x{0,4}[sml]\\b|small|medium|large).*)$`,
  'i',
);

/** "shoe size: 9", "**Shoe size:** 9", "| Shoe size | 9 |", "shoe size = 9", "shoe size 9", "hates wool", "Nike" */
export function said(text: string): Said {
  const plain = text.replace(/\*\*|__|`/g, '').trim();
  const cells = /^\|\s*([^|]+?)\s*\|\s*([^|]+?)\s*\|/.exec(plain);
  const match =
    cells ??
    /^([^:=|]{1,40}?)\s*(?::|=|\s[–—-])\s+(\S.*)$/.exec(plain) ??
    SPOKEN.exec(plain) ??
    UNMARKED.exec(plain);
  return { label: match?.[1]?.trim() ?? null, value: (match?.[2] ?? plain).trim() };
}

/** Which field a line belongs to; null for everything the form does not ask for. */
export function fieldOf(path: string, fact: FactLine, { label, value }: Said): FieldName | null {
  const heading = keyOf(fact.heading ?? '');
  const topic = topicOf(path) ?? topicOf(`/${heading}`);
  const key = label === null ? heading : keyOf(label);
  const isShoes = SHOES.test(key) || (/^sizes?$/.test(key) && SHOES.test(heading));
  if (isShoes) return label !== null || /^(?:[A-Z]{2} ?)?\d/.test(value) ? 'shoe_size' : null;
  if (CLOTHES.test(key)) return label === null ? null : 'clothing_sizes';
  if (BUDGET.test(key)) return label === null && topic !== 'budget' ? null : 'budget';
  if (ALLERGIES.test(key)) return 'materials_avoided';
  if (/^styles?$|^(?:preferred|usual|liked) styles?$|^dress style$/.test(key)) return 'style';
  const attitude = attitudeOf(key, label !== null);
  if (attitude !== null) return tasteField(attitude.topic ?? topic ?? topicOfThings(value), attitude.likes);
  return label === null && topic === 'style' && fact.heading === null ? 'style' : null;
}

/** "favourite brands" says what is liked and of what; "avoids" leaves open of what; the heading "Brands" says neither. */
function attitudeOf(key: string, isLabel: boolean): { likes: boolean; topic: Topic | null } | null {
  if (LIKES.test(key)) return { likes: true, topic: null };
  if (AVOIDS.test(key)) return { likes: false, topic: null };
  const match = /\b(brands?|materials?|fabrics?|colou?rs?)\b/.exec(key);
  const of = topicOf(`/${match?.[1] ?? ''}`);
  if (match === null || of === null) return null;
  const rest = key
    .replace(match[0], '')
    .replace(/\b(?:i|they|to wear)\b/g, '')
    .replace(/\s+/g, ' ')
    .trim();
  if (rest === '') return isLabel && of !== 'materials' ? { likes: true, topic: of } : null;
  if (LIKES.test(rest)) return { likes: true, topic: of };
  return AVOIDS.test(rest) ? { likes: false, topic: of } : null;
}

function tasteField(topic: Topic | null, likes: boolean): FieldName | null {
  switch (topic) {
    case 'brands':
      return likes ? 'brands_liked' : 'brands_avoided';
    case 'materials':
      return likes ? null : 'materials_avoided';
    case 'colours':
      return likes ? 'colours_liked' : null;
    case 'style':
      return likes ? 'style' : null;
    default:
      return null;
  }
}

/** In a file of mixed notes "avoids: wool" is about materials when all it names are. */
function topicOfThings(value: string): Topic | null {
  const topics = new Set(valuesIn(value).map(topicOfThing));
  const [topic] = topics;
  return topics.size === 1 && topic !== undefined ? topic : null;
}

/** The topic a file is about, by its name. */
export function topicOf(path: string): Topic | null {
  const name = path
    .slice(path.lastIndexOf('/') + 1)
    .replace(/\.[a-z0-9]+$/i, '')
    .toLowerCase();
  if (/^sizes?$/.test(name)) return 'sizes';
  if (/^budgets?$/.test(name)) return 'budget';
  if (/^brands?$/.test(name)) return 'brands';
  if (/^(?:materials?|fabrics?|allergies)$/.test(name)) return 'materials';
  if (/^colou?rs?$/.test(name)) return 'colours';
  return /^styles?$/.test(name) ? 'style' : null;
}

/** "Shoe Size (US)" and "shoe_size" are "shoe size". */
export function keyOf(label: string): string {
  return label
    .toLowerCase()
    .replace(/\s*\([^)]*\)/g, '')
    .replace(/_/g, ' ')
    .replace(/[*`]/g, '')
    .replace(/\s+/g, ' ')
    .trim();
}

/** What a size is for, one name for all spellings: "Trousers size" and "trouser" are "trouser", "dresses" "dress". */
export function garmentOf(label: string): string {
  return singular(keyOf(label).replace(/^(.+) sizes?$/, '$1'));
}

function singular(key: string): string {
  return key.replace(/sses$/, 'ss').replace(/([^s])s$/, '$1');
}

/** Values with commas, semicolons or line ends between them; what stands in brackets stays together. */
export function valuesIn(text: string): string[] {
  const separator = /[;\n]/.test(text) ? /[;\n]/ : /,/;
  const values: string[] = [];
  let value = '';
  let depth = 0;
  for (const [index, char] of [...text].entries()) {
    if (char === '(' || char === '[') depth += 1;
    if (char === ')' || char === ']') depth = Math.max(0, depth - 1);
    // "$1,200" is one value.
    const inNumber = char === ',' && /^\d{3}(?!\d)/.test([...text].slice(index + 1, index + 5).join(''));
    if (depth === 0 && separator.test(char) && !inNumber) {
      values.push(value);
      value = '';
    } else value += char;
  }
  return [...values, value].map(item => item.trim()).filter(item => item !== '');
}

export function isAllergy(label: string | null): boolean {
  return label !== null && ALLERGIES.test(keyOf(label));
}
