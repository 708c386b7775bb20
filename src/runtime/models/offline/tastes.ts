import { type Attitude, againstIt, type Change } from './changes.ts';
import { adverbs, type Predicate, predicateOf } from './predicates.ts';
import { inOwnWords, type List, lastThingIn, thingsIn } from './thing-lists.ts';
import {
  plainStyle,
  type TasteTopic,
  type Thing,
  tasteWords,
  thingNamed,
  topicsNamed,
} from './vocabulary.ts';

/** What is left unsaid: "no leather", "anything but wool", "brands to avoid: Zara". The things follow. */
const elliptic: [RegExp, Predicate][] = [
  [
    /^(?:(?:absolutely|definitely|please) )?(?:(?:my )?least favourite(?: \w+)?s?(?: is| are|(?=:))|(?:no more|no|not|never|zero|without)(?: any)?|(?:nothing|anything|not|no) (?:in|with|made (?:of|from|with)|containing)|(?:any|every)thing (?:but|except)|(?:but|except|dislikes|hates)|(?:brands?|colours?|materials?|fabrics?|things)(?: that)? (?:to avoid|i (?:avoid|hate|don't (?:like|wear|want)|can't stand|dislike))(?: are| is)?)\b(?: made (?:of|from))?:?/i,
    'avoids',
  ],
  [
    /^(?:(?:one of )?(?:my )?(?:all-time |absolute )?(?:favourite|preferred|go[- ]to)(?: \w+)?s?(?: (?:is|are|include)|(?=:))|(?:brands?|colours?|materials?|fabrics?|things|stuff) i (?:like|love|prefer|wear)(?: are| is)?|(?:likes?|loves?)(?=:)|only)\b:?/i,
    'likes',
  ],
];

const itches =
  /^(.+?) (?:(?:always|just|really|only) )*(?:makes? me (?:itch\w*|scratch|sneeze|uncomfortable|sweat)|gives? me (?:a )?(?:rash|hives)|makes? me break out|irritates? (?:me|my skin)|itch(?:es)?|(?:is|are|feels?) (?:way )?(?:too )?(?:itchy|scratchy))\b/i;
const fan =
  /^i am (?:an? )?(?:big |huge |total |real )?(.+?) (?:girl|guy|man|woman|person|fan|lover|addict)$/i;
const favourite =
  /^(.+?) (?:(?:is|are) (?:one of )?my (?:all-time |absolute )?(?:favourites?|go-to|thing)\b|(?:suits?|looks? (?:good|great) on) me$|only$)/i;
const nevermind =
  /^(.+?) (?:(?:is|are) (?:fine|ok|okay|all right|alright|good)(?: (?:now|again|after all|with me|for me|by me|too|actually|really))*|(?:doesn't|don't) (?:bother|itch|irritate) me(?: anymore)?)$/i;

/** The thing spoken of is what the pattern captures; "X makes me itch" is about materials alone. */
const subjects: [RegExp, Predicate, TasteTopic | null][] = [
  [itches, 'avoids', 'materials'],
  [fan, 'likes', null],
  [favourite, 'likes', null],
  [nevermind, 'never mind', null],
];

export interface Tastes {
  changes: Change[];
  /** Things listed beside them that could not be made out. */
  unread: string[];
}

const nothing: Tastes = { changes: [], unread: [] };

/** Likes, dislikes and material allergies a clause about the speaker states; `before`: what was spoken of last, and how. */
export function tastesIn(
  clause: string,
  { it, attitude }: { it: Thing | null; attitude: Attitude | null },
): Tastes {
  if (/\b(?:used to|how|when|where|your|their|his|her)\b/i.test(clause.replace(/\bwhen\b.*$/i, '')))
    return nothing;
  return (
    styleIn(clause) ??
    allergiesIn(clause, it) ??
    saidOfSubject(clause, it) ??
    saidOfObject(clause, it) ??
    (attitude !== null && /\b(?:too|also|as well|either)$/i.test(clause)
      ? filed(attitude, thingsIn(clause, null))
      : nothing)
  );
}

/** "Wool makes me itch", "Patagonia is my favourite brand" */
function saidOfSubject(clause: string, it: Thing | null): Tastes | null {
  for (const [pattern, attitude, only] of subjects) {
    const match = pattern.exec(clause);
    if (match?.[1] === undefined) continue;
    const subject = match[1];
    const rest = clause.slice(match[0].length).replace(/^\s*(?:,|and\b|or\b)\s*/i, '');
    const { things, unread } = thingsIn(subject, it);
    const found = things.filter(thing => only === null || thing.topic === only);
    if (found.length > 0)
      return filed(attitude, {
        things: found,
        unread: lastThingIn(rest) === null ? unread : [...unread, rest],
      });
    const topic = attitude === 'likes' ? topicNamed(clause) : null;
    return topic === null ? nothing : filed('likes', inOwnWords(subject, topic));
  }
  return null;
}

const startsWithTopic = new RegExp(`^[\\s:]*(?:the )?(?:${tasteWords})\\b`, 'i');

/** "I hate wool", "no leather", "my favourite brands are Foo and Bar" */
function saidOfObject(clause: string, it: Thing | null): Tastes | null {
  const found = predicateOf(clause) ?? elliptically(clause);
  if (found === null) return null;
  const { predicate, verb, rest } = found;
  // "I would like Nike shoes" asks for some.
  if (predicate === 'likes' && /^(?:i )?would (?:\w+ )?(?:like|love)\b/i.test(clause)) return nothing;
  const [stated = '', excepted] = rest.split(/\b(?:except|apart from|other than|but not)\b/i);
  const { things, unread } = thingsIn(stated, it);
  const { changes } = filed(predicate, { things, unread });
  if (excepted !== undefined && predicate === 'likes')
    changes.push(...filed('avoids', thingsIn(excepted, null)).changes);
  if (changes.length > 0) return { changes, unread };
  const explicit = startsWithTopic.test(stated);
  const topic = topicNamed(explicit ? stated : verb);
  if (topic === null || (predicate !== 'likes' && predicate !== 'avoids')) return nothing;
  const names = stated.replace(startsWithTopic, '');
  return filed(predicate, inOwnWords(names, topic));
}

function elliptically(clause: string): ReturnType<typeof predicateOf> {
  for (const [pattern, predicate] of elliptic) {
    const [verb] = pattern.exec(clause) ?? [];
    if (verb !== undefined) return { predicate, verb, rest: clause.slice(verb.length) };
  }
  return null;
}

function filed(attitude: Predicate, { things, unread }: List): Tastes {
  return { changes: things.map(thing => changeFor(attitude, thing)), unread };
}

function changeFor(attitude: Predicate, thing: Thing): Change {
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

function styleIn(clause: string): Tastes | null {
  const stated = styleStatement.exec(clause)?.[1];
  if (stated !== undefined) return filed('likes', inOwnWords(stated, 'style'));
  const word = (dressing.exec(clause) ?? being.exec(clause))?.[1];
  if (word === undefined) return null;
  const thing = thingNamed(word);
  const name = thing?.topic === 'style' ? thing.name : plainStyle(word);
  return name === null ? null : filed('likes', { things: [{ topic: 'style', name }], unread: [] });
}

/** A topic named outright, so that words beyond our lists are understood: "my favourite brand is Foo". */
function topicNamed(text: string): TasteTopic | null {
  return (
    topicsNamed(text).find(topic => topic === 'brands' || topic === 'colours' || topic === 'materials') ??
    null
  );
}

const reported =
  '(?:(?:my (?:doctor|dermatologist|gp) (?:says|said|thinks|told me)|i (?:was told|(?:just |recently )?found out)|(?:it )?turns out|apparently)(?: that)? )?';
const allergicTo = new RegExp(
  `^${reported}(?:i )?${adverbs}(?<not>(?:am (?:not|no longer)|was never|don't(?: ever)? have|no longer have|have no) )?(?:am|got|have|had)? ?(?:(?:also|very|badly|highly|slightly|severely|really|extremely|mildly|a bit|deathly) )*(?:allergic(?: to|:)|(?:an? )?(?:\\w+ )?allergy(?: to|:)|allergies to|(?:an? )?(?:allergic|bad) reactions? to|(?<sensitive>sensitive to|intolerant to))\\s+|^(?:my |known |i have (?:a few |some |several |these |the following )?)?allergies(?: are| include)?[: (]+`,
  'i',
);
const allergyTo =
  /^(?:i (?:also )?have )?(?:an? )?(?:bad |strong |mild |severe )?([\p{L}][\p{L} ,&-]*?) allerg(?:y|ies)$/iu;
const allergyEnds =
  /\s+(?:because|since|so|when|if|in|on|near|which|that|it|though|unless|anymore|once|twice|before|as|especially|even|and so|right|as well|you know|i)\b.*$/i;

/**
 * What a person is allergic to, in their own words where we do not know it: to lose one is worse than to keep one that
 * was a joke. Null when the clause is about no allergy.
 */
function allergiesIn(clause: string, it: Thing | null): Tastes | null {
  const to = allergicTo.exec(clause);
  const named = to ? clause.slice(to[0].length) : allergyTo.exec(clause)?.[1];
  if (named === undefined) return null;
  const own = inOwnWords(
    named
      .replace(allergyEnds, '')
      .replace(/\b(?:any|all|some|most|anything (?:with|containing|made (?:of|from))) /gi, ''),
    'materials',
  );
  const things = own.things.map(
    thing => thingsIn(thing.name, null).things.find(({ topic }) => topic === 'materials') ?? thing,
  );
  const itself = it !== null && /^(?:it|that|them|those)$/i.test(named.trim()) ? [it] : [];
  const isKnown = (thing: Thing) => to?.groups?.sensitive === undefined || thingNamed(thing.name) !== null;
  return filed(to?.groups?.not === undefined ? 'allergic to' : 'cured', {
    things: [...itself, ...things].filter(isKnown),
    unread: own.unread,
  });
}
