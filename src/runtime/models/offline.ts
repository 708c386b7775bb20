import { randomUUID } from 'node:crypto';
import type { Model, ModelBlock, ModelEvent, ModelRequest } from '../ports.ts';
import { answer, beyond, cannot, introduction, type Knowledge } from './offline/answers.ts';
import type { Change } from './offline/changes.ts';
import {
  afterForgetting,
  confirm,
  nothingKept,
  notUnderstood,
  type Obstacle,
  refusal,
} from './offline/confirmation.ts';
import { applyChange, type Files, filedValue, isEmpty, settled } from './offline/filing.ts';
import { contentsOf, folderAfter } from './offline/folder.ts';
import { agrees, everythingQuestion, insists } from './offline/forgetting.ts';
import { readQuestions } from './offline/questions.ts';
import { type Call, lookAround, type Saving, save } from './offline/saving.ts';
import { mountsOf } from './offline/session-start.ts';
import { valuesOf } from './offline/statements.ts';
import { readTranscript, type Transcript, type Turn } from './offline/transcript.ts';
import {
  type Before,
  introducesItself,
  mentionsShoes,
  type Understanding,
  understand,
} from './offline/understanding.ts';

/**
 * The model behind `npm start` when no endpoint is configured: rules, no network, no state. Each request is
 * answered from its messages alone. What the person tells about sizes, budget and taste goes into their memory
 * through the file tools, and only what a tool result confirms is called saved.
 */
export function createOfflineModel(): Model {
  return {
    label: 'offline',
    async *complete(request, signal): AsyncIterable<ModelEvent> {
      signal.throwIfAborted();
      const step = nextStep(request);
      const content: ModelBlock[] = [];
      if (step.type === 'reply' && step.text !== '') {
        yield { type: 'text_started' };
        for (const piece of step.text.match(/\S+\s*|\s+/g) ?? []) {
          signal.throwIfAborted();
          yield { type: 'text_delta', text: piece };
        }
        content.push({ type: 'text', text: step.text });
      } else if (step.type === 'calls') {
        for (const { name, input } of step.calls) {
          content.push({ type: 'tool_use', id: `toolu_${randomUUID().replaceAll('-', '')}`, name, input });
        }
      }
      yield {
        type: 'finished',
        stopReason: step.type === 'calls' ? 'tool_use' : 'end_turn',
        content,
        usage: {
          input_tokens: tokens(request),
          output_tokens: tokens(content),
          cache_creation_input_tokens: 0,
          cache_read_input_tokens: 0,
        },
      };
    },
  };
}

type Step = { type: 'calls'; calls: Call[] } | { type: 'reply'; text: string };

const nothingSaved: Saving = { calls: [], outcomes: [], before: new Map(), now: new Map(), reason: null };

function nextStep({ system, messages, tools }: ModelRequest): Step {
  const transcript = readTranscript(messages, system);
  const turn = transcript.turns.at(-1);
  const offered = new Set(tools.map(tool => tool.name));
  const mounts = mountsOf(transcript.start, system);
  const own = mounts.find(mount => !mount.shared);
  const words = turn?.words ?? [];
  const understood = understand(words, beforeLast(transcript.turns));
  const obstacle = obstacleTo(own, offered);
  const wasAsked = transcript.turns.at(-2)?.replies.join('').includes(everythingQuestion) ?? false;
  if (wasAsked && words.length > 0 && words.every(agrees)) {
    understood.changes.push({ type: 'forget-all' });
    understood.forgets = true;
  }
  const meant = settled(understood.changes);
  const isToAsk =
    obstacle === null && !wasAsked && !words.some(insists) && meant.some(({ type }) => type === 'forget-all');
  const changes = isToAsk ? meant.filter(({ type }) => type !== 'forget-all') : meant;
  const asked = readQuestions(words, { learned: changes.length > 0, orders: understood.orders });

  const saving = own ? save(own, transcript, changes, offered) : nothingSaved;
  if (saving.calls.length > 0) return { type: 'calls', calls: saving.calls };

  const folder = own ? folderAfter(own, transcript, true) : null;
  const needsAll = isToAsk || asked.questions.some(question => question.type === 'everything');
  if (folder && needsAll) {
    const calls = lookAround(folder, turn?.calls ?? [], offered);
    if (calls.length > 0) return { type: 'calls', calls };
  }

  const memory: Files = folder ? contentsOf(folder) : new Map();
  const unread = folder !== null && (folder.partial.size > 0 || (!folder.complete && !globbed(transcript)));
  const knowledge: Knowledge = {
    memory,
    known: withUnsaved(
      memory,
      obstacle === null ? changes : settled(saidIn(transcript.turns)),
      transcript.start.date,
    ),
    shared: new Map(
      mounts
        .filter(mount => mount.shared)
        .flatMap(mount => mount.files.map(file => [file.path, file.content] as const)),
    ),
    introduced: introducedIn(transcript),
    complete: !unread,
  };
  const outcomes = own ? saving.outcomes : changes.map(change => ({ change, status: 'failed' as const }));
  const told = [
    ...confirm(outcomes, saving.before, obstacle, saving.reason),
    ...(understood.forgets ? afterForgetting(outcomes) : []),
    ...(isToAsk ? [isEmpty(memory) ? nothingKept : everythingQuestion] : []),
    ...refusal(understood.refused),
    ...notUnderstood(understood.unread),
  ];
  return {
    type: 'reply',
    text: rest(compose(told, asked, understood, knowledge, transcript), turn?.replies ?? []),
  };
}

function compose(
  told: readonly string[],
  asked: ReturnType<typeof readQuestions>,
  understood: Understanding,
  knowledge: Knowledge,
  transcript: Transcript,
): string {
  const parts: string[] = [];
  const isUnread = understood.unread.length > 0;
  const answers = asked.questions
    .map(question => answer(question, knowledge))
    .filter(text => !isUnread || !text.startsWith(beyond));
  if (asked.greeting) parts.push(greeting(knowledge, transcript));
  if (told.length > 0) parts.push(told.join(' '));
  if (understood.unclearForget)
    parts.push(
      'Tell me what to forget, e.g. “forget my budget” or “forget everything”; “/preferences undo” takes back the last change.',
    );
  if (understood.unnamed) parts.push('Say who that is, e.g. “remember that my sister wears a 6”.');
  parts.push(...answers);
  if (understood.cut) parts.push('That was long, so I only looked for facts at the beginning.');
  if (
    understood.aboutOthers &&
    !asked.questions.some(question => question.type === 'find' && question.forOther !== null)
  ) {
    parts.push('I only learn about you. Say “remember that …” and I will keep it as a note.');
  }
  if (parts.length === 0 && asked.acknowledged) parts.push('All right.');
  if (parts.length === 0 && asked.thanks) parts.push("You're welcome.");
  if (parts.length === 0 && asked.farewell) parts.push('See you. I keep what I know about you.');
  if (parts.length === 0)
    parts.push(
      transcript.turns.at(-1)?.words.length
        ? cannot(knowledge.introduced)
        : withoutWords(knowledge.introduced),
    );

  // Once in a conversation, at its greeting or where it understood too little, unless the answer has said it already.
  const says = parts.some(part => part.includes(introduction));
  if ((asked.greeting || isUnread) && !knowledge.introduced && !says) parts.push(introduction);
  return parts.join('\n');
}

function greeting({ known }: Knowledge, { start, turns }: Transcript): string {
  // Whoever says a name of their own may not be called what the platform says.
  if (turns.at(-1)?.words.some(introducesItself)) return 'Hello!';
  const shown = start.person?.replace(/\s*\([^)]*\)$/, '').trim() ?? '';
  const name = filedValue(known, 'name') ?? (/^[\p{L}][\p{L}\p{M}' .-]{0,39}$/u.test(shown) ? shown : '');
  return name === '' ? 'Hello!' : `Hello ${name}!`;
}

function withoutWords(introduced: boolean): string {
  const text = 'I can only read text that you write yourself, not pictures, files or what others wrote.';
  return introduced ? text : `${text} ${introduction}`;
}

function obstacleTo(own: { writable: boolean } | undefined, offered: ReadonlySet<string>): Obstacle | null {
  if (own === undefined) return 'no memory';
  if (!own.writable) return 'read only';
  return offered.has('write') ? null : 'no tools';
}

/** Everything the person stated in these turns, in order: all there is to go by where nothing can be saved. */
function saidIn(turns: readonly Turn[]): Change[] {
  const said: Change[] = [];
  turns.forEach((turn, index) => {
    const shoes = turns[index - 1]?.words.some(mentionsShoes) ?? false;
    said.push(...understand(turn.words, { values: valuesOf(said), shoes }).changes);
  });
  return said;
}

function beforeLast(turns: readonly Turn[]): Before {
  const shoes = turns.at(-2)?.words.some(mentionsShoes) ?? false;
  return { values: valuesOf(saidIn(turns.slice(0, -1))), shoes };
}

function withUnsaved(memory: Files, changes: readonly Change[], date: string | null): Files {
  return changes.reduce((files, change) => applyChange(files, change, date), memory);
}

function globbed({ turns, toldIn }: Transcript): boolean {
  return turns
    .slice(toldIn)
    .some(turn => turn.calls.some(call => call.name === 'glob' && call.result?.isError === false));
}

function introducedIn({ turns }: Transcript): boolean {
  return turns.slice(0, -1).some(turn => turn.replies.some(reply => /offline model/i.test(reply)));
}

/** After a crash the runtime may ask for the rest of a reply that was already given: never say it twice. */
function rest(text: string, said: readonly string[]): string {
  const already = said.join('');
  return already !== '' && text.startsWith(already) ? text.slice(already.length) : text;
}

/** About four characters a token: an estimate, as nothing here is billed. */
function tokens(value: unknown): number {
  return Math.ceil(JSON.stringify(value).length / 4);
}
