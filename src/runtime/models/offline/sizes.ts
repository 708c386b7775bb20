import type { Change } from './changes.ts';
import { lookup } from './lookup.ts';
import { itemPattern, sizedItem } from './vocabulary.ts';

const unit = '(?:us|uk|eu|eur|european|fr|french|it|italian|jp|au|american|british)';
const letter =
  '(?:xxs|xs|s|m|l|xl|xxl|xxxl|[2-5]xl|extra[ -]small|small|medium|large|extra[ -]large|xx?-large|one size)';
const number =
  '(?:\\d{2}[a-h]{1,2}(?![a-z])|\\d{1,3}(?:[.,]\\d)?(?:\\s?[/x]\\s?\\d{2,3})?(?:-\\d{1,3}(?:\\.\\d)?)?)';
const value = `(?:(${unit})\\s+(?:(?:men|women)'?s\\s+)?(?:size\\s+)?)?(${number}|${letter})(?:\\s?(${unit})(?![\\w]))?(\\s(?:wide|narrow))?(?:\\s?(cm|inch(?:es)?|mm|"))?(?![\\w$€£%])(?!\\.\\d)`;
const aside =
  '(?:(?:now|actually|about|around|usually|probably|normally|typically|always|currently|still|really|only|mostly|generally|often|either)\\s+)*';

const itemFirst = new RegExp(
  `\\b(${itemPattern})\\b(?:\\s+sizes?)?(?:\\s+(?:in|for)\\s+\\w+)?\\s*(?:is|are|measures?|=|:|of|changed to|went (?:up|down) to|to)?\\s*${aside}(?:an?\\s+)?(?:size\\s+)?${value}`,
  'gi',
);
const valueFirst = new RegExp(
  `(\\ban?\\s+)?(?:\\b(${itemPattern})\\s+)?(\\bsize\\s*[:=]?\\s*(?:is\\s+)?${aside}(?:an?\\s+)?)?(?<![\\w$€£.,-])${value}(?:\\s+(?:(in|for)\\s+)?(?:(?:my|the|most|all|men's|women's|mens|womens|running|hiking|dress|winter)\\s+)*(${itemPattern})\\b)?`,
  'gi',
);

const saysIWear = new RegExp(`^(?:i\\s+)?${aside}(?:wear|take)\\b`, 'i');
const saysIAm = new RegExp(`^i\\s+${aside}am\\b(?!\\s+not)`, 'i');
const saysINeed = new RegExp(
  `^(?:i\\s+)?${aside}(?:need|want|use|have|require|fit|buy|am looking for|am after|would (?:need|like)|look(?:ing)? for)\\b`,
  'i',
);
const mySize = new RegExp(`^(?:my|the)\\s+[^$€£]*?\\b(?:sizes?|${itemPattern})\\b`, 'i');
const bare = new RegExp(
  `^(?:an?\\s+)?(?:${unit}\\s+)?(?:(?:men|women)'?s\\s+)?(?:(?:${itemPattern})\\s+)?sizes?\\b|^(?:${itemPattern})\\s*[:=]|^(?:an?\\s+)?${value}\\s+(?:in|for)\\s+(?:${itemPattern})\\b|^(?:${unit})\\s+\\d`,
  'i',
);
const notMine =
  /\b(?:used to|too (?:big|small|large|tight)|years?|old|kids?|minutes?|hours?|days?|times|people)\b/i;

/** Sizes a clause about the speaker states, e.g. "I wear size 9 shoes" or "M in shirts". */
export function sizesIn(clause: string, shoesAreMentioned: boolean): Change[] {
  const text = withDigits(clause);
  if (notMine.test(text)) return [];
  const gone = notAnymore(text);
  if (gone) return gone;

  const wears = saysIWear.test(text);
  const am = saysIAm.test(text);
  const needs = saysINeed.test(text);
  const mine = mySize.test(text);
  if (!wears && !am && !needs && !mine && !bare.test(text)) return [];

  const found: Change[] = [];
  const add = (item: string | undefined, size: string) => {
    const key = keyFor(item, size, shoesAreMentioned);
    if (key && !found.some(change => change.type === 'set' && change.key === key)) {
      found.push({ type: 'set', topic: 'sizes', key, value: size });
    }
  };

  if (!wears && !am && !needs) {
    for (const match of text.matchAll(itemFirst)) {
      const size = sizeFrom(match, 2);
      if (size) add(match[1], size);
    }
    if (found.length > 0) return found;
  }
  for (const match of text.matchAll(valueFirst)) {
    const [whole, article, before, sizeWord, unitBefore, amount, unitAfter] = match;
    const inWord = match[9];
    const item = match[10] ?? before;
    const size = sizeFrom(match, 4);
    if (!size || amount === undefined) continue;
    const explicit = sizeWord !== undefined || unitBefore !== undefined || unitAfter !== undefined;
    const isNumber = /\d/.test(amount) && !/xl/i.test(amount);
    const measured = /^(?:waist|inseam)$/i.test(item ?? '');
    const shoeNumber = sizedItem(item ?? '') === 'shoe' && Number.parseFloat(amount) >= 4;
    const ends =
      /^(?:$|[,.)]|\s+(?:in (?:most|general|everything)|usually|mostly|for everything|now|anymore)\b)/i.test(
        text.slice((match.index ?? 0) + whole.length),
      );
    if (explicit || mine) add(item, size);
    else if (item !== undefined && (inWord !== undefined || before !== undefined)) add(item, size);
    else if (item !== undefined && (wears || am)) {
      if (!isNumber || article !== undefined || measured || (wears && shoeNumber) || /[/x]/.test(amount))
        add(item, size);
    } else if (item === undefined && ends) {
      if (wears && (article !== undefined || !isNumber)) add(undefined, size);
      else if (am && article !== undefined && (!isNumber || shoesAreMentioned)) add(undefined, size);
      else if (found.length === 0 && bare.test(text)) add(undefined, size);
    }
  }
  return found;
}

/** "I don't wear a 9 any more": takes back that size, whatever it was for. */
function notAnymore(text: string): Change[] | null {
  const match = new RegExp(
    `^(?:i\\s+)?(?:don't|no longer|am no longer|am not)\\s+(?:wear|take|an?)?\\s*(?:an?\\s+)?(?:size\\s+)?${value}`,
    'i',
  ).exec(text);
  if (!match) return null;
  const size = sizeFrom(match, 1);
  const item = new RegExp(`\\b(${itemPattern})\\b`, 'i').exec(text)?.[1];
  if (!size) return null;
  const gone = { type: 'unset', topic: 'sizes', value: size } as const;
  if (item === undefined)
    return ['size', 'shoe size', 'clothing size'].map(key => ({ ...gone, key, guessed: true }));
  const key = keyFor(item, size, false);
  return key === null ? [] : [{ ...gone, key }];
}

/** The key a size is filed under, e.g. "shoe size"; null when the size cannot be one for that item. */
function keyFor(item: string | undefined, size: string, shoesAreMentioned: boolean): string | null {
  const isNumber = /\d/.test(size) && !/XL/.test(size);
  if (item === undefined) {
    if (!isNumber) return 'clothing size';
    return shoesAreMentioned ? 'shoe size' : 'size';
  }
  const name = sizedItem(item);
  if (name === null) return null;
  if (!isNumber && ['ring', 'waist', 'inseam', 'collar'].includes(name)) return null;
  return name === 'waist' || name === 'inseam' ? name : `${name} size`;
}

/** Size as it is filed: "EU 42", "9.5", "M", "32/34", "32 inches". Groups start at `at`. */
function sizeFrom(match: RegExpExecArray | RegExpMatchArray, at: number): string | null {
  const [unitBefore, amount, unitAfter, width, measure] = match.slice(at, at + 5);
  if (amount === undefined) return null;
  const numeric = Number.parseFloat(amount.replace(',', '.'));
  const letters = amount.toLowerCase().replace(/[ -]/g, '');
  const core =
    lettered.get(letters) ??
    (/[a-z]{1,4}$/i.test(amount) && !/\dx/i.test(amount) ? amount.toUpperCase() : amount);
  if (/^\d/.test(amount) && !/xl$/i.test(amount) && (numeric > 200 || (numeric === 0 && amount !== '0')))
    return null;
  const tidied = /^\d/.test(core)
    ? core
        .replace(',', '.')
        .replace(/\s?[/x]\s?(?=\d)/, '/')
        .toUpperCase()
    : core;
  const region = regions.get((unitBefore ?? unitAfter ?? '').toLowerCase());
  const inches = measure === '"' ? 'inches' : measure;
  return [region, tidied, width?.trim(), inches].filter(Boolean).join(' ');
}

const lettered = lookup({
  extrasmall: 'XS',
  small: 'S',
  medium: 'M',
  large: 'L',
  extralarge: 'XL',
  xlarge: 'XL',
  xxlarge: 'XXL',
  onesize: 'one size',
});

const regions = lookup({
  us: 'US',
  american: 'US',
  uk: 'UK',
  british: 'UK',
  eu: 'EU',
  eur: 'EU',
  european: 'EU',
  fr: 'FR',
  french: 'FR',
  it: 'IT',
  italian: 'IT',
  jp: 'JP',
  au: 'AU',
});

const words =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen'.split(' ');

/** "size nine and a half" -> "size 9.5". */
function withDigits(text: string): string {
  return text
    .replace(
      new RegExp(`\\b(sizes?|an?|uk|us)\\s+(${words.join('|')})\\b`, 'gi'),
      (_, lead: string, word: string) => {
        return `${lead} ${words.indexOf(word.toLowerCase())}`;
      },
    )
    .replace(/(\d) and a half/g, '$1.5')
    .replace(/\bw(\d\d)[ /x]*l(\d\d)\b(?: (?:jeans|trousers|pants|chinos))?/gi, 'size $1/$2 trousers');
}
