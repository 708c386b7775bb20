/**
 * Cuts what a person wrote into clauses that each make one statement, and decides whose statement it is.
 * Only clauses about the speaker are worth learning from.
 */

import { withDigits } from './numbers.ts';
import { ofEvent } from './occasions.ts';
import { sizedItem, thingNamed } from './vocabulary.ts';

export interface Clause {
  text: string;
  /** 'asked': part of a question or a supposition; 'other': about somebody else. */
  about: 'me' | 'other' | 'asked';
}

export interface Sentence {
  /** As written, without the punctuation at its end. */
  raw: string;
  question: boolean;
  clauses: Clause[];
}

export const relation =
  'brother|sister|mother|mom|mum|father|dad|wife|husband|son|daughter|kids?|child(?:ren)?|baby|boyfriend|girlfriend|bf|gf|partner|spouse|friends?|mate|buddy|boss|colleagues?|coworkers?|uncle|aunt|cousin|niece|nephew|grand\\w+|roommate|flatmate|neighbou?r|fianc\\w+|ex|dog|cat|team|in-laws?|step\\w+|twin|parents?|family';

const fillers =
  /^(?:(?:hi|hello|hey|hiya|howdy|yo|well|ok|okay|so|btw|by the way|fyi|also|and|or|oh|ah|um+|uh+|hmm+|actually|please|pls|just|yes|yeah|yep|sure|right|sorry|wait|correction|update|plus|then|thanks|thank you|good (?:morning|evening|afternoon)|as you know|in fact|to be honest|tbh|honestly|frankly|generally|in general|usually|personally|basically|obviously|remember|there|bot|everyone|folks|team|lol|haha|hehe|omg|ugh|now|again|one more thing|i (?:think|guess|believe|know|said|mean|already told you|told you|just want you to know|want you to know|should (?:mention|say|add)|forgot to (?:mention|say))(?: that)?|you (?:should )?know(?: that)?|keep in mind(?: that)?|note(?: that)?|that(?! is\b)|because|since|but|though|although|however|no(?=,| i\b))(?:\s*[,!:.-]+\s*|\s+))+(?=\S)/i;

const interrogative =
  /^(?:what|what's|which|who|whose|when|where|why|how|do|does|did|don't you|is|are|am|was|were|can|could|would|will|should|shall|has|may|might|any idea|anything (?:you|that) )\b(?!'t (?!(?:you|i|we|they|it|that)\b))/i;

const tag = /^(?:right|correct|yes|no|isn't it|is it|don't i|do i|am i|aren't i|remember|you know)$/i;

const supposition =
  /^(?:(?:and |or )?if|unless|suppose|supposing|imagine|pretend|assuming|assume|let's say|say i|what if|when i was|back when|in case|whenever|even if|as if|had i|were i)\b/i;

const aboutOther = new RegExp(
  `^(?:(?:he|she|they|you(?! (?:can|may) call me)|we|his|her|their|your|our|who|someone|somebody|everyone|everybody|people|nobody|others)\\b|(?:my|our|a|the)\\s+(?:\\w+\\s+){0,2}(?:${relation})\\b(?! calls? me|${ofEvent})|\\w+'s\\s+(?:\\w+\\s+)?(?:size|budget|style|favou?rite))`,
  'i',
);
/** "Ben wears ...": a capitalised word that is none of ours, speaking in the third person. */
const namedOther =
  /^(\p{Lu}[\p{L}-]+)(?: and \p{Lu}\p{L}+)? (?:wears?|hates?|loves?|likes|prefers?|avoids?|dislikes?|needs|wants|takes|has|is|doesn't|can't|says?|said|told|thinks?) /u;
const notNamed =
  /^(?:budget|sizes?|price|money|nothing|anything|everything|max|limit|it|that|this|i|my|wool\w*|favourites?)$/i;
const forOther = new RegExp(
  `\\b(?:for|to|of|on|like|as)\\s+(?:(?:my|his|her|our|their|a|the)\\s+(?:\\w+\\s+){0,2}(?:${relation})\\b(?!${ofEvent})|him\\b|her\\b|them\\b|someone\\b|somebody\\b)|\\b(?:gift|present) for\\b|\\bmy\\s+(?:\\w+\\s+)?(?:${relation})(?='s|s')(?!${ofEvent})`,
  'i',
);

const clauseStart =
  "(?:i|i'm|i am|my|we|our|he|she|they|it|you|his|her|their|no|not|never|nothing|anything|sizes?|budget|under|below|max(?:imum)?|up to|at most|less than|around|hate|love|like|wear|prefer|avoid|dislike|don't|can't|won't|am|allergic|have|has|is|hates|loves|likes|wears|need|want|take|call|find|show|recommend|suggest|please|what|which|do|does|can|could|are|remember|forget|also|any ideas|any suggestions|any recommendations|got any|how|where|that|let's|tell|if|make|[a-z]+ sizes?|shoes?:|only|[a-z]+ (?:is|are) (?:fine|ok|okay|my favou?rite|too itchy|itchy)|[a-z]+ (?:makes|gives|irritates) (?:me|my)|for (?:me|him|her|them|my \\w+):?|\\d+(?:\\.\\d)? (?:in|for) [a-z]+|(?:x{0,3}[sl]|m|small|medium|large) (?:in|for) [a-z]+|(?:[$€£]\\d+ (?:for|on) [a-z]+|\\d+ ?(?:euros?|dollars|pounds|bucks)))(?![\\w'])";
/** "I like Nike my budget is 100": nothing separates them, and no word before it makes it part of something else. */
const runOn =
  /(?<!\b(?:that|think|know|say|says|said|told|mean|guess|believe|if|when|what|sure|not|is|are))\s+(?=my (?:\w+ )?(?:sizes?|budget|waist|style)(?: is| are|:)\s)/i;
const splitter = new RegExp(
  `\\s*[,:–—]\\s+(?:and\\s+|or\\s+)?(?=${clauseStart})|(?<!\\bbetween \\S+)\\s+(?:and|&|plus|\\+)\\s+(?:also\\s+)?(?=${clauseStart})|(?<!\\b(?:anything|everything|nothing|all))\\s*,?\\s+(?:but|though|although|however|while|whereas|because|since|so)\\s+|\\s+[–—-]+\\s+`,
  'i',
);

export function readSentences(text: string): Sentence[] {
  const sentences: Sentence[] = [];
  let speaker: Clause['about'] = 'me';
  for (const piece of plainly(text).split(/(?<=[.!?…])["')\]]*\s+|\n+|;\s*/)) {
    const raw = piece
      .replace(/^\s*(?:[-*•–]|\d{1,2}[.)])\s+/u, '')
      .replace(/[\s.!…]+$/u, '')
      .trim();
    const asked = /\?[\s"')]*$/.test(raw);
    const body = raw.replace(/[\s?!.]+$/, '');
    if (body === '') continue;

    const parts = tidy(body.replace(/(?<!\d)"[^"]*\s[^"]*"/g, ' '))
      .split(splitter)
      .map(withoutFillers)
      .flatMap(part => (/^(?:i|my)\b/i.test(part) ? part.split(runOn) : [part]))
      .filter(part => part !== '');
    // In "My budget is $120, can you find boots?" only the last part is the question.
    const questionFrom = asked ? (tag.test(parts.at(-1) ?? '') ? 0 : parts.length - 1) : parts.length;
    let supposed = false;
    const clauses = parts.map((part, index): Clause => {
      supposed ||= supposition.test(part);
      const isAsked = index >= questionFrom || interrogative.test(part) || supposed;
      if (isAsked && !tellsToChange(part)) return { text: part, about: 'asked' };
      speaker = whose(part, speaker);
      return { text: part.replace(/^for (?:me|myself)[:,]? /i, ''), about: speaker };
    });
    const question = asked || clauses.some(clause => clause.about === 'asked');
    sentences.push({ raw: body, question, clauses });
  }
  return sentences;
}

const preface =
  /^(?:(?:please|pls|also|and|oh|ok|okay|hey|hi|so|well|now|actually|btw|yes|no)[, ]+|(?:can|could|will|would) you (?:please )?|you can |i (?:want|would like|'d like|need) you to )*/i;

/** "Hey, can you please forget wool?" -> "forget wool?" */
export function unprefaced(text: string): string {
  return plainly(text).replace(preface, '');
}

/** Typographic quotes, dashes and spaces as their plain forms, so that patterns need only one of each. */
export function plainly(text: string): string {
  return text
    .normalize('NFC')
    .replace(/[‘’ʼ`´′]/g, "'")
    .replace(/[“”«»″]/g, '"')
    .replace(/[\u00a0\u2000-\u200a\u202f\t]/g, ' ')
    .replace(/[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, '')
    .replace(/\b(what|who|where|when|how)s\b/gi, "$1's")
    .replace(/\bDr\.\s/gi, 'Dr ')
    .replace(/\b(approx|max|min|no|incl)\.\s/gi, '$1 ')
    .replace(/[*_~]{1,3}(\S(?:[^*_~\n]*\S)?)[*_~]{1,3}/g, '$1')
    .replace(/ {2,}/g, ' ');
}

/** One spelling for contractions and for words with two spellings. */
function tidy(text: string): string {
  const rewrites: [RegExp, string][] = [
    [/[❤♥😍]\ufe0f?/gu, ' love '],
    [/\p{Extended_Pictographic}\ufe0f?/gu, ' '],
    [/[()]/g, ' '],
    [/\b(he|she|they)'(?:s|re)\b/gi, '$1 is'],
    // "In Nike, I'm a 9": what is said first limits what is said then.
    [/^((?:in|for|at|to|from|during) [\w'&. -]{2,25}), (?=(?:i|i'm|my|no|nothing|never|only)\b)/i, '$1 '],
    [/\b(?:i'm|im|i m)(?= )/gi, 'I am'],
    [/\b(?:i've got|ive got|i have got|i've|ive)\b/gi, 'I have'],
    [/\bi'd(?= )/gi, 'I would'],
    [/\bi'll\b/gi, 'I will'],
    [/\b(?:do not|dont|don t)\b/gi, "don't"],
    [/\b(?:does not|doesnt)\b/gi, "doesn't"],
    [/\b(?:can not|cannot|cant)\b/gi, "can't"],
    [/\b(?:will not|wont)\b/gi, "won't"],
    [/\b(?:is not|isnt)\b/gi, "isn't"],
    [/\b(?:are not|arent)\b/gi, "aren't"],
    [/\b(?:would not|wouldnt)\b/gi, "wouldn't"],
    [/\b(?:that's|thats)\b/gi, 'that is'],
    [/\b(?:it's)\b/gi, 'it is'],
    [/\b(budget|limit|max|size|style|name|waist)'s (?=\S)/gi, '$1 is '],
    [/\bany more\b/gi, 'anymore'],
    [/\bfavorite(s?)\b/gi, 'favourite$1'],
    [/\bcolor(s?)\b/gi, 'colour$1'],
    [/\bwanna\b/gi, 'want to'],
    [/\bsz\b/gi, 'size'],
    [/\bfave?s?\b/gi, 'favourite'],
    [/\b([a-z]+)(?: \1\b)+/gi, '$1'],
    [
      /\b([a-z]{3,})'s (?=(?:fine|ok|okay|alright|great|lovely|too|so|really|not|itchy|my fav\w+)\b)/gi,
      '$1 is ',
    ],
    [/\b(?:al+ergi[ck]|alerji[ck]|allegic)\b/gi, 'allergic'],
    [/\b(?:luv|loove+)\b/gi, 'love'],
    [/\btee-?shirt/gi, 't-shirt'],
    // "is not 9 but 10", "isn't $120, it's $150": only the second counts.
    [
      /\b(is|are|wear|take)(?:n't| not) (?:an? )?(?:size )?[$€£]?[\d.,]+\S*,? (?:but|it is)(?: an?)? /gi,
      '$1 ',
    ],
  ];
  return rewrites
    .reduce((result, [pattern, plain]) => result.replace(pattern, plain), withDigits(text))
    .replace(/ {2,}/g, ' ');
}

function withoutFillers(part: string): string {
  return part
    .trim()
    .replace(fillers, '')
    .replace(/^(?:<@\w+>|@\w+)[,:]?\s*/, '')
    .replace(/^(?:can|could|would|will) you (?:please )?(?=(?:change|set|update|correct) my )/i, '')
    .replace(/^i don't think i (?=like|love|wear|want|need)/i, "I don't ")
    .replace(
      /(?:[\s,]+(?:please|pls|thanks|thank you|thx|ok|okay|though|btw|haha|lol|:\)|:-\)|:D|xx?))+$/i,
      '',
    )
    .replace(/[\s,:;)("]+$/, '')
    .trim();
}

/** "Change my size to L", also where it is put as a question. */
export function tellsToChange(text: string): boolean {
  return /^(?:(?:can|could|would|will) you )?(?:please )?(?:change|set|update|correct) my\b.*\bto\b/i.test(
    text,
  );
}

/** True for "boots for my brother" or "a gift": what is said there is not about the speaker. */
export function isForOther(text: string): boolean {
  return forOther.test(text) || /\b(?:gifts?|presents?)\b/i.test(text);
}

const kin = new RegExp(`\\b(?:my|our) (?:\\w+ ){0,2}(?:${relation})(?:'s|s'|s)?\\b(?! calls? me)`, 'i');

/** True for "what is my sister's size?": the person's own would be the wrong answer. */
export function namesOther(text: string): boolean {
  return kin.test(text);
}

/** Whose statement a clause is; one without a subject of its own continues the one before. */
function whose(part: string, before: Clause['about']): Clause['about'] {
  if (aboutOther.test(part) || forOther.test(part)) return 'other';
  const named = namedOther.exec(part)?.[1];
  if (
    named !== undefined &&
    !notNamed.test(named) &&
    thingNamed(named) === null &&
    sizedItem(named) === null
  ) {
    return 'other';
  }
  if (/^(?:i|me|my|mine|for (?:me|myself))\b/i.test(part)) return 'me';
  return before;
}

const longestLine = 400;

/** One line of Markdown text, so that a note can neither open a heading nor a second line. */
export function oneLine(text: string): string {
  const line = text
    .replace(/\s+/g, ' ')
    .replace(/^[#>*\-\s]+/, '')
    .trim();
  return line.length > longestLine ? `${line.slice(0, longestLine - 1).trimEnd()}…` : line;
}
