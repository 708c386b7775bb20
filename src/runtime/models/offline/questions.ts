import { adviceFor } from './advice.ts';
import type { Attitude, Topic } from './changes.ts';
import { type Amount, amountsIn } from './money.ts';
import { eventNamed, occasionIn } from './occasions.ts';
import { isForOther, namesOther, plainly, readSentences, type Sentence, unprefaced } from './sentences.ts';
import { thingsNamed } from './thing-lists.ts';
import { itemPattern, measures, sizedItem, type Thing, topicsNamed } from './vocabulary.ts';

/** What a message wants to hear, beside what it tells. */
export type Question =
  | { type: 'everything' }
  /** `size`: the one that is asked for, "shoe size" or "height". */
  | { type: 'topics'; topics: Topic[]; size: string | null; brand: string | null }
  /** "What do I avoid?" */
  | { type: 'tastes'; attitudes: Attitude[]; occasion: string | null }
  /** "Do I like Nike?" */
  | { type: 'opinion'; things: Thing[] }
  | { type: 'command'; advice: string }
  | { type: 'name' }
  | { type: 'who are you' }
  | { type: 'help' }
  | { type: 'afford'; amount: Amount | null; item: string | null }
  | { type: 'suits me'; things: Thing[] }
  /** `forOther`: a present, so the person's own sizes and tastes do not matter. */
  | {
      type: 'find';
      item: string | null;
      things: Thing[];
      limit: Amount | null;
      /** What it is for, filed under that name, and what is coming up, in their words. */
      occasion: string | null;
      event: string | null;
      /** The words for whom it is, where that is somebody else: the person's own sizes and tastes do not matter. */
      forOther: string | null;
    }
  | { type: 'how are you' }
  /** `aboutOther`: somebody else, of whom notes may say something. */
  | { type: 'other'; text: string; aboutOther: boolean };

/** True for words that want something found rather than tell something. */
export function isRequest(text: string): boolean {
  return finds.test(text) && !/\b(?:don't|do not|dont|never|stop) (?:show|recommend|suggest)/i.test(text);
}

interface Asked {
  greeting: boolean;
  thanks: boolean;
  farewell: boolean;
  /** Nothing but "ok", "great" or the like. */
  acknowledged: boolean;
  questions: Question[];
}

const everything =
  /\bwhat (?:all )?(?:do|did|have|can|else do) you (?:actually |already |still )?(?:know|remember|learn\w*|kn[eo]w\w*|stor\w+|sav\w+|kept|keep|got|have|recall|tell me)\b.*\b(?:about me|of me|on me|for me|in (?:your )?memory)\b|\bwhat (?:do|have) you (?:remember\w*|learn\w*|stored|saved)(?: so far)?\W*$|\b(?:tell|show|list|give)(?: me)? (?:everything|all|what) (?:that )?(?:you|is|i) (?:know|have|remember|stored|told|in memory|saved)\b|\bwhat(?:'s| is) (?:in|on) (?:my|your) (?:memory|profile|file)\b|\bdo you (?:remember|know|recognise|recognize) (?:me|who i am|anything about me)\b|^who am i\b|\b(?:show|list|tell|give) (?:me )?my (?:preferences|profile|memory|data)\b|\bwhat are my preferences\b|\bwhat do you (?:know|remember)\W*$|\btell me about (?:me|myself)\b|\bremember me\b|\bwhat have i told you\b/i;
const whoAreYou =
  /\b(?:who|what) (?:are|r) (?:you|u)\b|\bare you (?:an? |really |actually )?(?:\w+ )?(?:bot|robot|ai|a\.i\.|human|person|real|chatgpt|gpt|claude|llm|language model|machine|computer)\b|\b(?:which|what) (?:language )?model\b|\b(?:real|proper|better) model\b|\bintroduce yourself\b|\babout yourself\b|\bwhat(?:'s| is) your name\b/i;
const help =
  /^\/?help$|\bwhat can (?:you|i|u) (?:do|say|ask)\b|\bhow (?:do|does|can|should) (?:this|you|i|it) (?:work|use)\b|\bhelp me\W*$|\bi need help\W*$|\bwhat (?:(?:kind|sort) of )?(?:things |stuff )?can you (?:remember|keep|learn)\b|\bhow (?:does|do) (?:your |the )?memory work\b|\bhow (?:do|can) i (?:delete|forget|remove|change|correct|update|see|use|get you to)\b|^(?:can|will|do) you (?:learn|remember (?:this|it|that|me|things|everything)\b.*)\W*$|^can you remember\W*$|\bwhat do you do\b/i;
const afford =
  /\b(?:can|could|would) i (?:still |really |even )?afford\b|\b(?:within|in|over|above|under|inside|fit|fits) my budget\b|\btoo (?:expensive|pricey|much)(?: for me)?\b|\bis (?:it|that|this) (?:affordable|in budget)\b/i;
const suitsMe =
  /^(?:would|will|is|are|could)\b.*\b(?:ok|okay|fine|good|safe|suitable|alright)\b|\b(?:suit|suits|okay|ok|good|right|fine|work|works|fit|fits|match|matches|look)\b.*\b(?:me|my taste|my style|i)\b|\b(?:should|could|can|would) i (?:wear|buy|get|like|try|take|choose|pick)\b|\bwould i like\b|\bis .* (?:something|one) for me\b/i;
const finds =
  /\b(?:find|recommend|suggest|show me|looking for|look for|search(?: for)?|shop(?:ping)? for|shopping|help me (?:find|choose|pick|buy|shop)|any (?:ideas|suggestions|recommendations|tips)|what should i (?:wear|buy|get)|where (?:can|do|should) i (?:buy|get|find)|need(?! to (?!buy|get|find|order|shop|look))|i want(?! to (?!buy|get|find|order|shop|look|try))|i(?: would|'d) (?:like|love)|i(?:'m| am) after|do you (?:have|sell|carry)|have you got|pick me|get me|gifts?|presents?|outfit)\b/i;
const item = new RegExp(
  `\\b(?:(?:running|hiking|winter|summer|rain|dress|wedding|evening|leather|denim|wool|work|party|formal|casual) )?(?:${itemPattern}|bags?|scar(?:f|ves)|watch(?:es)?|sunglasses|jewel(?:le)?ry|backpacks?|swimwear|swimsuits?|bikinis?)\\b`,
  'gi',
);
const sizeMeant = /\b(?:waist|inseam|height|weight|tall|weigh)\b/i;
const aboutMemory =
  /^(?:what|don't you|didn't i|have i|did i|which|do|am|remind|tell|show|is|are|how much|how big|how tall|list)\b/i;

/**
 * What the person's own words ask for. `learned`: whether they also told something, which is then no question; `orders`:
 * sentences that ask to remember or forget, and are answered by doing so.
 */
export function readQuestions(
  texts: readonly string[],
  { learned, orders }: { learned: boolean; orders: readonly string[] },
): Asked {
  const whole = plainly(texts.join('\n').slice(0, 4000)).trim();
  const asked: Asked = {
    greeting:
      /^(?:hi|hello|hey|hiya|howdy|yo|good (?:morning|afternoon|evening|day)|greetings|hallo|hola|bonjour|ciao|moin|servus)\b/i.test(
        whole,
      ),
    thanks: /\b(?:thanks|thank you|thx|cheers|ty)\b/i.test(whole),
    farewell: /\b(?:bye|goodbye|good night|see (?:you|ya)|later!|cya)\b/i.test(whole),
    acknowledged:
      /^(?:(?:ok|okay|great|cool|nice|yes|yeah|yep|no|nope|good|perfect|alright|all right|sure|got it|wait|stop|never mind|fine|awesome|wow|lol|haha|👍)[\s,.!]*)+$/iu.test(
        whole,
      ),
    questions: [],
  };
  for (const sentence of readSentences(whole)) {
    if (orders.includes(sentence.raw)) continue;
    const question = questionIn(sentence, learned);
    if (question && !asked.questions.some(known => known.type === question.type))
      asked.questions.push(question);
  }
  return asked;
}

const justGreeting = /^(?:hi|hello|hey|hiya|yo)(?: there| again)?$/i;
const howAreYou = /\bhow (?:are|r) (?:you|u)\b|\bhow(?:'s| is) it going\b|\bwhat'?s up\b/i;
const myName = /\bwhat(?:'s| is) my name\b|\bdo you (?:know|remember) my name\b|\bwhat do you call me\b/i;

function questionIn({ raw, question, clauses }: Sentence, learned: boolean): Question | null {
  if (justGreeting.test(raw)) return null;
  if (everything.test(raw)) return { type: 'everything' };
  if (whoAreYou.test(raw)) return { type: 'who are you' };
  if (help.test(raw)) return { type: 'help' };
  if (myName.test(raw)) return { type: 'name' };
  const advice = adviceFor(raw);
  if (advice !== null) return { type: 'command', advice };
  if (namesOther(raw) && question && !isRequest(raw)) return { type: 'other', text: raw, aboutOther: true };
  // In "I hate wool, any ideas for a dress?" the wool is not what is asked for.
  const asked = clauses
    .filter(clause => clause.about === 'asked' || isRequest(clause.text))
    .map(clause => clause.text);
  const text = learned && asked.length > 0 ? asked.join(', ') : raw;
  if (afford.test(raw)) return { type: 'afford', amount: priceIn(raw), item: itemIn(raw) };
  const attitudes = attitudeWords.find(([pattern]) => pattern.test(raw))?.[1];
  if (attitudes !== undefined) return { type: 'tastes', attitudes, occasion: occasionIn(raw) };
  const held = thingsNamed(raw);
  if (question && held.length > 0 && (opinion.test(raw) || /^(?:and )?(?:what|how) about\b/i.test(raw)))
    return { type: 'opinion', things: held };
  if (isAboutMemory(raw, question))
    return { type: 'topics', topics: topicsIn(raw), size: sizeAsked(raw), brand: brandIn(held) };
  const things = thingsNamed(text);
  if (question && suitsMe.test(text) && things.length > 0) return { type: 'suits me', things };
  const item = itemIn(text);
  const event = eventNamed(text);
  if (isRequest(text) && (item !== null || event !== null || !learned)) {
    return {
      type: 'find',
      item,
      things,
      limit: priceIn(text),
      occasion: occasionIn(text),
      event,
      forOther: isForOther(raw) ? raw : null,
    };
  }
  if (!question) return null;
  if (howAreYou.test(raw)) return { type: 'how are you' };
  const amount = priceIn(text);
  return amount === null ? { type: 'other', text: raw, aboutOther: false } : { type: 'afford', amount, item };
}

const attitudeWords: [RegExp, Attitude[]][] = [
  [
    /\b(?:what|anything|something) (?:else )?(?:am i|i am|i'm) allergic to\b|\bam i allergic to (?:anything|something)\b|\bwhat (?:are )?my allergies\b|\bdo i have (?:any )?allergies\b/i,
    ['allergic to'],
  ],
  [
    /\bwhat (?:do|should|did) i (?:avoid|hate|dislike)(?: (?:for|at|to|in) .*)?$|\bwhat (?:don't|can't|shouldn't|won't) i (?:like|wear|buy)(?: (?:for|at|to|in) .*)?$|\bwhat should (?:you|i) (?:never|not) (?:show|recommend|suggest|wear|buy)\b/i,
    ['allergic to', 'avoids'],
  ],
  [/\bwhat (?:do|did) i (?:like|love|prefer)(?: (?:to wear|wearing))?(?: (?:for|at|to|in) .*)?$/i, ['likes']],
];
const opinion =
  /\b(?:do|did|am) i\b|\b(?:that|if|whether) (?:i|i'm) (?:am |really )?(?:like|hate|avoid|love|wear|prefer|allergic|mind)\b/i;

function isAboutMemory(text: string, question: boolean): boolean {
  if (!/\b(?:my|i|me)\b/i.test(text) || /\bshould\b(?! i (?:avoid|not))/i.test(text)) return false;
  const asks = question || /^(?:tell|remind|show|list)\b/i.test(text);
  return asks && aboutMemory.test(unprefaced(text)) && topicsIn(text).length > 0;
}

/** Topics a question names, by their own word or by what is filed there. */
function topicsIn(text: string): Topic[] {
  const size: Topic[] = sizeMeant.test(text) ? ['sizes'] : [];
  const spent: Topic[] = /\bspend\b/i.test(text) ? ['budget'] : [];
  const allergies: Topic[] = /\ballerg/i.test(text) ? ['materials'] : [];
  return [...new Set([...size, ...spent, ...topicsNamed(text), ...allergies])];
}

function brandIn(things: readonly Thing[]): string | null {
  return things.find(({ topic }) => topic === 'brands')?.name ?? null;
}

function sizeAsked(text: string): string | null {
  if (/\b(?:height|tall)\b/i.test(text)) return 'height';
  if (/\b(?:weight|weigh)\b/i.test(text)) return 'weight';
  const item = sizedItem(new RegExp(`\\b(${itemPattern})\\b`, 'i').exec(text)?.[1] ?? '');
  if (item === null || item === 'clothing') return null;
  return measures.includes(item) ? item : `${item} size`;
}

function itemIn(text: string): string | null {
  const words = [...text.matchAll(item)].map(([word]) => word.toLowerCase());
  const usual = words.find(
    word => !/^(?:feet|foot|head|neck|hands?|waist|clothes|clothing|fit|top|cap)$/.test(word),
  );
  return usual ?? (words.some(word => sizedItem(word) === 'clothing') ? 'clothes' : null);
}

function priceIn(text: string): Amount | null {
  return amountsIn(text).find(amount => amount.currency !== null) ?? null;
}
