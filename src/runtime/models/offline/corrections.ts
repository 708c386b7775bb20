import type { Change } from './changes.ts';
import { amountsIn, money } from './money.ts';
import { sizesIn } from './sizes.ts';

type Value = Extract<Change, { type: 'set' }>;

const correction =
  /^((?:(?:oh|no|nope|sorry|wait|actually|correction|hmm|oops|well|rather)[,:!. ]+)*)((?:it|that)(?: is|'s)|(?:(?:it|that) )?should be|make (?:it|that)|i meant?(?: to say)?)? ?(?:now |more like )?(?:an? )?(?:size )?([^,?]{1,16}?)(?:,? (?:not|instead of) .{1,16})?$/i;

/**
 * "Actually, 9.5" or "make that $150": a new value for what was last stated, filed under its key. Null when the
 * sentence is no such thing.
 */
export function correctionOf(sentence: string, last: Value | null): Value | null {
  const [, regrets = '', renewed, value] = correction.exec(sentence) ?? [];
  if (
    last === null ||
    value === undefined ||
    (regrets === '' && (renewed === undefined || /^(?:it|that)/i.test(renewed)))
  ) {
    return null;
  }
  const [amount, more] = amountsIn(value);
  const whole =
    amount !== undefined && more === undefined && amount.start === 0 && amount.end === value.length;
  if (last.topic === 'budget' && whole) {
    const currency = amount.currency ?? amountsIn(last.value)[0]?.currency ?? null;
    return { ...last, value: money(amount.value, currency) };
  }
  if (last.topic !== 'sizes' || amount?.currency) return null;
  const [size, other] = sizesIn(`size ${value}`, false);
  return size?.type === 'set' && other === undefined && size.key.endsWith('size')
    ? { ...last, value: size.value }
    : null;
}
