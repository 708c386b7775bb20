import { type Attitude, againstIt, everyAttitude, type Topic, topics } from './changes.ts';
import { forOccasion, spoken } from './confirmation.ts';
import { attitudeOf, type Entry, entriesOf, same, topicOf, valueSaid } from './entries.ts';
import { type FiledThing, type Files, filedValue, thingsFiled, topicOfPath } from './filing.ts';
import { type Amount, amountsIn, money } from './money.ts';
import { eventIn } from './occasions.ts';
import type { Question } from './questions.ts';
import { relation } from './sentences.ts';
import { bodily, sizedItem, type Thing } from './vocabulary.ts';

export const introduction =
  "I'm the offline model: I follow rules and am not a language model. I remember sizes, budget, brands, colours, materials and style, and use them in my answers. For real conversations, set ANTHROPIC_API_KEY, or MODEL_BASE_URL and MODEL, and restart me.";
const shortIntroduction =
  'Still the offline model: rules, no language model. ANTHROPIC_API_KEY, or MODEL_BASE_URL and MODEL, would give me one.';

export interface Knowledge {
  /** What the person's memory holds, in whole. */
  memory: Files;
  /** That, and what they said in this conversation if it could not be saved. */
  known: Files;
  /** Shared read-only folders: facts of whoever runs the bot, never the person's. */
  shared: Files;
  /** Said once in a conversation, then only when asked. */
  introduced: boolean;
  /** False when parts of the memory could not be read. */
  complete: boolean;
}

export function answer(question: Question, knowledge: Knowledge): string {
  switch (question.type) {
    case 'everything':
      return everythingKnown(knowledge);
    case 'topics':
      return question.topics.map(topic => topicKnown(topic, knowledge.known, question)).join('\n');
    case 'tastes':
      return tastesKnown(question, knowledge.known);
    case 'opinion':
      return question.things.map(thing => opinionOf(thing, knowledge.known)).join(' ');
    case 'command':
      return question.advice;
    case 'name': {
      const name = filedValue(knowledge.known, 'name');
      return name === null
        ? "You haven't told me your name. Say “call me …” and I will."
        : `You asked me to call you ${name}.`;
    }
    case 'who are you':
      return knowledge.introduced ? shortIntroduction : introduction;
    case 'help':
      return helpText(knowledge.introduced);
    case 'afford':
      return affordable(question, knowledge.known);
    case 'suits me':
      return suitable(question.things, knowledge.known);
    case 'find':
      return brief(question, knowledge.known);
    case 'how are you':
      return 'Fine, thanks.';
    case 'other':
      return (
        noted(question.text, knowledge.known) ??
        sharedFact(question.text, knowledge.shared) ??
        (question.aboutOther ? ownOnly : cannot(knowledge.introduced))
      );
  }
}

const ownOnly =
  'I only know your own sizes and tastes. Say “remember that …” to keep what you know about somebody else as a note.';

/** How an answer begins that is none. */
export const beyond = 'That is beyond my rules.';

/** For words no rule covers. */
export function cannot(introduced: boolean): string {
  const plea = `${beyond} Tell me, in English, a size, a budget or what you like and avoid, ask what I know about you, or ask for a shopping brief such as “find me boots”.`;
  return introduced ? plea : `${plea} ${introduction}`;
}

function helpText(introduced: boolean): string {
  const text = [
    'You can:',
    '- tell me facts: “I wear size 9 shoes”, “M in Zara but L in H&M”, “my budget is $120”, “I hate wool”, “I am allergic to nickel”, “for work I like navy”, “I have a wedding in June”, “call me Annie”',
    "- correct or drop them: “actually my budget is $150”, “I don't hate wool any more”, “forget my budget”",
    '- have me keep a note: “remember that I prefer free returns”',
    '- ask “what do you know about me?”, “can I afford $150 boots?”, “would a wool coat suit me?”',
    '- get a shopping brief: “find me a jacket”',
    '- see, change, undo and delete all I keep: “/preferences”',
  ].join('\n');
  return introduced ? text : `${text}\n\n${introduction}`;
}

const mostLines = 80;

/** Every remembered line, ours in words and other people's as they wrote them, grouped by file order. */
function everythingKnown({ memory, known, complete }: Knowledge): string {
  const lines = linesOf(memory);
  const unsaved = linesOf(known).filter(line => !lines.includes(line));
  const parts: string[] = [];
  if (lines.length > 0) {
    const more = lines.length > mostLines ? [`… and ${lines.length - mostLines} more lines.`] : [];
    parts.push(
      [
        'Here is what I remember about you:',
        ...lines.slice(0, mostLines).map(line => `- ${line}`),
        ...more,
      ].join('\n'),
    );
  }
  if (unsaved.length > 0) {
    parts.push(
      ['Only in this conversation, not saved:', ...unsaved.slice(0, mostLines).map(line => `- ${line}`)].join(
        '\n',
      ),
    );
  }
  if (!complete) parts.push('There may be more: I could not read all of your memory.');
  if (lines.length === 0 && unsaved.length === 0 && complete) {
    return 'Nothing yet. Tell me a size, a budget, or what you like and avoid, and I will remember it.';
  }
  return parts.join('\n');
}

function linesOf(files: Files): string[] {
  const order = (path: string) => {
    const topic = topicOfPath(path);
    return topic === null ? topics.length : topics.indexOf(topic);
  };
  return [...files]
    .sort(([a], [b]) => order(a) - order(b) || (a < b ? -1 : 1))
    .flatMap(([, content]) => entriesOf(content).map(entry => phrase(entry, entry.date)));
}

function phrase(entry: Entry, date: string | null): string {
  const { key, value, text } = entry;
  const since = date === null ? '' : ` (${date})`;
  const filed = attitudeOf(entry);
  if (filed !== null) return `${opinion({ ...filed, name: value })}${since}`;
  if (key === 'name') return `you go by ${value}${since}`;
  return `${key === null ? text : valueSaid(key, value)}${since}`;
}

function topicKnown(
  topic: Topic,
  files: Files,
  { size, brand }: Extract<Question, { type: 'topics' }>,
): string {
  const one = topic === 'sizes' ? sizeKnown(size, brand, files) : null;
  if (one !== null) return one;
  const lines = [...files].flatMap(([path, content]) =>
    entriesOf(content)
      .filter(entry => (topicOf(entry) ?? topicOfPath(path)) === topic)
      .map(entry => phrase(entry, null)),
  );
  if (lines.length > 0) return `${topic[0]?.toUpperCase()}${topic.slice(1)}: ${lines.join('; ')}.`;
  return `I don't know your ${topic} yet${topic in examples ? `; tell me, e.g. “${examples[topic]}”` : ''}.`;
}

/** One size, and where it is not told itself, what may do for it. */
function sizeKnown(size: string | null, brand: string | null, files: Files): string | null {
  const entries = [...files.values()].flatMap(entriesOf).filter(entry => topicOf(entry) === 'sizes');
  const inBrand = entries.filter(({ key }) => brand !== null && key?.endsWith(` in ${brand}`));
  if (size === null && inBrand.length === 0) return null;
  const among = inBrand.length > 0 ? inBrand : entries;
  const vague =
    size === null || bodily.includes(size)
      ? []
      : ['size', ...(size === 'shoe size' ? [] : ['clothing size'])];
  const known = [size, ...vague]
    .map(key =>
      among.filter(entry => key === null || entry.key === key || entry.key?.startsWith(`${key} in `)),
    )
    .find(found => found.length > 0);
  if (known !== undefined) return `Sizes: ${known.map(entry => phrase(entry, null)).join('; ')}.`;
  return entries.length > 0 ? `I don't know your ${size} yet.` : null;
}

/** "you like plain for work" */
function opinion(filed: Pick<FiledThing, 'attitude' | 'name' | 'occasion'>): string {
  return `you ${spoken[filed.attitude]} ${filed.name}${forOccasion(filed)}`;
}

function tastesKnown({ attitudes, occasion }: Extract<Question, { type: 'tastes' }>, files: Files): string {
  const parts = attitudes.flatMap(attitude => {
    const filed = thingsFiled(files, [attitude]);
    const occasions = new Set(filed.map(thing => thing.occasion));
    return [...occasions]
      .filter(one => occasion === null || one === occasion || one === undefined)
      .map(one => {
        const names = filed.filter(thing => thing.occasion === one).map(({ name }) => name);
        return opinion({ attitude, name: list(names), occasion: one });
      });
  });
  if (parts.length > 0) return `As far as I know, ${parts.join('; ')}.`;
  return `You have not told me what you ${attitudes.map(attitude => spoken[attitude]).join(' or ')}.`;
}

function opinionOf(thing: Thing, files: Files): string {
  const known = thingsFiled(files, everyAttitude).find(({ name }) => same(name, thing.name));
  if (known === undefined) return `You have not told me what you think of ${thing.name}.`;
  return `As far as I know, ${opinion({ ...known, name: thing.name })}.`;
}

const examples: Record<Topic, string> = {
  sizes: 'I wear size 9 shoes',
  budget: 'my budget is $120',
  brands: 'I like Nike',
  colours: 'my favourite colour is green',
  materials: 'no wool please',
  style: 'I like casual clothes',
  notes: 'remember that I prefer free returns',
};

function affordable({ amount, item }: Extract<Question, { type: 'afford' }>, files: Files): string {
  const filed = budgetFor(item, files);
  if (filed === null)
    return "I don't know your budget yet. Tell me, e.g. “my budget is $120”, and I can check prices against it.";
  const limit = amountsIn(filed).at(-1);
  if (amount === null || !limit) return `Your budget is ${filed}. Tell me the price and I'll check it.`;
  if (limit.currency !== null && limit.currency !== amount.currency) {
    return `Your budget is ${filed}, and that price is in another currency (${money(amount.value, amount.currency)}); I don't know exchange rates.`;
  }
  const price = money(amount.value, amount.currency);
  const left = limit.value - amount.value;
  if (left < 0) return `No: ${price} is ${money(-left, amount.currency)} over your budget of ${filed}.`;
  return left === 0
    ? `Yes, just: ${price} is exactly your budget.`
    : `Yes: ${price} is within your budget of ${filed}, with ${money(left, amount.currency)} to spare.`;
}

function suitable(things: readonly Thing[], files: Files): string {
  const filed = always(thingsFiled(files, everyAttitude));
  const verdicts = things.map(thing => {
    const known = filed.find(candidate => candidate.name.toLowerCase() === thing.name.toLowerCase());
    if (known === undefined) return { thing, attitude: null };
    return { thing, attitude: known.attitude };
  });
  const against = verdicts.filter(
    verdict => verdict.attitude !== null && againstIt.includes(verdict.attitude),
  );
  if (against.length > 0) {
    return `Probably not: ${against.map(({ thing, attitude }) => `you ${spoken[attitude ?? 'avoids']} ${thing.name}`).join(' and ')}.`;
  }
  const liked = verdicts.filter(verdict => verdict.attitude === 'likes').map(verdict => verdict.thing.name);
  const unknown = verdicts.filter(verdict => verdict.attitude === null).map(verdict => verdict.thing.name);
  if (liked.length > 0) return `It should: you like ${list(liked)}.`;
  return `Nothing I know about you rules out ${list(unknown)}.`;
}

/** What a shop assistant would need to know, since the offline model cannot search shops itself. */
function brief(question: Extract<Question, { type: 'find' }>, files: Files): string {
  const { item, things, limit, occasion, forOther } = question;
  if (forOther !== null) return briefForOther(forOther, item, limit, files);
  const wanted = item ?? (things.length > 0 ? 'clothes' : null);
  const sizeKey = sizeKeyFor(item);
  const size =
    sizeKey === null
      ? null
      : (sizeFiled(files, sizeKey) ?? sizeFiled(files, isShoe(item) ? 'size' : 'clothing size'));
  const budget =
    limit === null ? budgetFor(item, files, occasion) : `up to ${money(limit.value, limit.currency)}`;
  const names = (topic: Topic, attitudes: readonly Attitude[]) =>
    always(thingsFiled(files, attitudes), occasion)
      .filter(thing => thing.topic === topic)
      .map(({ name, attitude }) => (attitude === 'allergic to' ? `${name} (an allergy)` : name));
  const asked = (topic: Topic) => things.filter(thing => thing.topic === topic).map(thing => thing.name);
  const conflict = always(thingsFiled(files, againstIt), occasion).filter(({ name }) =>
    things.some(thing => thing.name.toLowerCase() === name.toLowerCase()),
  );

  const wishes = [...asked('style'), ...asked('colours'), ...asked('materials'), ...asked('brands')];
  const rows: [string, string | null][] = [
    [
      'looking for',
      wanted === null ? null : [...wishes.filter(wish => !wanted.includes(wish)), wanted].join(' '),
    ],
    ['occasion', occasionNoted(question.event, files) ?? occasion],
    ['size', size],
    ['budget', budget],
    ['brands', liked(names('brands', ['likes']), names('brands', againstIt))],
    ['colours', liked(names('colours', ['likes']), names('colours', againstIt))],
    ['materials', liked(names('materials', ['likes']), names('materials', againstIt))],
    ['style', liked(names('style', ['likes']), names('style', againstIt))],
  ];
  const missing = [
    ...(wanted === null ? ['what you are looking for'] : []),
    ...(size === null && sizeKey !== null ? [`your ${sizeKey}`] : []),
    ...(budget === null ? ['your budget'] : []),
    ...(rows.slice(4).every(([, value]) => value === null)
      ? ['brands, colours and materials you like or avoid']
      : []),
  ];
  const lines = rows.flatMap(([label, value]) => (value === null ? [] : [`- ${label}: ${value}`]));
  const parts =
    lines.length === 0
      ? ["I can't search shops; I write briefs to shop with."]
      : [`I can't search shops, but here is a brief to shop with:\n${lines.join('\n')}`];
  if (conflict.length > 0) {
    parts.push(
      `Note that you ${spoken[conflict[0]?.attitude ?? 'avoids']} ${list(conflict.map(thing => thing.name))}.`,
    );
  }
  if (missing.length > 0) parts.push(`To make it sharper, tell me ${list(missing)}.`);
  return parts.join('\n');
}

/** Those a present is for, by their name or what they are to the person. */
const people = new RegExp(`(?<=\\bfor (?:my |our )?(?:\\w+ )?)(?:\\p{Lu}\\p{L}+|${relation})\\b`, 'gu');

/** A present: the person's own sizes and tastes would mislead. */
function briefForOther(text: string, item: string | null, limit: Amount | null, files: Files): string {
  const budget = limit === null ? budgetFor(item, files) : `up to ${money(limit.value, limit.currency)}`;
  const facts = [
    ...(item === null ? [] : [`looking for ${item}`]),
    ...(budget === null ? [] : [`budget ${budget}`]),
  ];
  const known = facts.length === 0 ? '' : ` What I have: ${list(facts)}.`;
  const told = noted((text.match(people) ?? []).join(' '), files);
  if (told !== null) return `I can't search shops. ${told}${known}`;
  return `I can't search shops, and I only know your own sizes and tastes, not theirs.${known} Say “remember that …” to keep what you know about them as a note.`;
}

/** "wedding" as it was told: "wedding in June". */
function occasionNoted(event: string | null, files: Files): string | null {
  if (event === null) return null;
  const notes = [...files.values()].flatMap(entriesOf).filter(entry => entry.key === null);
  const told = notes
    .map(({ text }) => text)
    .filter(text => eventIn(`for a ${text}`) !== null && text.includes(event));
  return told.length === 0 ? event : told.join(' or ');
}

/** What holds whatever the occasion, and what is said of this one. */
function always(filed: readonly FiledThing[], occasion: string | null = null): FiledThing[] {
  return filed.filter(thing => thing.occasion === undefined || thing.occasion === occasion);
}

/** "9 (8.5 in Adidas)" */
function sizeFiled(files: Files, key: string): string | null {
  const byBrand = [...files.values()].flatMap(entriesOf).flatMap(entry => {
    const brand = entry.key?.startsWith(`${key} in `) ? entry.key.slice(key.length) : null;
    return brand === null ? [] : [`${entry.value}${brand}`];
  });
  const general = filedValue(files, key);
  if (byBrand.length === 0) return general;
  return general === null ? byBrand.join(', ') : `${general} (${byBrand.join(', ')})`;
}

function budgetFor(item: string | null, files: Files, occasion: string | null = null): string | null {
  const name = item === null ? null : sizedItem(lastWord(item));
  const scoped = [...files.values()].flatMap(entriesOf).find(entry => {
    const scope = /^budget for (.+)$/.exec(entry.key ?? '')?.[1];
    return scope !== undefined && name !== null && sizedItem(scope) === name;
  });
  const forThis = occasion === null ? null : filedValue(files, `budget for ${occasion}`);
  return forThis ?? scoped?.value ?? filedValue(files, 'budget');
}

function sizeKeyFor(item: string | null): string | null {
  const name = item === null ? null : sizedItem(lastWord(item));
  return name === null ? null : `${name} size`;
}

function isShoe(item: string | null): boolean {
  return item !== null && sizedItem(lastWord(item)) === 'shoe';
}

function lastWord(text: string): string {
  return text.split(' ').at(-1) ?? text;
}

function liked(yes: readonly string[], no: readonly string[]): string | null {
  const parts = [yes.join(', '), no.length > 0 ? `no ${no.join(', no ')}` : ''].filter(part => part !== '');
  return parts.length === 0 ? null : parts.join('; ');
}

/** The person's own notes that share most words with the question; null when none shares any. */
function noted(question: string, files: Files): string | null {
  const words = meaningful(question);
  const notes = [...files.values()].flatMap(entriesOf).filter(entry => entry.key === null);
  const scored = notes.map(({ text, date }) => ({
    said: `“${text}”${date === null ? '' : ` (${date})`}`,
    score: [...meaningful(text)].filter(word => words.has(word)).length,
  }));
  const best = Math.max(1, ...scored.map(({ score }) => score));
  const found = scored.filter(({ score }) => score === best).slice(0, 3);
  return found.length === 0 ? null : `You told me: ${list(found.map(({ said }) => said))}.`;
}

/** The line of the shared facts that shares most words with the question; null when none shares two. */
function sharedFact(question: string, shared: Files): string | null {
  const words = meaningful(question);
  let best: { text: string; path: string; score: number } | null = null;
  for (const [path, content] of shared) {
    for (const { text } of entriesOf(content)) {
      const score = [...meaningful(text)].filter(word => words.has(word)).length;
      if (score > (best?.score ?? 1)) best = { text, path, score };
    }
  }
  return best === null ? null : `From the shared facts (${best.path.split('/').at(-1)}): “${best.text}”`;
}

const commonWords = new Set(
  'what when where which your with have does this that from about there they them for the and are can how you who is it do did was were know remember tell told said say think any all not but get'.split(
    ' ',
  ),
);

function meaningful(text: string): Set<string> {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]{3,}/gu) ?? [];
  return new Set(words.filter(word => !commonWords.has(word)).map(word => word.replace(/(?:es|s)$/, '')));
}

function list(words: readonly string[]): string {
  return words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
