/** What is to be forgotten when somebody says so. */

import { budgetKey } from './budget.ts';
import { type Attitude, type Change, everyAttitude, undo } from './changes.ts';
import { occasionCalled } from './occasions.ts';
import { oneLine, plainly, readSentences, unprefaced } from './sentences.ts';
import { atFirst, statedIn } from './statements.ts';
import { bodily, itemPattern, measures, sizedItem, thingNamed, topicCalled } from './vocabulary.ts';

const askToForget =
  /^(?:(forget|unlearn|stop remembering)|delete|erase|remove|clear|wipe|drop|scrap|ditch|(?:ignore|disregard)(?= what i (?:said|told)))\s+(?:about\s+)?(.+?)(?:[, ]+(?:please|pls|thanks|now|again))*$/i;

/** The object of "forget ...", or null. "Remove the wool ones" is about a list of shoes, not about memory. */
export function forgetTarget(raw: string): string | null {
  const match = askToForget.exec(unprefaced(raw).replace(/[?!.]+$/, ''));
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

/** What is asked before everything goes. */
export const everythingQuestion =
  'Everything I remember about you? Say “yes, forget everything” and I clear all your notes; “/preferences forget me” also removes their history and our conversations.';

/** True for "yes, forget everything", which is question and answer in one. */
export function insists(text: string): boolean {
  return /^\s*(?:(?:ok|okay|well|please)[\s,]+)*(?:yes|yeah|yep)\b[^.!?\n]*\b(?:forget|delete|erase|clear|wipe)\b/i.test(
    text,
  );
}

/** True for a bare yes. */
export function agrees(text: string): boolean {
  return /^(?:(?:yes|yeah|yep|sure|please|pls|ok|okay|do it|do that|go ahead|i am|i'm)[\s,.!]*)+$/i.test(
    plainly(text).trim(),
  );
}

/** Null when it cannot be told what is meant. */
export function forgotten(target: string): Change[] | null {
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
  if (/\bnotes? (?:about|on|that)\b/i.test(part)) return { type: 'forget-words', text: oneLine(bare) };
  const topic = topicCalled(bare);
  if (topic) return { type: 'forget-topic', topic };
  const attitude = attitudeWords.find(([pattern]) => pattern.test(bare))?.[1];
  if (attitude) return { type: 'forget-attitude', attitude };
  if (bodily.includes(bare.toLowerCase())) return { type: 'unset', topic: 'sizes', key: bare.toLowerCase() };
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
  const occasion = occasionCalled(bare);
  if (occasion !== null) return { type: 'forget-words', text: occasion };
  const thing = thingNamed(bare);
  if (thing) return { type: 'untaste', name: thing.name, attitudes: everyAttitude };
  return { type: 'forget-words', text: oneLine(bare === '' ? part : bare) };
}
