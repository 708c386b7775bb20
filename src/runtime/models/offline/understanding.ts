import { budgetIn, budgetKey } from './budget.ts';
import { type Attitude, type Change, everyAttitude, type Topic, undo } from './changes.ts';
import { correctionOf } from './corrections.ts';
import { adviceFor, isRequest } from './questions.ts';
import { type Sensitive, sensitiveIn } from './secrets.ts';
import {
  type Clause,
  namesOther,
  plainly,
  readSentences,
  type Sentence,
  tellsToChange,
} from './sentences.ts';
import { sizesIn } from './sizes.ts';
import { tastesIn } from './tastes.ts';
import { lastThingIn } from './thing-lists.ts';
import { itemPattern, measures, sizedItem, type Thing, thingNamed } from './vocabulary.ts';

export interface Understanding {
  /** In the order they were said. */
  changes: Change[];
  /** Kinds of things the person told that are not kept. */
  refused: Sensitive[];
  /** "Forget ..." was said, rather than that something is no longer so. */
  forgets: boolean;
  /** "Forget it", with nothing said about what. */
  unclearForget: boolean;
  /** "Remember that she wears a 6": nobody would know later who that is. */
  unnamed: boolean;
  /** Something was stated about someone else, which is not learned. */
  aboutOthers: boolean;
  /** What they said of themselves that no rule made anything of, in about their words. */
  unread: string[];
  /** Sentences that ask to remember or to forget, as written: no questions, though they may look like one. */
  orders: string[];
  /** True when a text was so long that only its beginning was read. */
  cut: boolean;
}

/** Characters of one text that are read for facts: people state them briefly, and pasted pages are not theirs. */
const longest = 4000;
const longestNote = 400;
const aboutTaste = /\b(?:wears?|hates?|loves?|likes?|prefers?|avoids?|allergic|sizes?|budget|favourite)\b/i;

type Value = Extract<Change, { type: 'set' }>;

/** What was said just before, which "actually, make that 9.5" or "I wear size 9" may be about. */
export interface Before {
  value: Value | null;
  shoes: boolean;
}

const nothingBefore: Before = { value: null, shoes: false };

/** What a person's own words ask of memory. Pure; never throws. */
export function understand(texts: readonly string[], earlier: Before = nothingBefore): Understanding {
  const result: Understanding = {
    changes: [],
    refused: [],
    forgets: false,
    unclearForget: false,
    unnamed: false,
    aboutOthers: false,
    unread: [],
    orders: [],
    cut: false,
  };
  for (const text of texts) {
    result.cut ||= text.length > longest;
    const shoes = earlier.shoes || mentionsShoes(text);
    let so = atFirst;
    // "I adore wool. Not.", "/s", "jk": what was meant is not what was said.
    if (/(?:^|\s)(?:\/s|jk|just kidding)[\s.!)]*$/i.test(text)) continue;
    let saidBefore = 0;
    for (const sentence of readSentences(text.slice(0, longest))) {
      if (/^not$/i.test(sentence.raw)) {
        result.changes.splice(saidBefore);
        continue;
      }
      saidBefore = result.changes.length;
      const sensitive = sensitiveIn(sentence.raw);
      const forget = forgetTarget(sentence.raw);
      if (sensitive !== null && sensitive !== 'health' && forget === null) {
        refuse(result, sensitive);
        continue;
      }
      const note = forget === null ? noteIn(sentence) : null;
      if (forget !== null || note !== null || tellsToChange(sentence.raw)) result.orders.push(sentence.raw);
      if (forget !== null) {
        // "Forget my shoe size, I wear a 10": what comes after it is told.
        const [target = forget, told] = forget.split(/,\s+(?=(?:i|i'm|it is|it's|actually|now)\b)(.+)$/i);
        const changes = forgotten(target);
        result.forgets = true;
        if (changes === null) result.unclearForget = true;
        else result.changes.push(...changes);
        for (const clause of readSentences(told ?? '').flatMap(({ clauses }) => clauses))
          result.changes.push(...statedIn(clause, shoes, so).changes);
        continue;
      }
      if (note !== null) {
        remember(note, shoes, result);
        continue;
      }
      const corrected = sentence.question
        ? null
        : correctionOf(sentence.raw, lastValue(result.changes) ?? earlier.value);
      if (corrected !== null) {
        result.changes.push(corrected);
        continue;
      }
      if (sensitive === 'health' && /\ballerg/i.test(sentence.raw)) refuse(result, 'health');
      for (const clause of sentence.clauses) {
        const { changes, unread } = statedIn(clause, shoes, so);
        result.changes.push(...changes);
        for (const words of unread) leaveOut(result, words);
        result.aboutOthers ||=
          clause.about === 'other' &&
          !sentence.question &&
          (aboutTaste.test(clause.text) || namesOther(clause.text));
        so = after(so, clause, changes);
      }
    }
  }
  const sensitive = result.changes.map(sensitiveChange);
  for (const kind of sensitive) if (kind !== null) refuse(result, kind);
  result.changes = result.changes.filter((_, index) => sensitive[index] === null);
  return result;
}

export function mentionsShoes(text: string): boolean {
  return /\b(?:shoes?|boots?|sneakers?|trainers?|sandals?|heels|loafers?|feet)\b/i.test(text);
}

/** The value stated last, which a correction without a subject is about. */
export function lastValue(changes: readonly Change[]): Value | null {
  return changes.filter(change => change.type === 'set').findLast(change => change.topic !== 'notes') ?? null;
}

/** What the clauses before one leave open: "it", and what "nickel too" or "50 for shirts" goes on with. */
interface SoFar {
  it: Thing | null;
  attitude: Attitude | null;
  budget: boolean;
}

const atFirst: SoFar = { it: null, attitude: null, budget: false };

function after({ it, attitude }: SoFar, clause: Clause, changes: readonly Change[]): SoFar {
  const taste = changes.findLast(change => change.type === 'taste');
  return {
    it: lastThingIn(clause.text) ?? it,
    attitude: taste?.attitude ?? attitude,
    budget: lastValue(changes)?.topic === 'budget',
  };
}

interface Stated {
  changes: Change[];
  /** Words of which nothing is kept, and the person is to know. */
  unread: string[];
}

function statedIn(clause: Clause, shoes: boolean, so: SoFar): Stated {
  if (clause.about !== 'me') return { changes: [], unread: [] };
  const name = nameIn(clause.text);
  if (name !== null)
    return { changes: [{ type: 'set', topic: 'notes', key: 'name', value: name }], unread: [] };
  const goesOn = so.budget && /^[$€£]?\d[\d.,]*(?: \w+)? (?:for|on) /i.test(clause.text);
  const budget = budgetIn(goesOn ? `my budget is ${clause.text}` : clause.text);
  if (budget.length > 0) return { changes: budget, unread: [] };
  const sizes = sizesIn(clause.text, shoes);
  const isSizeAlone = sizes.length > 0 && !/\b(?:hate|like|love|avoid|prefer)\b/i.test(clause.text);
  const tastes = isSizeAlone ? { changes: [], unread: [] } : tastesIn(clause.text, so);
  const changes = [...sizes, ...tastes.changes];
  if (changes.length > 0) return { changes, unread: [...sizesLeft(clause.text, sizes), ...tastes.unread] };
  return { changes, unread: saysSomething(clause.text) ? [clause.text] : [] };
}

/** "Wrist 16cm" beside a size that was read: what has a number, but none of those that were taken. */
function sizesLeft(clause: string, sizes: readonly Change[]): string[] {
  const taken = sizes.flatMap(change => ('value' in change ? (change.value?.match(/\d+/g) ?? []) : []));
  if (taken.length === 0) return [];
  return clause
    .split(/\s*(?:,|\band\b)\s*/i)
    .filter(part => /\d/.test(part) && !part.match(/\d+/g)?.some(number => taken.includes(number)));
}

const smallTalk =
  /^(?:i (?:am (?:good|fine|ok|okay|well|great|back|here|sorry|happy|sure|not sure|bored|tired|curious|just|looking|shopping|asking|wondering|serious|joking|kidding|done|in a hurry)|know|see|understand|agree|guess|hope|think so|don't (?:know|care$|understand|think|believe)|will|(?:really |also )?(?:love|like|hate) (?:it|this|that|you|shopping|talking)|mean|said|told|thought|wonder|wish|can't wait|appreciate|swear|promise|have (?:a|one|another) question)|my (?:god|bad|pleasure|goodness|word|apologies))\b/i;

const sizedNumber = new RegExp(`\\b(?:${itemPattern})\\b.*\\d|\\d.*\\b(?:${itemPattern})\\b`, 'i');

/** True for a clause about the speaker that may have been meant to be kept: no small talk, and no request. */
function saysSomething(clause: string): boolean {
  if (
    smallTalk.test(clause) ||
    isRequest(clause) ||
    adviceFor(clause) !== null ||
    /^(?:remind|tell|list|give|explain|help)\b/i.test(clause)
  )
    return false;
  if (lastThingIn(clause) !== null || aboutTaste.test(clause) || sizedNumber.test(clause)) return true;
  return /\b(?:i|me|my|mine)\b/i.test(clause) && clause.split(' ').length > 2;
}

/** What is not to be kept is not to be repeated either. */
function leaveOut(result: Understanding, words: string): void {
  const sensitive = sensitiveIn(words);
  if (sensitive === null) result.unread.push(words);
  else refuse(result, sensitive);
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

const askToRemember =
  /^(?:(?:please|pls|also|and|oh|ok|okay|hey|hi|so|btw)[, ]+|(?:can|could|will|would) you |i (?:want|would like|'d like|need) you to )*(?:remember|note(?: down| to (?:self|myself))?|keep in mind|bear in mind|make a note(?: of)?|take note(?: of)?|write down|jot down|don't (?:ever )?forget|do not forget)(?:\s+(?:the fact )?that\b|\s*[:,]|\s+this:)?\s+(.+)$/i;

/** What the person explicitly asks to remember, or null. "Do you remember my size?" asks for an answer instead. */
function noteIn(sentence: Sentence): string | null {
  const note = askToRemember.exec(plainly(sentence.raw))?.[1]?.trim();
  if (note === undefined) return null;
  if (
    /^(?:when|what|how|where|who|why|if|whether|me|us|this|that|it|you|everything|anything|please)\b(?!\s+\w+\s+(?:is|are)\b)/i.test(
      note,
    )
  )
    return null;
  return note.split(/\s+/).length >= 2 ? note : null;
}

/** Files an explicit "remember that ..." as facts where it states some, and in the person's words where not. */
function remember(note: string, shoes: boolean, result: Understanding): void {
  const sensitive = sensitiveIn(note);
  if (sensitive !== null) {
    refuse(result, sensitive);
    return;
  }
  if (/^(?:he|she|they|his|her|their)\b/i.test(note)) {
    result.unnamed = true;
    return;
  }
  const clauses = readSentences(note).flatMap(sentence => sentence.clauses);
  let so = atFirst;
  let understood = clauses.length > 0;
  for (const clause of clauses) {
    const { changes, unread } = statedIn(clause, shoes, so);
    so = after(so, clause, changes);
    result.changes.push(...changes);
    if (changes.length === 0 ? !/^(?:(?:my|the|this|that) )?\S+$/i.test(clause.text) : unread.length > 0)
      understood = false;
  }
  if (!understood) result.changes.push({ type: 'note', text: oneLine(note) });
}

const askToForget =
  /^(?:(?:please|pls|also|and|oh|ok|okay|hey|hi|so|now|actually|btw)[, ]+|(?:can|could|will|would) you |you can |i (?:want|would like|'d like|need) you to )*(?:(forget|unlearn|stop remembering)|delete|erase|remove|clear|wipe|drop|scrap|ditch|(?:ignore|disregard)(?= what i (?:said|told)))\s+(?:about\s+)?(.+?)(?:[, ]+(?:please|pls|thanks|now|again))*$/i;

/** The object of "forget ...", or null. "Remove the wool ones" is about a list of shoes, not about memory. */
function forgetTarget(raw: string): string | null {
  const match = askToForget.exec(plainly(raw).replace(/[?!.]+$/, ''));
  const target = match?.[2];
  if (match === null || target === undefined) return null;
  // "Stop remembering things" is about what will be said.
  if (
    /^stop/i.test(match[1] ?? '') &&
    /^(?:me|this|that|things|anything|everything|stuff|what)\b/i.test(target)
  )
    return null;
  if (match[1] !== undefined) return /^to\b/i.test(target) ? null : target;
  if (/^my account\b/i.test(target)) return null;
  return /\b(?:my|me|everything|all|that i|what i|note|memory|memories)\b/i.test(target) ? target : null;
}

/** Null when it cannot be told what is meant. */
function forgotten(target: string): Change[] | null {
  if (
    /^(?:it|that|this|about it|it all then|me not|what i (?:just )?said|(?:the |my )?last (?:one|thing|message|fact)(?: i (?:just )?(?:said|told you))?)$/i.test(
      target,
    )
  )
    return null;
  if (
    /^(?:everything|all|it all|me)$|^(?:everything|all|all that|what(?:ever)?)(?: of it| of that)?(?: that)?(?: you(?: have)?(?: know|ve|'ve)?(?: know| learned| learnt| stored| saved)?)?(?: about)?(?: me| myself)?$|^(?:all (?:of )?)?(?:my|the) (?:data|preferences|memory|memories|info\w*|details|profile)(?: about me)?$/i.test(
      target,
    )
  ) {
    return [{ type: 'forget-all' }];
  }
  const statement = /^(?:that |the fact that |what i said about )?((?:i|my)\b.+)$/i.exec(target)?.[1];
  if (statement !== undefined) {
    const stated = readSentences(statement)
      .flatMap(sentence => sentence.clauses)
      .flatMap(clause => statedIn(clause, false, atFirst).changes);
    const changes = stated.map(undo).filter(change => change !== null);
    if (changes.length > 0) return changes;
  }
  return target
    .replace(/^what i (?:said|told you) about /i, '')
    .replace(/ from (?:my|the|your) (?:\w+ )?(?:\w+)$/i, '')
    .split(/\s*(?:,|\band\b|&)\s*/i)
    .filter(part => part !== '')
    .map(forgottenPart);
}

const topicWords: [RegExp, Topic][] = [
  [/^(?:sizes?|measurements?)$/i, 'sizes'],
  [/^(?:brands?|favou?rite brands?|brand preferences?)$/i, 'brands'],
  [/^(?:colou?rs?|favou?rite colou?rs?|colou?r preferences?)$/i, 'colours'],
  [/^(?:materials?|fabrics?|material preferences?)$/i, 'materials'],
  [/^(?:style|styles|style preferences?|taste)$/i, 'style'],
  [/^(?:notes?)$/i, 'notes'],
  [/^(?:budgets?|price limits?|spending limits?)$/i, 'budget'],
];

const attitudeWords: [RegExp, Attitude][] = [
  [/^(?:material )?allerg(?:y|ies)$|^(?:what )?i am allergic to$/i, 'allergic to'],
  [/^(?:dislikes|things i (?:avoid|hate|dislike)|what i (?:avoid|hate|dislike))$/i, 'avoids'],
  [/^(?:likes|favourites|favorites|things i (?:like|love)|what i (?:like|love))$/i, 'likes'],
];

function forgottenPart(part: string): Change {
  const bare = part
    .replace(
      /^(?:(?:about|my|the|all|old|any|everything|note|notes|that|preferences?|dislike|love|hatred) |of )+/i,
      '',
    )
    .trim();
  const topic = topicWords.find(([pattern]) => pattern.test(bare))?.[1];
  if (topic) return { type: 'forget-topic', topic };
  const attitude = attitudeWords.find(([pattern]) => pattern.test(bare))?.[1];
  if (attitude) return { type: 'forget-attitude', attitude };
  if (/^(?:nick)?name$/i.test(bare)) return { type: 'unset', topic: 'notes', key: 'name' };
  const item = new RegExp(`^(${itemPattern})(?: sizes?)?$`, 'i').exec(bare)?.[1];
  if (item !== undefined) {
    const name = sizedItem(item) ?? item;
    return {
      type: 'unset',
      topic: 'sizes',
      key: measures.includes(name) ? name : `${name} size`,
    };
  }
  if (/\bbudget\b/i.test(bare)) return { type: 'unset', topic: 'budget', key: budgetKey(bare) };
  const allergen = /^(.+?) allerg(?:y|ies)$/i.exec(bare)?.[1];
  if (allergen !== undefined) {
    const name = thingNamed(allergen)?.name ?? allergen.toLowerCase();
    return { type: 'untaste', name, attitudes: ['allergic to'] };
  }
  const thing = thingNamed(bare);
  if (thing) return { type: 'untaste', name: thing.name, attitudes: everyAttitude };
  return { type: 'forget-words', text: oneLine(bare === '' ? part : bare) };
}

function refuse(result: Understanding, kind: Sensitive): void {
  if (!result.refused.includes(kind)) result.refused.push(kind);
}

/** A last look at what would be written, whichever rule it came from. */
function sensitiveChange(change: Change): Sensitive | null {
  if (change.type === 'set') return sensitiveIn(`${change.key}: ${change.value}`);
  if (change.type === 'note') return sensitiveIn(change.text);
  if (change.type !== 'taste') return null;
  return sensitiveIn(change.attitude === 'likes' ? change.name : `${change.attitude} ${change.name}`);
}

/** One line of Markdown text, so that a note can neither open a heading nor a second line. */
function oneLine(text: string): string {
  const line = text
    .replace(/\s+/g, ' ')
    .replace(/^[#>*\-\s]+/, '')
    .trim();
  return line.length > longestNote ? `${line.slice(0, longestNote - 1).trimEnd()}…` : line;
}
