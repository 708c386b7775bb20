import type { Records, Sent, Shown } from './records.ts';
import { type Answered, factsIn, idsIn, joinedMessages, readAnswers, sayingsIn, tokensIn } from './words.ts';

/** What the bot promised and did not keep; each is to be empty. What is listed says where to look. */
export interface Verdict {
  accepted: number;
  answered: number;
  /** Acknowledged and turned away with a sentence, because too much of the person's waited. */
  refused: number;
  /** Accepted, without a whole answer. */
  lost: string[];
  /** Answered twice, or said to the agent twice. */
  doubled: string[];
  /** An answer that is not whole, or was begun and left. */
  incomplete: string[];
  /** Answered before what had been accepted earlier in the conversation. */
  outOfOrder: string[];
  /** One person's words or memory where another can see them. */
  crossTalk: string[];
  noticesDoubled: string[];
  /** What was to be kept and was kept never, or twice. */
  memory: string[];
  /** Two stores for one person. */
  stores: string[];
  /** Words of people in a log. */
  leaks: string[];
  /** What the bot said that is no answer. */
  otherWords: string[];
  /** Not promised: shown at most once, and seldom lost. */
  noticesMissing: number;
}

export const FAILURES = [
  'lost',
  'doubled',
  'incomplete',
  'outOfOrder',
  'crossTalk',
  'noticesDoubled',
  'memory',
  'stores',
  'leaks',
  'otherWords',
] as const satisfies readonly (keyof Verdict)[];

/** Pure: what the records of a run say about the bot. */
export function judge(records: Records): Verdict {
  const sent = new Map(records.sent.map(it => [it.id, it]));
  const readings = new Map(
    records.conversations.map(({ key }) => [key, readConversation(records, sent, key)]),
  );
  const answers = [...readings].flatMap(([conversation, { answers: its }]) =>
    its.map(answer => ({ ...answer, conversation })),
  );
  const answered = new Set(answers.map(({ id }) => id));
  const accepted = records.sent.filter(({ acceptedAt }) => acceptedAt !== null);
  const notices = records.shown
    .filter(({ kind }) => kind === 'notice')
    .flatMap(({ text }) => [...new Set(factsIn(text))]);
  const kept = accepted.filter(({ id, keeps }) => keeps && answered.has(id));
  return {
    accepted: accepted.length,
    answered: accepted.filter(({ id }) => answered.has(id)).length,
    refused: [...readings.values()].reduce((sum, { refusals }) => sum + refusals, 0),
    lost: [...readings].flatMap(([key, { refusals }]) => {
      const open = accepted.filter(({ id, conversation }) => conversation === key && !answered.has(id));
      // Which of them were refused the sentence does not say.
      return open.slice(0, Math.max(0, open.length - refusals)).map(describe);
    }),
    doubled: [
      ...twice(answers.map(({ id }) => id)).map(id => `${id} answered twice`),
      ...twice(
        records.sessions.flatMap(({ messages }) => messages.flat().filter(isSaid).flatMap(idsSaid)),
      ).map(id => `${id} said to the agent twice`),
      ...[...readings].flatMap(([, { moments }]) => twice(moments).map(id => `${id} announced twice`)),
    ],
    incomplete: [
      ...answers.filter(({ whole }) => !whole).map(({ id }) => `${id} not whole`),
      ...[...readings].flatMap(([key, { rest }]) =>
        idsIn(rest).length + tokensIn(rest).length > 0 ? [`${key}: …${excerpt(rest)}…`] : [],
      ),
      ...records.shown.filter(({ open }) => open).map(({ conversation }) => `${conversation}: still open`),
    ],
    outOfOrder: [...readings].flatMap(([key, { answers: its }]) => disorder(key, its, sent)),
    crossTalk: crossTalk(records, answers),
    noticesDoubled: twice(notices),
    memory: kept.flatMap(it => memoryTrouble(records, it)),
    stores: twice(records.stores.map(({ person, audience }) => `${person} ${audience}`)),
    leaks: records.leaks,
    otherWords: [...readings].flatMap(([key, { rest }]) =>
      rest !== '' && idsIn(rest).length + tokensIn(rest).length === 0 ? [`${key}: ${excerpt(rest)}`] : [],
    ),
    noticesMissing: kept.filter(({ id }) => !notices.includes(id)).length,
  };
}

/** In a shared thread, answers to several people may be written at the same time: each message is read by itself. */
function readConversation(records: Records, sent: Map<string, Sent>, key: string) {
  const shown = records.shown
    .filter(({ conversation, kind }) => conversation === key && kind === 'reply')
    .sort((a, b) => a.at - b.at);
  return readAnswers(joinedMessages(shown.map(({ text }) => text)), id => sent.get(id)?.count);
}

/** Certain only where one was acknowledged before the other was so much as tried. Between two people there is no order. */
function disorder(key: string, answers: readonly Answered[], sent: Map<string, Sent>): string[] {
  const problems: string[] = [];
  for (const [at, { id }] of answers.entries()) {
    const later = sent.get(id);
    for (const { id: after } of answers.slice(at + 1)) {
      const earlier = sent.get(after);
      if (later === undefined || earlier === undefined || later.person !== earlier.person) continue;
      if (earlier.acceptedAt === null || later.triedAt === null || earlier.acceptedAt >= later.triedAt)
        continue;
      problems.push(`${key}: ${id} answered before ${after}`);
    }
  }
  return problems;
}

function crossTalk(records: Records, answers: readonly (Answered & { conversation: string })[]): string[] {
  const tokens = new Map(records.people.map(({ key, token }) => [key, token]));
  const sent = new Map(records.sent.map(it => [it.id, it]));
  const people = new Map(Object.entries(records.ids).map(([key, id]) => [id, key]));
  const tokenOfId = (id: string) => tokens.get(people.get(id) ?? '');
  return [
    ...answers
      .filter(({ id, token, known }) => {
        const own = sent.get(id)?.token;
        return token !== own || known.length !== 1 || known[0] !== own;
      })
      .map(({ id, known }) => `the answer to ${id} knows ${known.join(' ')}`),
    ...answers
      .filter(({ id, conversation }) => sent.get(id)?.conversation !== conversation)
      .map(({ id, conversation }) => `the answer to ${id} stands in ${conversation}`),
    ...records.shown.flatMap(shown => strangersIn(shown, records, tokens)),
    ...records.sessions
      .filter(session => session.tokens.some(token => token !== tokenOfId(session.person)))
      .map(({ id, person }) => `session ${id} of ${person}`),
    ...records.stores
      .filter(store =>
        store.versions.some(({ content }) =>
          tokensIn(content).some(token => token !== tokenOfId(store.person)),
        ),
      )
      .map(({ id, person }) => `store ${id} of ${person}`),
  ];
}

/** A private word may be read by its person alone; in a shared place, by those who take part. */
function strangersIn(shown: Shown, records: Records, tokens: Map<string, string>): string[] {
  const plan = records.conversations.find(({ key }) => key === shown.conversation);
  const people = plan?.members ?? (shown.readers.length === 1 ? shown.readers : []);
  const allowed = people.map(key => tokens.get(key));
  // While a reply is written, a word may end early.
  return tokensIn([shown.text, ...shown.earlier].join(' '))
    .filter(token => !allowed.some(own => own?.startsWith(token)))
    .map(token => `${token} was shown in ${shown.conversation ?? shown.readers.join()}`);
}

function memoryTrouble(records: Records, { id, person }: Sent): string[] {
  const store = records.stores.filter(it => it.person === records.ids[person]);
  const written = store.flatMap(({ versions }) =>
    versions.filter(({ path, bySession }) => bySession && path.includes(`fact-${id}.`)),
  );
  if (written.length === 1) return [];
  return [written.length === 0 ? `${id} was not kept` : `${id} was kept ${written.length} times`];
}

const isSaid = (block: string) => !/^<(?:context|earlier_words|session_start)>/.test(block);
const idsSaid = (block: string) => sayingsIn(block).map(({ id }) => id);

function twice(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, at) => names.indexOf(name) !== at))];
}

const describe = ({ id, conversation }: Sent) => `${id} in ${conversation}`;
const excerpt = (text: string) => (text.length > 160 ? `${text.slice(0, 80)} … ${text.slice(-80)}` : text);
