/** What the verb of a clause says about the person's taste: each verb once, and what denying it makes of it. */

import type { Attitude } from './changes.ts';
import { lookup } from './lookup.ts';

/** "gone" takes back a liking, "never mind" a dislike, "cured" an allergy as well. */
export type Predicate = Attitude | 'gone' | 'never mind' | 'cured';

/** Words around a verb that do not change what it says. */
export const adverbs =
  '(?:(?:really|absolutely|mostly|usually|generally|always|also|still|just|only|quite|so|now|totally|definitely|truly|' +
  'kind of|sort of|particularly|especially|very much|much|tend to|mainly|often|actually|honestly|personally|would|simply|' +
  'strongly|deeply|rather|both|ever|even) )*';

const lead = new RegExp(
  `^(?:(?<i>i) |my skin )?(?:do )?${adverbs}(?:am )?${adverbs}(?:(?<no>(?:don't|doesn't|can't|won't|wouldn't|never|not|refuse to)\\b)|` +
    `(?<noMore>no longer|(?:have )?stopped|over|done with|tired of|stop)\\b)? ?${adverbs}`,
  'i',
);

const words = {
  like:
    'like|love|adore|prefer|enjoy|favou?r|fancy|go for|wear|dress in|stick to|swear by|live in|(?:look|feel) good in|' +
    'have a thing for|(?:an? )?(?:\\w+ )?(?:fan|lover) of|(?:\\w+ )?(?:into|fond of|keen on|mad about|crazy about)|' +
    'obsessed with|loyal to',
  dislike:
    'hates?|dislike|detest|loathe|despise|avoid|boycott|get (?:itchy|a rash|hives) from|break out in hives from|' +
    'look (?:terrible|awful|bad|horrible|washed out) in|steer clear of|(?:stay|keep) away from|against|anti|' +
    'have (?:anything against|(?:an? |any )?(?:problem|issue)s? with)',
  react: 'reacts?(?: badly)? to',
  neutral:
    'have (?:nothing against|no (?:problem|issue)s? with)|(?:fine|ok|okay|happy|cool) with|(?:have )?changed my mind (?:about|on)',
  /** Without a word that denies them these say nothing of taste. */
  stand:
    'stand|bear|tolerate|handle|care for|comfortable in|want|do|touch|be caught dead in|' +
    '(?:show|recommend|suggest|offer)(?:ing)?(?: me)?(?: anything)?',
  mind: 'mind',
  buy: 'buy|choose',
  liking: '(?:lik|lov|wear|buy)ing',
  hating: '(?:hat|dislik|avoid)ing',
};

const verb = new RegExp(
  `^(?:${Object.entries(words)
    .map(([name, all]) => `(?<${name}>${all})`)
    .join('|')})(?!\\w)`,
  'i',
);

const said = lookup<Predicate>({
  like: 'likes',
  buy: 'likes',
  dislike: 'avoids',
  react: 'avoids',
  neutral: 'never mind',
});
const denied = lookup<Predicate>({
  like: 'avoids',
  buy: 'avoids',
  stand: 'avoids',
  dislike: 'never mind',
  mind: 'never mind',
  react: 'cured',
});
const noMore = lookup<Predicate>({
  like: 'gone',
  buy: 'gone',
  liking: 'gone',
  dislike: 'never mind',
  hating: 'never mind',
  stand: 'avoids',
  react: 'cured',
});

/** The predicate of a clause about the speaker, as written and as meant, and what follows it; null where it has none of these. */
export function predicateOf(clause: string): { predicate: Predicate; verb: string; rest: string } | null {
  const start = lead.exec(clause);
  if (start === null) return null;
  const { i, no, noMore: over } = start.groups ?? {};
  const behind = clause.slice(start[0].length);
  const match = verb.exec(behind);
  // "I am over wool"
  if (match === null)
    return over !== undefined && /^(?:over|done|tired)/i.test(over)
      ? { predicate: 'gone', verb: over, rest: behind }
      : null;
  const [kind = ''] = Object.entries(match.groups ?? {}).find(([, words]) => words !== undefined) ?? [];
  const predicate = (no !== undefined ? denied : over !== undefined ? noMore : said).get(kind);
  // "Buy red socks" is an order.
  if (predicate === undefined || (kind === 'buy' && i === undefined && no === undefined)) return null;
  return {
    predicate,
    verb: clause.slice(0, start[0].length) + match[0],
    rest: behind.slice(match[0].length),
  };
}
