import { sensitiveIn } from './secrets.ts';
import {
  garmentWord,
  longestPhrase,
  plainStyle,
  styleWord,
  type TasteTopic,
  type Thing,
  thingNamed,
} from './vocabulary.ts';

/** What a person lists: "wool, leather and fur". */
export interface List {
  things: Thing[];
  /** Items that could not be made out. */
  unread: string[];
}

/** Everything of the vocabulary a text names, in its order. */
export function thingsNamed(text: string): Thing[] {
  const words = text.split(/[\s,/]+/);
  const found = new Map<string, Thing>();
  for (let at = 0; at < words.length; ) {
    const phrase = phraseAt(words, at);
    if (phrase) found.set(phrase.thing.name, phrase.thing);
    at += phrase?.length ?? 1;
  }
  return [...found.values()];
}

/** What "it" and "them" in the next clause are. */
export function lastThingIn(clause: string): Thing | null {
  return thingsNamed(clause).at(-1) ?? null;
}

const lead =
  /^(?:any(?:thing)?|every(?:thing)?|all|most|mostly|some|only|wearing|wear|to wear|to buy|to|buying|made|of|from|in|with|the|colours?|colour|brands?|labels?|materials?|fabrics?|like|likes|such|as|things|clothes|clothing|stuff|items|pure|real|genuine|100%|very|really|too|much|that|is|are|be|being|made|for|it|mostly|anything|containing|at|a|an|pair|lot|lots|more|simple|plain|shades?|especially|probably|either|both|also|well|when|wool-based)$/i;
const separator = /^(?:,|and|or|&|nor|\/|plus|\+|esp|especially|mainly|including)$/i;
const boundary =
  /^(?:because|since|as|so|when|in|on|for|with|but|though|too|please|anymore|any|at|very|really|either|against|next|most|more|best|a|over|to|than|instead|also|again|now|unless|if|who|which|that|it|they|i|alone|only|not|the|these|always|right|thanks|if|all|around|after|everywhere|near|touching|above|even|from|clothes|obviously|much|ever|whatsoever|actually|honestly|personally|myself)$/i;

/** The things named from the start of `text`, up to the first words that cannot be part of such a list. */
export function thingsIn(text: string, it: Thing | null): List {
  const tokens = text
    .replace(/\b(?:over|to|rather than|instead of|more than)\b.*$/i, found =>
      /^to (?:wear|buy|be)\b/i.test(found) ? found : '',
    )
    .replace(/[,/]/g, ' $& ')
    .split(/\s+/)
    .filter(token => token !== '');
  const found: Thing[] = [];
  const unread: string[] = [];
  let at = 0;
  if (
    it &&
    /^(?:it|them|that|those|this)$/i.test(tokens[0] ?? '') &&
    (tokens.length === 1 || boundary.test(tokens[1] ?? ''))
  ) {
    return { things: [it], unread };
  }
  // "the wool coat you showed me" is one thing, not wool as such.
  if (/^(?:this|that|these|those|your|his|her|their|how)$/i.test(tokens[0] ?? ''))
    return { things: [], unread };
  if (
    /^the$/i.test(tokens[0] ?? '') &&
    !/^(?:colours?|brands?|materials?|fabrics?|north|look|feel|style)$/i.test(tokens[1] ?? '')
  )
    return { things: [], unread };

  /** Passes over an item that is none of ours; false where it cannot be told where the item ends. */
  const pass = (): boolean => {
    const length = tokens.slice(at).findIndex(token => separator.test(token));
    const item = length === -1 ? tokens.slice(at) : tokens.slice(at, at + length);
    if (item.length > longestPhrase || item.some(token => boundary.test(token))) return false;
    unread.push(item.join(' '));
    at += item.length;
    return true;
  };

  while (at < tokens.length) {
    const token = tokens[at] ?? '';
    const phrase = phraseAt(tokens, at);
    if (phrase === null) {
      if (lead.test(token) || separator.test(token) || garmentWord.test(token)) at++;
      else if (!pass()) break;
      continue;
    }
    let next = at + phrase.length;
    while (
      garmentWord.test(tokens[next] ?? '') ||
      (phrase.thing.topic === 'style' && styleWord.test(tokens[next] ?? ''))
    )
      next++;
    const after = tokens[next];
    const closed =
      after === undefined || separator.test(after) || boundary.test(after) || phraseAt(tokens, next) !== null;
    const bareFood = next === at + phrase.length && edible.has(phrase.thing.name) && tokens.length === 1;
    if (!closed || bareFood) {
      if (pass()) continue;
      break;
    }
    if (!found.some(thing => thing.name === phrase.thing.name)) found.push(phrase.thing);
    at = next;
    if (after !== undefined && boundary.test(after)) break;
  }
  // "Nike for shoes and Zara for dresses": what is listed behind an end is no part of this list, and not nothing.
  const rest = tokens.slice(at);
  const goesOn = rest.findIndex(
    (token, index) => separator.test(token) && lastThingIn(rest.slice(index + 1).join(' ')) !== null,
  );
  if (goesOn !== -1) unread.push(rest.slice(goesOn + 1).join(' '));
  return { things: found, unread };
}

/** Also things to eat, or everyday words: alone they say nothing about clothes. */
const edible = new Set([
  'salmon',
  'peach',
  'plum',
  'lime',
  'mint',
  'olive',
  'mustard',
  'cream',
  'camel',
  'down',
  'mesh',
  'cork',
  'plastic',
  'bamboo',
  'tan',
  'modal',
  'western',
  'coral',
  'canvas',
]);

function phraseAt(tokens: readonly string[], at: number): { thing: Thing; length: number } | null {
  for (let length = Math.min(longestPhrase, tokens.length - at); length > 0; length--) {
    const phrase = tokens
      .slice(at, at + length)
      .join(' ')
      .replace(/[.!?;:"')]+$/, '')
      .replace(/^["'(]+/, '');
    const thing = thingNamed(phrase);
    if (thing) return { thing, length };
    const style = plainStyle(phrase);
    if (style !== null && styleFollows(tokens, at + length))
      return { thing: { topic: 'style', name: style }, length };
  }
  return null;
}

/** True for "casual clothes" and for the first word of "casual and loose clothes". */
function styleFollows(tokens: readonly string[], from: number): boolean {
  for (let at = from; at < Math.min(tokens.length, from + 5); at++) {
    const token = tokens[at] ?? '';
    if (styleWord.test(token)) return true;
    if (!separator.test(token) && plainStyle(token) === null) return false;
  }
  return false;
}

/** The same in the person's own words, for a topic they named: "my favourite brands are Foo and Bar". */
export function inOwnWords(text: string, topic: TasteTopic): List {
  const items = text
    .split(/\s*(?:,|\/|&|\band\b|\bor\b|\bplus\b)\s*/i)
    .map(item =>
      item
        .replace(
          /^(?:(?:is|are|called|the|an?|probably|definitely|mostly|still|now|also|include|very|quite|(?:mix|blend|combination|bit) (?:of|between))\s+)+/i,
          '',
        )
        .replace(/^[\s:]+/, '')
        .trim(),
    )
    .filter(item => item !== '' && !vague.test(item));
  const most = 12;
  const isName = (item: string) =>
    /^\p{L}[\p{L}\p{N}&'. -]{0,39}$/u.test(item) &&
    !/\b(?:i|you|they|we|he|she|it|that|who|my|your)\b/i.test(item) &&
    item.split(' ').length <= 3 &&
    sensitiveIn(item) === null;
  return {
    things: items
      .slice(0, most)
      .filter(isName)
      .map(item => {
        const thing = thingNamed(item);
        const name = thing?.topic === topic ? thing.name : (topic === 'style' && plainStyle(item)) || item;
        return { topic, name: topic === 'brands' ? name : name.toLowerCase() };
      }),
    unread: items.filter((item, index) => index >= most || !isName(item)),
  };
}

const vague =
  /^(?:not|none|no|nothing|it|that|this|what|unknown|changing|hard|very|really|important|brands?|labels?|colours?|materials?|fabrics?|clothes|fashion|everything|anything|all|different|always|never|i|you|my|something|still|depends)\b/i;
