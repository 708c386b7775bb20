/** What one clause states about the speaker, and what of it no rule made anything of. */

import { adviceFor } from './advice.ts';
import { bodyIn } from './body.ts';
import { budgetIn } from './budget.ts';
import type { Attitude, Change, Value } from './changes.ts';
import { eventIn, withoutOccasion } from './occasions.ts';
import { isRequest } from './questions.ts';
import { type Clause, namesOther } from './sentences.ts';
import { sizesIn } from './sizes.ts';
import { tastesIn } from './tastes.ts';
import { lastThingIn } from './thing-lists.ts';
import { itemPattern, type Thing } from './vocabulary.ts';

/** The sizes and budgets stated, which a correction without a subject is about. */
export function valuesOf(changes: readonly Change[]): Value[] {
  return changes.filter(change => change.type === 'set').filter(change => change.topic !== 'notes');
}

/** What the clauses before one leave open: "it", and what "nickel too" or "50 for shirts" goes on with. */
export interface SoFar {
  it: Thing | null;
  attitude: Attitude | null;
  budget: boolean;
}

export const atFirst: SoFar = { it: null, attitude: null, budget: false };

export function after({ it, attitude }: SoFar, clause: Clause, changes: readonly Change[]): SoFar {
  const taste = changes.findLast(change => change.type === 'taste');
  return {
    it: lastThingIn(clause.text) ?? it,
    attitude: taste?.attitude ?? attitude,
    budget: valuesOf(changes).at(-1)?.topic === 'budget',
  };
}

interface Stated {
  changes: Change[];
  /** Words of which nothing is kept, and the person is to know. */
  unread: string[];
}

export function statedIn(clause: Clause, shoes: boolean, so: SoFar): Stated {
  if (clause.about !== 'me') return { changes: [], unread: [] };
  const name = nameIn(clause.text);
  if (name !== null)
    return { changes: [{ type: 'set', topic: 'notes', key: 'name', value: name }], unread: [] };
  const goesOn = so.budget && /^[$€£]?\d[\d.,]*(?: \w+)? (?:for|on) /i.test(clause.text);
  const budget = budgetIn(goesOn ? `my budget is ${clause.text}` : clause.text);
  if (budget.length > 0) return { changes: budget, unread: [] };
  const body = bodyIn(clause.text);
  if (body.length > 0) return { changes: body, unread: [] };
  const { text, occasion } = withoutOccasion(clause.text);
  const sizes = sizesIn(text, shoes);
  const isSizeAlone = sizes.length > 0 && !/\b(?:hate|like|love|avoid|prefer)\b/i.test(text);
  const tastes = isSizeAlone ? { changes: [], unread: [] } : tastesIn(text, so);
  const event = eventIn(clause.text);
  const changes = [
    ...sizes,
    ...(occasion === null ? tastes.changes : tastes.changes.flatMap(change => limited(change, occasion))),
    ...(event === null ? [] : [{ type: 'note', text: event } as const]),
  ];
  if (changes.length > 0) return { changes, unread: [...sizesLeft(clause.text, sizes), ...tastes.unread] };
  return { changes, unread: saysSomething(clause.text) ? [clause.text] : [] };
}

/** An allergy holds wherever one is, and is not gone where it is said to be gone for an occasion. */
function limited(change: Change, occasion: string): Change[] {
  if (change.type === 'taste') return [change.attitude === 'allergic to' ? change : { ...change, occasion }];
  if (change.type !== 'untaste') return [change];
  return change.attitudes.includes('allergic to') ? [] : [{ ...change, occasion }];
}

/** "Wrist 16cm" beside a size that was read: what has a number, but none of those that were taken. */
function sizesLeft(clause: string, sizes: readonly Change[]): string[] {
  const taken = sizes.flatMap(change => ('value' in change ? (change.value?.match(/\d+/g) ?? []) : []));
  if (taken.length === 0) return [];
  return clause
    .split(/\s*(?:,|\band\b)\s*|\s+(?=(?:max|under|up to|budget)\b)/i)
    .filter(part => /\d/.test(part) && !part.match(/\d+/g)?.some(number => taken.includes(number)));
}

const smallTalk =
  /^(?:i (?:am (?:good|fine|ok|okay|well|great|back|here|sorry|happy|sure|not sure|bored|tired|curious|just|looking|shopping|asking|wondering|serious|joking|kidding|done|in a hurry)|know|see|understand|agree|guess|hope|think so|don't (?:know|care$|understand|think|believe)|will|(?:really |also )?(?:love|like|hate) (?:it|this|that|you|shopping|talking)|mean|said|told|thought|wonder|wish|can't wait|appreciate|swear|promise|have (?:a|one|another) question)|my (?:god|bad|pleasure|goodness|word|apologies))\b/i;

/** "I'm Ann": who speaks is told by the platform. By its capital, because "I am vegan" is something else. */
export const introduction = /^(?:I am|i am|This is|this is) \p{Lu}[\p{L}'-]*(?: \p{Lu}[\p{L}'-]*)?$/u;

const sizedNumber = new RegExp(`\\b(?:${itemPattern})\\b.*\\d|\\d.*\\b(?:${itemPattern})\\b`, 'i');

const aboutTaste = /\b(?:wears?|hates?|loves?|likes?|prefers?|avoids?|allergic|sizes?|budget|favourite)\b/i;

/** True for a statement about somebody else that might be taken for learned. */
export function tellsOfOther(clause: Clause): boolean {
  return clause.about === 'other' && (aboutTaste.test(clause.text) || namesOther(clause.text));
}

/** True for a clause about the speaker that may have been meant to be kept: no small talk, and no request. */
function saysSomething(clause: string): boolean {
  if (
    smallTalk.test(clause) ||
    introduction.test(clause) ||
    isRequest(clause) ||
    adviceFor(clause) !== null ||
    /^(?:remind|tell|list|show|give|explain|help)\b/i.test(clause)
  )
    return false;
  if (lastThingIn(clause) !== null || aboutTaste.test(clause) || sizedNumber.test(clause)) return true;
  return /\b(?:i|me|my|mine)\b/i.test(clause) && clause.split(' ').length > 2;
}

const notNames = new Set(
  'later back tomorrow now when if at on a an the crazy maybe by asap anytime today tonight whatever soon again old not your his her it this that me in after before for first not what who sir'.split(
    ' ',
  ),
);

/** "call me Annie", "my name is Ann": up to three words of letters. */
function nameIn(clause: string): string | null {
  const match =
    /^(?:(?:you (?:can|may) )?(?:please )?(?:just )?call me|my (?:first |nick)?name is|my name's|i go by|i am called|(?:my )?(?:everyone|people|friends) calls? me|i prefer to be called)\s+(\p{L}[\p{L}'-]*(?:\s+\p{Lu}[\p{L}'-]*){0,2})(?:\s+(?:instead|from now on|now|please))*$/iu.exec(
      clause,
    );
  const name = match?.[1];
  // A capital marks a surname; the pattern alone, being case-blind, would take "Ben tomorrow" for a name.
  if (
    name
      ?.split(' ')
      .slice(1)
      .some(part => !/^\p{Lu}/u.test(part))
  )
    return null;
  if (name === undefined || name.length > 40 || notNames.has(name.split(' ')[0]?.toLowerCase() ?? ''))
    return null;
  return name;
}
