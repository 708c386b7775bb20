import type { Change } from './changes.ts';
import { lookup } from './lookup.ts';
import { type Amount, amountsIn, money } from './money.ts';
import { occasionIn } from './occasions.ts';
import { itemPattern, sizedItem } from './vocabulary.ts';

/*
 * The patterns look at the clause with its amounts replaced by "#" (a currency was named) or "~" (a bare
 * number), so that each says only which words make an amount a limit.
 */

const about =
  '(?:\\s*(?:now|actually|about|around|roughly|approximately|currently|only|still|just|up to|max(?:imum)?|at most|under|below|less than|between|maybe|no more than|not more than|like|something like|set at|set to|a|an|of|the|to)(?![\\w]))*';
const noun =
  '(?:budget|spending limit|price limit|price range|price point|upper limit|price cap|limit|max(?:imum)?(?: price| budget)?)';
const sum = '[#~]';

const limits: RegExp[] = [
  // my budget is #, my shoe budget: #, budget for boots is now #
  new RegExp(
    `^(?:my |the |a )?(?:(?:new|total|current|overall|usual|monthly|weekly|yearly|annual|${itemPattern}) )*${noun}(?: (?:for|on) [\\w' ]{1,30}?)?\\s*(?:is|are|of|:|=|-|would be|has (?:changed|gone up|gone down) to|(?:changed|went up|went down|increased|dropped) to|to)?${about}\\s*${sum}`,
    'i',
  ),
  // I can spend up to #, I am willing to pay #
  new RegExp(
    `^i (?:(?:can|could|will|would|only|really|also|probably) )*(?:(?:want|would like|am willing|plan|am planning|am looking|am able|am prepared|am happy|am ready) to )?(?:spend|pay|afford|go up to|go as high as)${about}\\s*${sum}`,
    'i',
  ),
  // I have # to spend, I have a budget of #, I have a # budget
  new RegExp(`^i (?:only )?(?:have|got)${about}\\s*(?:budget|limit)${about}\\s*${sum}`, 'i'),
  new RegExp(
    `^i (?:only )?(?:have|got)${about}\\s*${sum}(?=(?:\\s?(?:-|–|to)\\s?[#~])?\\s*(?:budget|to (?:spend|play with|work with)|as (?:a|my) budget|for (?:a|an|some|new) ))`,
    'i',
  ),
  new RegExp(
    `^i (?:am )?(?:on|have) (?:an? |my )?(?:tight |strict |small )?budget of${about}\\s*${sum}`,
    'i',
  ),
  // I don't want to spend more than #
  new RegExp(
    `^(?:i )?(?:don't|can't|won't|wouldn't|would never|would rather not|never|am not)(?: want to| like to| wish to| plan to)? (?:spend(?:ing)?|pay(?:ing)?|go(?:ing)?|afford)(?: anything)? (?:more than|over|above|beyond|higher than)${about}\\s*${sum}`,
    'i',
  ),
  // max 100, up to 80 euros
  new RegExp(
    `^(?:(?:i (?:need|want|would like)|something|anything|stuff|things|ideally|preferably|for|price|prices|it should be|should be|keep it|keep things|has to be|must be|let's say) )*(?:max(?:imum)?:?|up to|at most|no more than|not more than|nothing (?:over|above|more than)|not (?:over|above))${about}\\s*${sum}`,
    'i',
  ),
  // under $120: only with a currency, since "under 18" is no price
  new RegExp(
    `^(?:(?:i (?:need|want|would like)|something|anything|stuff|things|ideally|preferably|for|price|prices|it should be|should be|keep it|keep things|stay|has to be|must be) )*(?:under|below|less than|within|cheaper than|around|about|between)${about}\\s*(?:#|~(?=\\s*(?:-|–|and|to)\\s*#))`,
    'i',
  ),
  // $120 max, 100 euros is my limit
  /^(?:a )?#\s*(?:,\s*)?(?:max(?:imum)?|at most|tops|budget|limit|or less|or under|or below)/i,
  new RegExp(`^${sum}\\s*(?:is|would be) (?:my|the) (?:\\w+ )?${noun}`, 'i'),
  // set my budget to #, make it $150
  new RegExp(
    `^(?:set|change|update|raise|increase|lower|reduce|bump|make|put|adjust|drop|move) (?:my|the) (?:(?:${itemPattern}) )?${noun}(?: for [\\w' ]{1,30}?)?(?: to| at| up to| down to| from ${sum} to|:)?${about}\\s*${sum}`,
    'i',
  ),
  /^(?:make (?:it|that)|i mean|rather|let's make it)\s*#/i,
];

const noLimit =
  /^(?:i )?(?:don't (?:really )?have|have|there is)?\s*(?:no|an?|any|without an?)? ?(?:real |fixed |set |specific |particular |strict )*(?:budget|price limit|spending limit|budget limit)(?: limit| anymore| at all| either)*$/i;
const noMatter =
  /^(?:money is no object|(?:the |my )?(?:budget|price|money) (?:doesn't|isn't|is not|does not) (?:matter|important|an issue|a problem|an object))/i;
const noPrice =
  /\b(?:costs?|paid|earn|salary|sold|was|were|spent|refund|saved|discount|used to|cheaper by|off)\b/i;
const isLimit = /\b(?:no|don't|without)\b/i;

/** The budget a clause about the speaker states, e.g. "my budget for boots is $120" or "up to 80 euros". */
export function budgetIn(clause: string): Change[] {
  if (noMatter.test(clause) || (noLimit.test(clause) && isLimit.test(clause))) {
    return [{ type: 'unset', topic: 'budget', key: 'budget' }];
  }
  if (noPrice.test(clause)) return [];
  const amounts = amountsIn(clause);
  const masked = mask(clause, amounts);
  const match = limits.map(limit => limit.exec(masked)).find(found => found !== null);
  if (!match) return [];
  const at = [...match[0]].filter(char => char === '#' || char === '~').length - 1;
  const stated = amounts[at];
  if (!stated || stated.value <= 0) return [];

  const rest = masked.slice(match[0].length);
  const upTo = /^\s*(?:-|–|to|and)\s*[#~]/.test(rest) ? amounts[at + 1] : undefined;
  const last = upTo ?? stated;
  const currency = last.currency ?? stated.currency;
  // A bare number followed by a noun counts something else: "max 3 items", "up to 5 days".
  const tail = clause.slice(last.end);
  if (
    currency === null &&
    !/^\s*(?:$|[,.!)]|for\b|on\b|per\b|max|is\b|would\b|in total|total|or\b|a (?:month|pair|piece)|to spend|each\b|tops|at most|budget)/i.test(
      tail,
    )
  ) {
    return [];
  }
  const often = /\b(month|week|year|annual)(?:ly)? (?:budget|limit)/i
    .exec(clause)?.[1]
    ?.replace(/annual/i, 'year');
  const every =
    often ?? /^\s*(?:per|a|an|each|every|\/)\s?(month|week|year|item|pair|piece)\b/i.exec(tail)?.[1];
  const range = upTo
    ? `${money(stated.value, currency)}-${money(upTo.value, currency)}`
    : money(stated.value, currency);
  return [
    {
      type: 'set',
      topic: 'budget',
      key: budgetKey(clause),
      value: every ? `${range} per ${every.toLowerCase()}` : range,
    },
  ];
}

/** "budget", or "budget for shoes" when the clause limits itself to one kind of thing, or to something else. */
export function budgetKey(clause: string): string {
  const scoped =
    new RegExp(`\\b(${itemPattern}) ${noun}`, 'i').exec(clause)?.[1] ??
    new RegExp(
      `\\b(?:for|on) (?:(?:a|an|my|the|new|some|any|pair|of|winter|summer|running|hiking) )*(${itemPattern})\\b`,
      'i',
    ).exec(clause)?.[1];
  const item = scoped === undefined ? null : sizedItem(scoped);
  if (item !== null && item !== 'clothing') return `budget for ${plurals.get(item) ?? `${item}s`}`;
  const occasion = occasionIn(clause) ?? ofItsOwn.exec(clause)?.[1]?.toLowerCase();
  return occasion === undefined ? 'budget' : `budget for ${occasion}`;
}

/** What the vocabulary does not know is no less a limit: "my budget for books is $50" is not one for everything. */
const ofItsOwn = new RegExp(
  `\\b${noun} (?:for|on) (?:(?:a|an|my|the|new|some) )*(?!(?:now|this|that|it|all|everything|clothes|clothing|shopping|each|every|one|me|today|outfits?)\\b)(\\p{L}+(?: \\p{L}+)?)(?= (?:is|of|would)\\b|:|$)`,
  'iu',
);

const plurals = lookup({
  trouser: 'trousers',
  dress: 'dresses',
  shorts: 'shorts',
  underwear: 'underwear',
});

function mask(clause: string, amounts: readonly Amount[]): string {
  let masked = '';
  let from = 0;
  for (const amount of amounts) {
    masked += clause.slice(from, amount.start) + (amount.currency === null ? '~' : '#');
    from = amount.end;
  }
  return masked + clause.slice(from);
}
