import type { Change } from './changes.ts';
import { lookup } from './lookup.ts';
import { brandPattern, itemPattern, measures, sizedItem, thingNamed } from './vocabulary.ts';

/** Countries that number sizes in their own way, by every name they go by. */
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
const lettered = lookup({
  'extra small': 'XS',
  small: 'S',
  medium: 'M',
  large: 'L',
  'extra large': 'XL',
  'x large': 'XL',
  'xx large': 'XXL',
  'one size': 'one size',
});

const unit = `(?:${[...regions.keys()].join('|')})`;
const letter = `(?:xxs|xs|s|m|l|xl|xxl|xxxl|[2-5]xl|${[...lettered.keys()].join('|').replaceAll(' ', '[ -]')})`;
const number =
  '(?:\\d{2}[a-h]{1,2}(?![a-z])|\\d{1,3}(?:[.,]\\d|\\s[12]/3)?(?:\\s?[/x]\\s?\\d{2,3})?(?:-\\d{1,3}(?:\\.\\d)?)?)';
const value = `(?:(?<unitBefore>${unit})\\s+(?:size\\s+)?)?(?<whose>(?:wo)?men'?s\\s+(?:size\\s+)?)?(?<amount>${number}|${letter}(?:-${letter})?)(?:\\s?(?<unitAfter>${unit})(?![\\w])(?!\\s?\\d))?(?<width>\\s(?:wide|narrow))?(?:\\s?(?<measure>cm|inch(?:es)?|mm|"))?(?![\\w$€£%])(?!\\.\\d)`;
const aside =
  '(?:(?:now|actually|about|around|usually|probably|normally|typically|always|currently|still|really|only|mostly|generally|often|either)\\s+)*';

const itemFirst = new RegExp(
  `\\b(?<item>${itemPattern})\\b(?:\\s+sizes?)?(?:\\s+(?:in|for)\\s+\\w+)?\\s*(?:is|are|measures?|=|:|of|changed to|went (?:up|down) to|to)?\\s*${aside}(?:an?\\s+)?(?:size\\s+)?${value}`,
  'gi',
);
const valueFirst = new RegExp(
  `(?<article>\\ban?\\s+)?(?:\\b(?<before>${itemPattern})\\s+)?(?<sizeWord>\\bsize\\s*[:=]?\\s*(?:is\\s+)?${aside}(?:an?\\s+)?)?(?<![\\w$€£.,'-])${value}(?:\\s+(?:(?<inWord>in|for)\\s+)?(?:(?<unitIn>${unit})\\s+)?(?:(?:my|the|most|all|men's|women's|mens|womens|running|hiking|dress|winter)\\s+)*(?<after>${itemPattern})\\b)?`,
  'gi',
);

/** The same size in another country: "EU 42 / UK 8". */
const also = new RegExp(
  `(?:\\s*[,/(=]|\\s+(?:and|or)\\b)+\\s*(?=${unit}\\b|\\d[\\d.]*\\s?${unit}\\b)${value}`,
  'iy',
);
const sizedThing = new RegExp(`^(?:${letter}|\\d{2}[x/]\\d{2})\\s+(?:${itemPattern})\\b`, 'i');

const saysIWear = new RegExp(`^(?:i\\s+)?${aside}(?:wear|take)\\b`, 'i');
const saysIAm = new RegExp(`^i\\s+${aside}am\\b(?!\\s+not)`, 'i');
const saysINeed = new RegExp(
  `^(?:i\\s+)?(?:will\\s+)?${aside}(?:need|want|use|have|require|fit|buy|am looking for|am after|would (?:need|like)|look(?:ing)? for)\\b`,
  'i',
);
const mySize = new RegExp(`^(?:my|the)\\s+[^$€£]*?\\b(?:sizes?|${itemPattern})\\b`, 'i');
const bare = new RegExp(
  `^(?:an?\\s+)?(?:${unit}\\s+)?(?:(?:men|women)'?s\\s+)?(?:(?:${itemPattern})\\s+)?sizes?\\b|^(?:wo)?men'?s\\s+\\d|^(?:${itemPattern})\\s*[:=]|^(?:${measures.join('|')}|bust|inside leg)\\s+\\d|^(?:${itemPattern})\\s+(?:${number}|${letter})\\s*(?:$|,|cm)|^(?:an?\\s+)?${value}\\s+(?:in|for)\\s+(?:${itemPattern})\\b|^(?:${unit})\\s+\\d|^(?:an?\\s+)?(?:size\\s+)?(?:${number}|${letter})\\s+in\\s+(?:most|everything|all|any|other)\\b`,
  'i',
);
const notMine =
  /\b(?:used to|want to be|would like to be|hope|hoping|wish|trying to|too (?:big|small|large|tight)|years?|old|kids?|minutes?|hours?|days?|times|people)\b/i;

const brandName = `(?<![\\w&'-])(?:${brandPattern})(?![\\w&'-])`;
const ofBrand = new RegExp(
  `(?:(?:^|\\s+)(?:in|at)|(?<=\\b(?:${itemPattern}))\\s+(?:from|by))\\s+(?<brands>${brandName}(?:(?:\\s*,\\s*|\\s+)(?:(?:and|or|&)\\s+)?${brandName})*)(?:\\s+(?<item>${itemPattern})\\b)?|(?<=^(?:my|the)\\s+)(?<whose>${brandName})(?=\\s+(?:\\w+\\s+)?sizes?\\b)`,
  'i',
);
const onlyASize = new RegExp(
  `^(?:i\\s+${aside}(?:am|take|wear)\\s+)?(?:an?\\s+)?(?:size\\s+)?(?=${value}$)`,
  'i',
);

const goesOnWithSize = new RegExp(`^${aside}(?:an?\\s+)?(?:size\\s+)?${value}\\b`, 'i');

/** Sizes a clause about the speaker states, e.g. "I wear size 9 shoes", "M in shirts" or "9 in Nike". */
export function sizesIn(clause: string, shoesAreMentioned: boolean): Change[] {
  const match = ofBrand.exec(clause);
  const { brands = '', whose = '', item } = match?.groups ?? {};
  const names = [...(brands || whose).matchAll(new RegExp(brandName, 'gi'))].flatMap(([name]) => {
    const thing = thingNamed(name);
    return thing?.topic === 'brands' ? [thing.name] : [];
  });
  if (match === null || names.length === 0) return sizesAnywhere(clause, shoesAreMentioned);
  const behind = clause.slice(match.index + match[0].length);
  const before = clause.slice(0, match.index);
  // "9 in Nike and 8.5 in Adidas"; of "my Nike size" the size is yet to come.
  const goesOn = brands !== '' && before !== '';
  const here = `${before}${item === undefined ? '' : ` in ${item}`}${goesOn ? '' : behind}`.trim();
  const found = sizesAnywhere(here.replace(onlyASize, 'I take a '), shoesAreMentioned).flatMap(change =>
    change.type === 'set' ? names.map(name => ({ ...change, key: `${change.key} in ${name}` })) : [],
  );
  const more = goesOn ? behind.replace(/^(?:[\s,]|\b(?:and|or)\b)+/i, '') : '';
  if (more === '') return found;
  // "..., usually a medium elsewhere" goes on with what they wear.
  return [...found, ...sizesIn(more.replace(goesOnWithSize, 'I take $&'), shoesAreMentioned)];
}

function sizesAnywhere(clause: string, shoesAreMentioned: boolean): Change[] {
  const text = plainer(clause).replace(/^(?:change|set|update|correct) (?=my\b)/i, '');
  if (notMine.test(text)) return [];
  const gone = notAnymore(text);
  if (gone) return gone;

  const wears = saysIWear.test(text) || sizedThing.test(text);
  const am = saysIAm.test(text);
  const needs = saysINeed.test(text);
  const mine = mySize.test(text);
  if (!wears && !am && !needs && !mine && !bare.test(text)) return [];

  const found: Extract<Change, { type: 'set' }>[] = [];
  const add = (item: string | undefined, size: string) => {
    const key = keyFor(item, size, shoesAreMentioned);
    if (key === null) return;
    const same = found.find(change => change.key === key);
    if (same === undefined) found.push({ type: 'set', topic: 'sizes', key, value: size });
    // One size in several countries: "EU 42, UK 8".
    else if (
      regionOf(size) !== null &&
      regionOf(same.value) !== null &&
      regionOf(size) !== regionOf(same.value)
    )
      same.value += ` / ${size}`;
  };

  if (!wears && !am && !needs) {
    for (const match of text.matchAll(itemFirst)) {
      const item = match.groups?.item;
      const size = sizeFrom(match);
      if (size) add(item, size);
      also.lastIndex = match.index + match[0].length;
      for (let more = also.exec(text); more !== null; more = also.exec(text)) {
        const other = sizeFrom(more);
        if (other) add(item, other);
      }
    }
    if (found.length > 0) return found;
  }
  for (const match of text.matchAll(valueFirst)) {
    const {
      article,
      before,
      sizeWord,
      unitBefore,
      whose,
      amount,
      unitAfter,
      inWord,
      unitIn,
      after,
      measure,
    } = match.groups ?? {};
    const item = after ?? before;
    const size = sizeFrom(match);
    if (!size || amount === undefined) continue;
    const explicit = [sizeWord, unitBefore, unitAfter, whose, unitIn].some(said => said !== undefined);
    const isNumber = !isLettered(amount);
    if (sizedItem(item ?? '') === 'shoe' && /^(?:inch|mm|")/.test(measure ?? '')) continue;
    const measured = /^(?:waist|inseam)$/i.test(item ?? '');
    const shoeNumber = sizedItem(item ?? '') === 'shoe' && Number.parseFloat(amount) >= 4;
    const ends =
      /^(?:$|[,.)]|\s+(?:in (?:most|general|everything|all|any|other)\b|elsewhere|otherwise|usually|mostly|for everything|now|anymore)\b)/i.test(
        text.slice(match.index + match[0].length),
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
  // "EU 42 and UK 8 in shoes": what it is for was said of the last alone.
  const [vague, exact, third] = found;
  if (vague?.key === 'size' && exact !== undefined && third === undefined && regionOf(exact.value) !== null)
    return [{ ...exact, value: `${vague.value} / ${exact.value}` }];
  return found;
}

/** "I don't wear a 9 any more": takes back that size, whatever it was for. */
function notAnymore(text: string): Change[] | null {
  const match = new RegExp(
    `^(?:i\\s+)?(?:(?:don't|no longer|am no longer|am not)\\s+(?:wear|take|an?)?|my\\s+(?:(?:${itemPattern})\\s+)?sizes?\\s+(?:isn't|is\\s+not|is\\s+no\\s+longer))\\s*(?:an?\\s+)?(?:size\\s+)?${value}`,
    'i',
  ).exec(text);
  if (!match) return null;
  const size = sizeFrom(match);
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
  const isNumber = !isLettered(size);
  if (item === undefined) {
    if (cup.test(size)) return 'bra size';
    if (!isNumber) return 'clothing size';
    return shoesAreMentioned ? 'shoe size' : 'size';
  }
  const name = sizedItem(item);
  if (name === null) return null;
  // "Boots 100" is no size.
  if (name === 'shoe' && Number.parseFloat(size) > 60) return null;
  if (!isNumber && ['ring', 'collar', ...measures].includes(name)) return null;
  return measures.includes(name) ? name : `${name} size`;
}

const cup = /^\d{2}[a-h]{1,2}$/i;

/** True for "M" and "2XL", and for "32C": no number could be one of them. */
function isLettered(amount: string): boolean {
  return !/\d/.test(amount) || /xl/i.test(amount) || cup.test(amount);
}

/** "EU " of "EU 42"; null where no country is named. */
export function regionOf(size: string): string | null {
  return /^[A-Z]{2} (?=\d)/.exec(size)?.[0] ?? null;
}

/** Size as it is filed: "EU 42", "9.5", "M", "32/34", "32 inches". */
function sizeFrom({ groups = {} }: RegExpExecArray | RegExpMatchArray): string | null {
  const { unitBefore, amount, unitAfter, unitIn, width, measure } = groups;
  if (amount === undefined) return null;
  const numeric = Number.parseFloat(amount.replace(',', '.'));
  const core = /^\d/.test(amount) ? amount : letters(amount);
  if (/^\d/.test(amount) && !/xl$/i.test(amount) && (numeric > 200 || (numeric === 0 && amount !== '0')))
    return null;
  const tidied = /^\d/.test(core)
    ? core
        .replace(',', '.')
        .replace(/(?<=\d\d)\s?[/x]\s?(?=\d)/, '/')
        .toUpperCase()
    : core;
  const region = regions.get((unitBefore ?? unitAfter ?? unitIn ?? '').toLowerCase());
  const inches = measure === '"' ? 'inches' : measure;
  return [region, tidied, width?.trim(), inches].filter(Boolean).join(' ');
}

/** "medium" -> "M", "medium-large" -> "M-L" */
function letters(amount: string): string {
  const plain = (text: string) => lettered.get(text.toLowerCase().replaceAll('-', ' ')) ?? text.toUpperCase();
  const [, from, to] = new RegExp(`^(${letter})-(${letter})$`, 'i').exec(amount) ?? [];
  return from === undefined || to === undefined ? plain(amount) : `${plain(from)}-${plain(to)}`;
}

const either = new RegExp(
  `(?:between )?(?<article>\\ban? )?\\b(?<from>${letter}) (?:or|to|and(?! (?:an? )?${letter} (?:in|for)\\b)) (?:an? )?(?<to>${letter})\\b`,
  'gi',
);

/** Two neighbouring sizes: "44 or 45", "between a 9 and a 9.5". */
const eitherNumber =
  /\b(\d{1,2}(?:\.\d)?)(?: or |(?<=\bbetween (?:an? )?\S+) and )(?:an? )?(\d{1,2}(?:\.\d)?)(?![\w./])/gi;

/** "w32 l34" -> "size 32/34 trousers", "an M or an L" -> "an M-L", "44 or 45" -> "44-45" */
function plainer(text: string): string {
  return text
    .replace(/\bw(\d\d)[ /x]*l(\d\d)\b(?: (?:jeans|trousers|pants|chinos))?/gi, 'size $1/$2 trousers')
    .replace(eitherNumber, (said, from: string, to: string) =>
      Math.abs(Number(to) - Number(from)) <= 2 ? `${from}-${to}` : said,
    )
    .replace(either, '$<article>$<from>-$<to>');
}
