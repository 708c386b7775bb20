import { bodyIn } from './body.ts';
import type { Value } from './changes.ts';
import { amountsIn, currencyNamed, money } from './money.ts';
import { withDigits } from './numbers.ts';
import { regionOf, sizesIn } from './sizes.ts';
import { itemPattern, measures, sizedItem } from './vocabulary.ts';

const regret =
  "(?:oh|no|nope|sorry|wait|actually|correction|typo|(?:scratch|strike) that|hmm|oops|well|rather|(?:that|this|it)(?:'s| is| was) (?:wrong|not right|not true|incorrect|a typo))";
const correction = new RegExp(
  `^(?<regrets>(?:${regret}[,:!. ]+)*)(?<renewed>(?:it|that)(?: is|'s)|(?:(?:it|that) )?should be|make (?:it|that)|i meant?(?: to say)?|i (?:wear|take|am)|i'm)? ?(?:now |more like )?(?:an? )?(?:size )?(?<value>[^,?]{1,16}?)(?<after>,? (?:actually|sorry|instead|rather))?(?<not>,? (?:not|instead of) (?<old>.{1,16}))?$`,
  'i',
);
const currency = new RegExp(
  `^(?:${regret}[,:!. ]+)*(?:(?:i meant?|(?:it|that)(?:'s| is)|make (?:it|that))(?: in)?|in) (?<word>\\S+)$`,
  'i',
);
const whatFor = new RegExp(
  `^(?:(?:it|that)(?: is|'s|s)? )?(?:(?:for|in) )?(?:(?:the|my) )?(?<item>${itemPattern})(?: sizes?)?$`,
  'i',
);

/** True for a size that is for nothing yet, of one brand or any. */
export function isVague(key: string): boolean {
  return key === 'size' || key.startsWith('size in ');
}

/**
 * "Actually, 9.5", "make that $150", "I meant euros" or, of sizes that are for nothing yet, "shoes": new values for what
 * was stated last. Null when the sentence is no such thing.
 */
export function correctionOf(sentence: string, stated: readonly Value[]): Value[] | null {
  const last = stated.at(-1);
  if (last === undefined) return null;
  const said = withDigits(sentence)
    .replace(/^(?:it|that)(?:'s| is) not \S+?,? (?:but|it's|it is) /i, 'no, ')
    .replace(/[, ]+(?:please|pls|thanks)$/i, '');
  const corrected = named(said, stated) ?? converted(said, last) ?? replaced(said, last, stated);
  return corrected === null ? null : [corrected].flat();
}

function named(said: string, stated: readonly Value[]): Value[] | null {
  const item = sizedItem(whatFor.exec(said)?.groups?.item ?? '');
  const vague = stated.slice(stated.findLastIndex(({ key }) => !isVague(key)) + 1);
  if (item === null || measures.includes(item) || vague.length === 0) return null;
  return vague.map(size => ({ ...size, key: `${item} ${size.key}` }));
}

function converted(said: string, last: Value): Value | null {
  const to = last.topic === 'budget' ? currencyNamed(currency.exec(said)?.groups?.word ?? '') : null;
  const [amount, more] = amountsIn(last.value);
  if (to === null || amount === undefined || more !== undefined) return null;
  return { ...last, value: money(amount.value, to) + last.value.slice(amount.end) };
}

function replaced(said: string, last: Value, stated: readonly Value[]): Value | null {
  const { regrets = '', renewed, value, after, old } = correction.exec(said)?.groups ?? {};
  if (value === undefined) return null;
  const isRegretted =
    regrets !== '' || after !== undefined || (old !== undefined && last.value.includes(old.trim()));
  if (!isRegretted && (renewed === undefined || /^(?:(?:it|that)(?: is|'s)|i\b(?! mean))/i.test(renewed)))
    return null;

  const [body, ...others] = bodyIn(`height ${value}`);
  if (body?.type === 'set' && others.length === 0 && stated.some(({ key }) => key === body.key)) return body;
  const [amount, more] = amountsIn(value);
  const whole =
    amount !== undefined && more === undefined && amount.start === 0 && amount.end === value.length;
  if (last.topic === 'budget' && whole) {
    const currency = amount.currency ?? amountsIn(last.value)[0]?.currency ?? null;
    return { ...last, value: money(amount.value, currency) };
  }
  if (last.topic !== 'sizes' || amount?.currency) return null;
  const [size, other] = sizesIn(`size ${value}`, false);
  if (size?.type !== 'set' || other !== undefined || !size.key.endsWith('size')) return null;
  // "EU 42. No, I meant 43": in the same country, as an amount is in the same currency.
  const region = /^\d/.test(size.value) && !last.value.includes('/') ? (regionOf(last.value) ?? '') : '';
  return { ...last, value: region + size.value };
}
