/**
 * What people say and what the agent must answer, both as plain words: a reply is a function of the messages it
 * answers, so that whoever reads it afterwards knows whether it is whole, whose it is, and what it answers.
 */

export interface Saying {
  /** "msg00012": unique in a run. */
  id: string;
  /** "tok94f1c…": the speaker's secret, in everything they say and in nothing anybody else is told. */
  token: string;
  /** How long the answer to it is to be. */
  count: number;
  /** The agent is to keep it in memory before it answers. */
  keeps: boolean;
}

export function textOf({ id, token, count, keeps }: Saying): string {
  return `say ${id} ${token} ${count}${keeps ? ' keep' : ''}`;
}

/** Every saying in a text, in order. */
export function sayingsIn(text: string): Saying[] {
  return [...text.matchAll(/say (msg\d+) (tok9[0-9a-z]+) (\d+)( keep)?/g)].map(
    ([, id = '', token = '', count, keep]) => ({
      id,
      token,
      count: Number(count),
      keeps: keep !== undefined,
    }),
  );
}

export function tokensIn(text: string): string[] {
  return [...new Set(text.match(/tok9[0-9a-z]+/g) ?? [])].sort();
}

export function idsIn(text: string): string[] {
  return text.match(/msg\d+/g) ?? [];
}

/** `known`: every token the agent has seen as the person's own, in memory and in the conversation. */
export function answerTo(saying: Saying, known: readonly string[]): string {
  const numbers = Array.from({ length: saying.count }, (_, index) => index + 1);
  return `Re ${saying.id} ${saying.token} knowing ${known.join(' ')} counts ${numbers.join(' ')} end ${saying.id}`;
}

/** Said before a tool is used. */
export const moment = (id: string) => `One moment ${id}.`;

export const factPath = (id: string) => `/fact-${id}.md`;
export const factOf = ({ id, token }: Saying) => `- noted: ${token} in ${id}\n`;
/** Names of facts in a path, or in the title that people read. */
export function factsIn(text: string): string[] {
  return [...text.matchAll(/noted: tok9[0-9a-z]+ in (msg\d+)/g)].map(([, id = '']) => id);
}

export interface Answered {
  id: string;
  token: string;
  known: string[];
  /** The numbers are all there and in order. */
  whole: boolean;
}

export interface Reading {
  /** Finished answers, in the order in which they stand. */
  answers: Answered[];
  moments: string[];
  /** How often the bot said that too much waits, so that it takes no more: then it owes no answer. */
  refusals: number;
  /** What is nothing of that. */
  rest: string;
}

const COMPLETE = /^(?:One|moment|Re|knowing|counts|end|msg\d{5}\.?|tok9[0-9a-z]{7,}|\d+)$/;

/**
 * What stands in several messages, one after the other. A platform may end one in the middle of a word and begin
 * the next with its rest, and it drops the space at which one ends: what is only half a word goes on.
 */
export function joinedMessages(texts: readonly string[]): string {
  return texts.reduce((joined, text) => {
    const [last = '', before = ''] = joined.trimEnd().split(/\s+/).reverse();
    const first = /^\S+/.exec(text.trimStart())?.[0] ?? '';
    return isOneWord(before, last, first) ? joined.trimEnd() + text.trimStart() : `${joined} ${text}`;
  }, '');
}

function isOneWord(before: string, last: string, first: string): boolean {
  if (/^\d+$/.test(last) && /^\d+$/.test(first))
    return (
      Number(last) !== (/^\d+$/.test(before) ? Number(before) : 0) + 1 || Number(first) !== Number(last) + 1
    );
  return !COMPLETE.test(last) && COMPLETE.test(last + first);
}

/** Reads what stands in a conversation, several messages joined. */
export function readAnswers(text: string, countOf: (id: string) => number | undefined): Reading {
  const answers: Answered[] = [];
  const moments: string[] = [];
  let refusals = 0;
  const rest = text
    .replaceAll('\u200b', '')
    .replace(/\s+/g, ' ')
    .replace(
      /Re (msg\d+) (tok9[0-9a-z]+) knowing ((?:tok9[0-9a-z]+ )*)counts ([\d ]*)end (msg\d+)/g,
      (_, id: string, token: string, known: string, numbers: string, last: string) => {
        const counted = numbers.trim().split(' ').map(Number);
        const whole = counted.length === countOf(id) && counted.every((number, at) => number === at + 1);
        answers.push({ id, token, known: tokensIn(known), whole: whole && last === id });
        return ' ';
      },
    )
    .replace(/One moment (msg\d+)\./g, (_, id: string) => {
      moments.push(id);
      return ' ';
    })
    .replace(/I still have \d+ messages of yours to answer, .*? when I have caught up\./g, () => {
      refusals += 1;
      return ' ';
    })
    .replace(/\s+/g, ' ')
    .trim();
  return { answers, moments, refusals, rest };
}
