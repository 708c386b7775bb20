import type { Change } from './changes.ts';

const number = '\\d{1,3}(?:[.,]\\d{1,2})?';
/** Also "5'11", whose last mark a sentence loses at its end. */
const lengths = [
  `(?<feet>[3-7])\\s?(?:'|ft\\b\\.?|feet\\b|foot\\b)(?:\\s?(?<inches>\\d{1,2}(?:\\.5)?)\\s?(?:"|''|in(?:ch(?:es)?)?\\b)?)?`,
  '(?<metres>[12])(?:[.,](?<part>\\d{1,2})\\s?m(?:et(?:er|re)s?)?\\b|\\s?m\\s?(?<rest>\\d{2})\\b)',
  '(?<cm>\\d{2,3})\\s?(?:cms?|centimet(?:er|re)s?)\\b',
];
const weights = [
  '(?<stone>\\d{1,2})\\s?(?:st|stones?)\\b(?:\\s?(?<over>\\d{1,2})\\s?(?:lbs?|pounds)?)?',
  `(?<amount>${number})\\s?(?:(?<kg>kgs?|kilos?|kilograms?)|(?<lb>lbs?|pounds))\\b`,
];
const measure = new RegExp([...lengths, ...weights].join('|'), 'giu');

const lead =
  /^i am \p{L}+, |^(?:(?:i|and) )*(?:(?:am|measure|stand|weigh|now|only|just|about|around|roughly|exactly|currently|almost|nearly) )+|^(?:my )?(?:height|weight)(?: and weight)?(?: is| are)?[:=]? /iu;
const between =
  /\b(?:tall|in height|in weight|heavy|barefoot|and|or|i|weigh|am|about|around|roughly|my|(?:height|weight)(?: is)?)\b|[\s,/:="()|]/gi;

/**
 * Height and weight, where a clause about the speaker says nothing else: "I am 5'11" / 180 cm tall and weigh 75 kg". In "I am
 * 6 feet away" what is left over shows that it is about neither.
 */
export function bodyIn(clause: string): Change[] {
  const text = clause.replace(/^(my )?(height)(?: is|[:=])* (1\d\d|2[0-3]\d)$/i, 'height $3 cm');
  const found = [...text.matchAll(measure)].map(({ groups = {} }) => groups);
  const isSaid = lead.test(text) || (/\btall\b/i.test(text) && /^\d/.test(text));
  if (
    found.length === 0 ||
    !isSaid ||
    text.replace(lead, '').replace(measure, '').replace(between, '') !== ''
  )
    return [];
  const heights = found.map(heightFrom).filter(height => height !== null);
  const weighed = found.map(weightFrom).filter(weight => weight !== null);
  // A number no person has is a slip, and there is no telling which.
  if (heights.length + weighed.length < found.length) return [];
  const set = (key: string, values: string[]): Change[] =>
    values.length === 0 ? [] : [{ type: 'set', topic: 'sizes', key, value: values.join(' / ') }];
  return [...set('height', heights), ...set('weight', weighed)];
}

type Groups = Record<string, string | undefined>;

function heightFrom({ feet, inches, metres, part, rest, cm }: Groups): string | null {
  if (feet !== undefined) {
    if (Number(inches ?? 0) >= 12) return null;
    return inches === undefined ? `${feet}'0"` : `${feet}'${inches}"`;
  }
  const whole =
    metres === undefined ? Number(cm) : Number(metres) * 100 + Number((part ?? rest ?? '').padEnd(2, '0'));
  return whole >= 90 && whole <= 240 ? `${whole} cm` : null;
}

function weightFrom({ stone, over, amount, kg }: Groups): string | null {
  if (stone !== undefined) return over === undefined ? `${stone} st` : `${stone} st ${over} lb`;
  const value = Number(amount?.replace(',', '.'));
  const isPossible = kg === undefined ? value >= 60 && value <= 700 : value >= 25 && value <= 320;
  return isPossible ? `${value} ${kg === undefined ? 'lb' : 'kg'}` : null;
}
