import { type Attitude, againstIt, type Change } from './changes.ts';
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

const aside =
  '(?:(?:really|absolutely|mostly|usually|generally|always|also|still|just|only|quite|so|do|now|totally|definitely|truly|kind of|sort of|particularly|especially|very much|much|tend to|mainly|often|actually|honestly|personally|would|simply|strongly|deeply|rather) )*';
const me = `^(?:i )?${aside}`;

interface Rule {
  pattern: RegExp;
  attitude: Attitude | 'gone' | 'never mind' | 'cured';
  /** Only for these; a rule like "X makes me itch" is about materials alone. */
  only?: readonly TasteTopic[];
}

/** First match wins; the thing spoken of follows the match, except where `subject` names it. */
const rules: Rule[] = [
  { pattern: new RegExp(`${me}(?:don't|no longer) react to\\b`, 'i'), attitude: 'cured' },
  {
    pattern: new RegExp(
      `${me}(?:don't(?: really| actually)? (?:hate|dislike|avoid|mind|detest)|no longer (?:hate|dislike|avoid|mind|detest)|stopped (?:hating|avoiding)|have nothing against|am (?:fine|ok|okay|happy|cool) with|changed my mind (?:about|on)|have changed my mind (?:about|on))\\b`,
      'i',
    ),
    attitude: 'never mind',
  },
  {
    pattern: new RegExp(
      `${me}(?:no longer|stopped|am over|am done with|am tired of|have stopped)\\s*(?:like|love|liking|loving|wear|wearing|buy|buying|prefer)?\\b`,
      'i',
    ),
    attitude: 'gone',
  },
  {
    pattern:
      /^my skin (?:can't (?:handle|stand|take|tolerate)|reacts(?: badly)? to|hates|doesn't (?:like|tolerate))/i,
    attitude: 'avoids',
    only: ['materials'],
  },
  {
    pattern: new RegExp(
      `${me}(?:hate|dislike|detest|loathe|despise|abhor|avoid|boycott|get itchy from|get a rash from|(?:would )?rather not (?:wear|buy|have)|refuse to (?:wear|buy)|react (?:badly )?to|never (?:wear|buy|want|touch)|(?:don't|can't|won't|wouldn't|would not|would never|am not|don't ever)(?: really| actually| even| particularly| much| ever| a)* ?(?:like|love|wear|want|do|buy|stand|bear|tolerate|handle|enjoy|fancy|go for|into|keen on|big fan of|huge fan of|fan of|fond of|care for|mad about|crazy about|a fan of|comfortable in|feel good in|look good in|need)|(?:steer clear of|stay away from|keep away from)|am (?:against|anti))\\b`,
      'i',
    ),
    attitude: 'avoids',
  },
  {
    pattern:
      /^(?:absolutely |definitely |please )?(?:not (?:a (?:big |huge )?fan of|(?:really )?into|keen on)|(?:no more|no|not|never|zero)|(?:nothing|anything|not|no) (?:in|with|made (?:of|from|with)|containing)|anything (?:but|except)|everything (?:but|except)|(?:but|except|without|avoid|dislikes?|hates?)(?: any| anything in)?|(?:brands?|colours?|materials?|fabrics?|things)(?: that)? (?:to avoid|i (?:avoid|hate|don't (?:like|wear|want)|can't stand|dislike))(?: are| is)?)\b(?: made (?:of|from))?:?/i,
    attitude: 'avoids',
  },
  {
    pattern: new RegExp(
      `${me}(?:like|love|adore|prefer|enjoy|favou?r|dig|fancy|go for|am (?:\\w+ ){0,2}(?:into|fond of|keen on|mad about|crazy about)|am (?:a|an) (?:\\w+ )?(?:fan|lover) of|am obsessed with|wear|dress in|buy|stick to|choose|gravitate towards?|look good in|feel good in|swear by|am loyal to|have a thing for|live in)\\b`,
      'i',
    ),
    attitude: 'likes',
  },
  {
    pattern:
      /^(?:(?:my )?(?:all-time |absolute )?(?:favourite|preferred|go-to)(?: \w+)?s?(?: (?:is|are|include)|(?=:))|(?:a )?(?:big|huge) fan of|(?:brands?|colours?|materials?|fabrics?|things|stuff) i (?:like|love|prefer|wear)(?: are| is)?|likes?:|loves?:|only)\b:?/i,
    attitude: 'likes',
  },
];

const itches =
  /^(.+?) (?:(?:always|just|really|only) )*(?:makes? me (?:itch\w*|scratch|sneeze|uncomfortable|sweat)|gives? me (?:a )?(?:rash|hives)|irritates? (?:me|my skin)|itch(?:es)?|(?:is|are|feels?) (?:way )?(?:too )?(?:itchy|scratchy))\b/i;
const fan =
  /^i am (?:an? )?(?:big |huge |total |real )?(.+?) (?:girl|guy|man|woman|person|fan|lover|addict)$/i;
const favourite = /^(.+?) (?:is|are) (?:one of )?my (?:all-time |absolute )?(?:favourites?|go-to|thing)\b/i;
const nevermind =
  /^(.+?) (?:(?:is|are) (?:fine|ok|okay|all right|alright|good)(?: (?:now|again|after all|with me|for me|by me|too))*|(?:doesn't|don't) (?:bother|itch|irritate) me(?: anymore)?)$/i;

/** Topics a person can name outright, so that words beyond our lists are understood: "my favourite brand is Foo". */
const named: [RegExp, TasteTopic][] = [
  [/\b(?:brands?|labels?|designers?)\b/i, 'brands'],
  [/\bcolours?\b/i, 'colours'],
  [/\b(?:materials?|fabrics?)\b/i, 'materials'],
];

/** Likes, dislikes and material allergies a clause about the speaker states. `it` is the thing last spoken of. */
export function tastesIn(clause: string, it: Thing | null): Change[] {
  if (/\b(?:used to|how|when|where|your|their|his|her)\b/i.test(clause.replace(/\bwhen\b.*$/i, '')))
    return [];
  const style = styleIn(clause);
  if (style) return style;
  const allergies = allergiesIn(clause, it);
  if (allergies) return allergies;

  for (const [pattern, attitude, only] of [
    [itches, 'avoids', 'materials'],
    [fan, 'likes', null],
    [favourite, 'likes', null],
    [nevermind, 'never mind', null],
  ] as const) {
    const subject = pattern.exec(clause)?.[1];
    if (subject === undefined) continue;
    const found = thingsIn(subject, it).filter(thing => only === null || thing.topic === only);
    if (found.length > 0) return found.map(thing => changeFor(attitude, thing));
    if (attitude === 'likes') {
      const topic = topicNamed(clause);
      if (topic) return freely(subject, topic, 'likes');
    }
    return [];
  }

  for (const rule of rules) {
    const match = rule.pattern.exec(clause);
    if (!match) continue;
    const rest = clause.slice(match[0].length);
    const [stated = '', excepted] = rest.split(/\b(?:except|apart from|other than|but not)\b/i);
    const { only } = rule;
    const keep = (thing: Thing) => only === undefined || only.includes(thing.topic);
    const found = thingsIn(stated, it).filter(keep);
    const changes = found.map(thing => changeFor(rule.attitude, thing));
    if (excepted !== undefined && rule.attitude === 'likes') {
      changes.push(...thingsIn(excepted, null).map(thing => changeFor('avoids', thing)));
    }
    if (changes.length > 0) return changes;
    const explicit = /^(?:the )?(?:brands?|labels?|colours?|materials?|fabrics?)\b/i.test(stated.trim());
    const topic = topicNamed(explicit ? stated : match[0]);
    if (topic && (rule.attitude === 'likes' || rule.attitude === 'avoids')) {
      return freely(
        stated.replace(/^[\s:]*(?:the )?(?:brands?|labels?|colours?|materials?|fabrics?) /i, ''),
        topic,
        rule.attitude,
      );
    }
    return [];
  }
  return [];
}

/** The last thing a clause names, for "it" and "them" in the next one. */
export function lastThingIn(clause: string): Thing | null {
  const words = clause.split(/[\s,/]+/);
  for (let from = words.length - 1; from >= 0; from--) {
    const thing = phraseAt(words, from)?.thing;
    if (thing) return thing;
  }
  return null;
}

function changeFor(attitude: Rule['attitude'], thing: Thing): Change {
  if (attitude === 'cured') return { type: 'untaste', name: thing.name, attitudes: againstIt };
  if (attitude === 'never mind') return { type: 'untaste', name: thing.name, attitudes: ['avoids'] };
  if (attitude === 'gone') return { type: 'untaste', name: thing.name, attitudes: ['likes'] };
  return { type: 'taste', topic: thing.topic, attitude, name: thing.name };
}

const styleStatement =
  /^(?:my (?:personal |overall |usual |clothing |fashion )?style(?: is| would be|:)|i would describe my style as|style:)\s*(?:(?:very|quite|pretty|mostly|rather|more|really|kind of|sort of|a bit|usually|generally|now|best described as) )*(.+)$/i;
const dressing =
  /^i (?:(?:usually|mostly|always|like to|prefer to|tend to|generally|try to) )*dress (?:(?:very|quite|pretty|rather|more|mostly) )*(?:in an? )?([\w-]+(?: [\w-]+)?)$/i;
const being =
  /^i am (?:(?:a|an|very|pretty|quite|more of a|kind of a|something of a|into a) )*(minimalist|hipster|goth|punk|preppy)(?: (?:person|dresser|type|guy|girl))?$/i;

function styleIn(clause: string): Change[] | null {
  const stated = styleStatement.exec(clause)?.[1];
  if (stated !== undefined) return freely(stated, 'style', 'likes');
  const word = (dressing.exec(clause) ?? being.exec(clause))?.[1];
  if (word === undefined) return null;
  const thing = thingNamed(word);
  const name = thing?.topic === 'style' ? thing.name : plainStyle(word);
  return name === null ? null : [{ type: 'taste', topic: 'style', attitude: 'likes', name }];
}

const lead =
  /^(?:any(?:thing)?|every(?:thing)?|all|most|mostly|some|only|wearing|wear|to wear|to buy|to|buying|made|of|from|in|with|the|colours?|colour|brands?|labels?|materials?|fabrics?|like|likes|such|as|things|clothes|clothing|stuff|items|pure|real|genuine|100%|very|really|too|much|that|is|are|be|being|made|for|it|mostly|anything|containing|at|a|an|pair|lot|lots|more|simple|plain|shades?|especially|either|both|also|well|when|wool-based)$/i;
const separator = /^(?:,|and|or|&|nor|\/|plus|\+)$/i;
const boundary =
  /^(?:because|since|as|so|when|in|on|for|with|but|though|too|please|anymore|any|at|very|really|either|against|next|most|more|best|a|over|to|than|instead|also|again|now|unless|if|who|which|that|it|they|i|alone|only|not|the|these|always|right|thanks|if|all|around|after|everywhere|near|touching|above|even|from|clothes)$/i;

/** The things named from the start of `text`, up to the first words that cannot be part of such a list. */
function thingsIn(text: string, it: Thing | null): Thing[] {
  const tokens = text
    .replace(/\b(?:over|to|rather than|instead of|more than)\b.*$/i, found =>
      /^to (?:wear|buy|be)\b/i.test(found) ? found : '',
    )
    .replace(/[,/]/g, ' $& ')
    .split(/\s+/)
    .filter(token => token !== '');
  const found: Thing[] = [];
  let at = 0;
  if (
    it &&
    /^(?:it|them|that|those|this)$/i.test(tokens[0] ?? '') &&
    (tokens.length === 1 || boundary.test(tokens[1] ?? ''))
  ) {
    return [it];
  }
  // "the wool coat you showed me" is one thing, not wool as such.
  if (/^(?:this|that|these|those|your|his|her|their|how)$/i.test(tokens[0] ?? '')) return [];
  if (
    /^the$/i.test(tokens[0] ?? '') &&
    !/^(?:colours?|brands?|materials?|fabrics?|north|look|feel|style)$/i.test(tokens[1] ?? '')
  )
    return [];

  while (at < tokens.length) {
    const token = tokens[at] ?? '';
    const phrase = phraseAt(tokens, at);
    if (phrase === null) {
      if (!lead.test(token) && !separator.test(token) && !garmentWord.test(token)) break;
      at++;
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
    if (!closed || bareFood) break;
    if (!found.some(thing => thing.name === phrase.thing.name)) found.push(phrase.thing);
    at = next;
    if (after !== undefined && boundary.test(after)) break;
  }
  return found;
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
      .replace(/[.!?"')]+$/, '')
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

function topicNamed(text: string): TasteTopic | null {
  return named.find(([pattern]) => pattern.test(text))?.[1] ?? null;
}

/** A list in the person's own words, for a topic they named: "my favourite brands are Foo and Bar". */
function freely(text: string, topic: TasteTopic, attitude: Attitude): Change[] {
  return inOwnWords(text, topic).map(name => ({ type: 'taste', topic, attitude, name }));
}

function inOwnWords(text: string, topic: TasteTopic): string[] {
  return text
    .split(/\s*(?:,|\/|&|\band\b|\bor\b)\s*/i)
    .map(item =>
      item
        .replace(
          /^(?:is|are|called|the|an?|probably|definitely|mostly|still|now|also|include|very|quite)\s+/gi,
          '',
        )
        .replace(/^[\s:]+/, '')
        .trim(),
    )
    .filter(item => /^\p{L}[\p{L}\p{N}&'. -]{0,39}$/u.test(item) && item.split(' ').length <= 3)
    .filter(item => !vague.test(item) && sensitiveIn(item) === null)
    .slice(0, 8)
    .map(item => {
      const thing = thingNamed(item);
      const name = thing?.topic === topic ? thing.name : (topic === 'style' && plainStyle(item)) || item;
      return topic === 'brands' ? name : name.toLowerCase();
    });
}

const allergicTo = new RegExp(
  `${me}((?:am (?:not|no longer)|was never|don't(?: ever)? have|no longer have|have no) )?(?:am|got|have)? ?(?:(?:also|very|badly|highly|slightly|severely|really|extremely|mildly|a bit|deathly) )*(?:allergic to|(?:an? )?(?:\\w+ )?allergy to|allergies to|sensitive to|intolerant to)\\s+`,
  'i',
);
const allergyTo =
  /^(?:i (?:also )?have )?(?:an? )?(?:bad |strong |mild |severe )?([\p{L}][\p{L} ,&-]*?) allerg(?:y|ies)$/iu;
const allergyEnds =
  /\s+(?:because|since|so|when|if|in|on|near|which|that|it|though|unless|anymore|especially|even|and so|right|as well|you know|i)\b.*$/i;

/**
 * What a person is allergic to, in their own words where we do not know it: to lose one is worse than to keep one that
 * was a joke. Null when the clause is about no allergy.
 */
function allergiesIn(clause: string, it: Thing | null): Change[] | null {
  const to = allergicTo.exec(clause);
  const named = to ? clause.slice(to[0].length) : allergyTo.exec(clause)?.[1];
  if (named === undefined) return null;
  const attitude = to?.[1] === undefined ? 'allergic to' : 'cured';
  return named
    .replace(allergyEnds, '')
    .split(/\s*(?:,|\/|&|\band\b|\bor\b|\bplus\b)\s*/i)
    .flatMap((part): Change[] => {
      const [known] = thingsIn(part, it).filter(thing => thing.topic === 'materials');
      const [own] = inOwnWords(part.replace(/^(?:any|all|some|most|to|with|in) /i, ''), 'materials');
      const name = known?.name ?? own;
      return name === undefined ? [] : [changeFor(attitude, { topic: 'materials', name })];
    });
}

const vague =
  /^(?:not|none|no|nothing|it|that|this|what|unknown|changing|hard|very|really|important|everything|anything|all|different|always|never|i|you|my|something|still|depends)\b/i;
