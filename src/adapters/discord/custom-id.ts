/**
 * What a button, menu or form says when it is used: an action, whom it is for, and what it is about. Discord keeps
 * at most 100 characters and hands them back as they are, also from messages of an earlier process.
 */

export type PressedAction =
  /** Stop the reply that is being written in a conversation. */
  | { type: 'stop'; channel: string }
  /** Answer a question of the agent. */
  | { type: 'answer'; question: string; allow: boolean }
  /** What exactly a question is about, for its owner's eyes. */
  | { type: 'details'; question: string }
  /** `quiet`: from a line that others see, which must not tell what it is about. */
  | { type: 'undo'; noticeId: string; quiet: boolean }
  /** What a notice on a public line is about, for its owner's eyes. */
  | { type: 'notice'; noticeId: string }
  | { type: 'memory'; page: number; fresh: boolean }
  | { type: 'file'; memoryId: string; page: number }
  | { type: 'forget'; memoryId: string; confirmed: boolean }
  | { type: 'notices' }
  /** The form of the message command; `about` names the message. */
  | { type: 'ask'; about: string };

export interface Pressed {
  /** The only person who may use it. */
  owner: string;
  action: PressedAction;
}

const MAX_LENGTH = 100;

export function customId(owner: string, action: PressedAction): string {
  const id = [owner, ...fieldsOf(action)].join(':');
  if (id.length > MAX_LENGTH) throw new Error(`a custom id of ${id.length} characters`);
  return id;
}

/** Null for what is not ours, or from a version that said it differently. */
export function readCustomId(id: string): Pressed | null {
  const [owner, type, a, b] = id.split(':');
  if (owner === undefined || type === undefined) return null;
  const action = actionOf(type, a, b);
  return action === null ? null : { owner, action };
}

function fieldsOf(action: PressedAction): (string | number)[] {
  switch (action.type) {
    case 'stop':
      return ['stop', action.channel];
    case 'answer':
      return ['answer', action.question, action.allow ? 'yes' : 'no'];
    case 'details':
      return ['details', action.question];
    case 'undo':
      return ['undo', action.noticeId, action.quiet ? 'quiet' : 'open'];
    case 'notice':
      return ['notice', action.noticeId];
    case 'memory':
      return ['memory', action.page, action.fresh ? 'fresh' : 'here'];
    case 'file':
      return ['file', action.memoryId, action.page];
    case 'forget':
      return ['forget', action.memoryId, action.confirmed ? 'yes' : 'ask'];
    case 'notices':
      return ['notices'];
    case 'ask':
      return ['ask', action.about];
  }
}

function actionOf(type: string, a: string | undefined, b: string | undefined): PressedAction | null {
  switch (type) {
    case 'notices':
      return { type };
    case 'stop':
      return a === undefined ? null : { type, channel: a };
    case 'answer':
      return a === undefined ? null : { type, question: a, allow: b === 'yes' };
    case 'details':
      return a === undefined ? null : { type, question: a };
    case 'undo':
      return a === undefined ? null : { type, noticeId: a, quiet: b === 'quiet' };
    case 'notice':
      return a === undefined ? null : { type, noticeId: a };
    case 'memory':
      return { type, page: pageOf(a), fresh: b === 'fresh' };
    case 'file':
      return a === undefined ? null : { type, memoryId: a, page: pageOf(b) };
    case 'forget':
      return a === undefined ? null : { type, memoryId: a, confirmed: b === 'yes' };
    case 'ask':
      return a === undefined ? null : { type, about: a };
    default:
      return null;
  }
}

function pageOf(value: string | undefined): number {
  const page = Number(value);
  return Number.isInteger(page) && page >= 0 ? page : 0;
}
