/** What people see of their memory, as Slack blocks. Pure. */

import type { Question } from '../../core/adapter.ts';
import type { NoticeMode } from '../../core/message.ts';
import {
  lineOfChange,
  type MemorySection,
  type Notice,
  type PreferencesView,
  titleOfPath,
} from '../../core/views.ts';
import { escapeMrkdwn, inertMrkdwn } from './markdown.ts';
import type { Block } from './reply-blocks.ts';

/** Action ids; what a button is about is in its value. */
export const ACTIONS = {
  show: 'memory_show',
  forget: 'memory_forget',
  all: 'memory_all',
  undo: 'memory_undo',
  keep: 'memory_keep',
  leave: 'memory_leave',
  notices: 'memory_notices',
  allow: 'ask_allow',
  deny: 'ask_deny',
} as const;

export const MEMORY_MODAL = 'memory';

const MAX_SECTION_TEXT = 2_900;
/** All text of one message; Slack takes about 13,200 characters. */
const MAX_MESSAGE_TEXT = 10_000;
const MAX_MESSAGE_BLOCKS = 46;
const MAX_VIEW_BLOCKS = 96;
/** A view takes 250,000 bytes as JSON. */
const MAX_VIEW_TEXT = 60_000;
/** Of the two buttons below a note, with what they ask. */
const BUTTONS_TEXT = 250;
const MAX_NOTICE_LINES = 12;
/** Of a text object's 3,000, next to the title. */
const MAX_NOTICE_TEXT = 1_400;
const MAX_LINE = 250;
const MAX_TITLE = 100;
/** Five times as long once escaped, and a text object takes 3,000 characters. */
const MAX_SENTENCE = 280;
const MAX_FALLBACK = 200;

export interface MessageContent {
  /** For notifications. */
  text: string;
  blocks: Block[];
}

/** /preferences, in a message that only the person sees. */
export function viewMessage(view: PreferencesView): MessageContent {
  return {
    text: fallback(sentenceOf(view)),
    blocks: viewBlocks(view, { blocks: MAX_MESSAGE_BLOCKS, text: MAX_MESSAGE_TEXT, all: true }),
  };
}

export function homeView(view: PreferencesView): Block {
  return {
    type: 'home',
    blocks: viewBlocks(view, { blocks: MAX_VIEW_BLOCKS, text: MAX_VIEW_TEXT, all: false }),
  };
}

/** `sentence`: the outcome of what was just done, shown on top. */
export function modalView(view: PreferencesView, sentence?: string): Block {
  const top = sentence === undefined ? [] : [section(inertMrkdwn(clip(sentence, MAX_SENTENCE))), DIVIDER];
  return {
    type: 'modal',
    callback_id: MEMORY_MODAL,
    title: plain(view.type === 'file' ? clip(view.section.title, 24) : 'Your memory'),
    close: plain('Close'),
    blocks: [
      ...top,
      ...viewBlocks(view, { blocks: MAX_VIEW_BLOCKS - top.length, text: MAX_VIEW_TEXT, all: false }),
    ],
  };
}

export function waitingModal(): Block {
  return {
    type: 'modal',
    callback_id: MEMORY_MODAL,
    title: plain('Your memory'),
    close: plain('Close'),
    blocks: [section('One moment…')],
  };
}

interface Room {
  blocks: number;
  text: number;
  /** Whether what does not fit can be opened with a button. */
  all: boolean;
}

function viewBlocks(view: PreferencesView, room: Room): Block[] {
  switch (view.type) {
    case 'file':
      return fileBlocks(view.section, room);
    case 'memory':
      return memoryBlocks(view, room);
    default:
      return [section(inertMrkdwn(clip(sentenceOf(view), MAX_SENTENCE)))];
  }
}

function sentenceOf(view: PreferencesView): string {
  switch (view.type) {
    case 'file':
      return view.section.title;
    case 'memory':
      return 'What I remember about you';
    case 'form':
      return 'What I should know';
    case 'editor':
      return view.draft.title;
    case 'confirm':
      return view.question;
    case 'history':
      return 'What changed';
    default:
      return view.sentence;
  }
}

function memoryBlocks(view: Extract<PreferencesView, { type: 'memory' }>, room: Room): Block[] {
  const head: Block[] = [{ type: 'header', text: plain('What I remember about you') }];
  const foot = [DIVIDER, ...noticeSettings(view.notices, view.noticesAreDefault)];
  if (view.sections.length === 0) {
    return [
      ...head,
      section('Nothing yet. Tell me what you like, and I will keep it for next time.'),
      ...foot,
    ];
  }
  const blocks: Block[] = [];
  let text = 0;
  let shown = 0;
  for (const it of view.sections) {
    const words = summaryOf(it);
    const fits =
      head.length + blocks.length + 2 + foot.length + 1 <= room.blocks &&
      text + words.length + BUTTONS_TEXT <= room.text;
    if (!fits) break;
    blocks.push(section(words), actions([showButton(it), forgetButton(it)]));
    text += words.length + BUTTONS_TEXT;
    shown += 1;
  }
  const left = view.sections.length - shown;
  if (left > 0) {
    const more = `And ${left} more note${left === 1 ? '' : 's'}.`;
    blocks.push(
      room.all ? { ...section(more), accessory: button('See all', ACTIONS.all, 'all') } : section(more),
    );
  }
  return [...head, ...blocks, ...foot];
}

function summaryOf(it: MemorySection): string {
  const title = `*${inertMrkdwn(clip(it.title, MAX_TITLE))}*`;
  if (it.lines.length === 0) return `${title}\n_(empty)_`;
  const lines: string[] = [];
  let length = title.length;
  for (const line of it.lines) {
    const item = `\n• ${inertMrkdwn(clip(line, MAX_LINE))}`;
    if (length + item.length > 1_200) break;
    lines.push(item);
    length += item.length;
  }
  const left = it.lines.length - lines.length;
  return `${title}${lines.join('')}${left === 0 ? '' : `\n_and ${left} more_`}`;
}

/** The note as it is stored, every character of it. */
function fileBlocks(it: MemorySection, room: Room): Block[] {
  const blocks: Block[] = [section(`*${escapeMrkdwn(clip(it.title, MAX_TITLE))}*`)];
  let shown = 0;
  let text = 0;
  const content = it.content.trimEnd();
  while (shown < content.length && blocks.length < room.blocks - 2 && text + MAX_SECTION_TEXT <= room.text) {
    const piece = wholePiece(content.slice(shown));
    const words = escapeMrkdwn(piece);
    blocks.push(section(words));
    shown += piece.length;
    text += words.length;
  }
  if (content === '') blocks.push(section('_(empty)_'));
  if (shown < content.length) blocks.push(section(`_And ${content.length - shown} more characters._`));
  return [...blocks, actions([forgetButton(it)])];
}

/** As much of a text as fits into one section once escaped, up to a line end if there is one. */
function wholePiece(text: string): string {
  let end = 0;
  for (let length = 0; end < text.length; end += 1) {
    length += escapeMrkdwn(text.charAt(end)).length;
    if (length > MAX_SECTION_TEXT) break;
  }
  if (end === text.length) return text;
  const line = text.lastIndexOf('\n', end - 1) + 1;
  if (line > 0) return text.slice(0, line);
  return /[\uD800-\uDBFF]$/.test(text.slice(0, end)) ? text.slice(0, end - 1) : text.slice(0, end);
}

const MODE_LABELS: Record<NoticeMode, string> = {
  thread: 'shown below the reply',
  private: 'shown to you alone',
  off: 'off',
};

function noticeSettings(mode: NoticeMode, isDefault: boolean): Block[] {
  const label = `Memory notices: *${MODE_LABELS[mode]}*${isDefault ? ' (as set up here)' : ''}`;
  const others = (['thread', 'private', 'off'] as const).filter(other => other !== mode);
  const names = { thread: 'Show below the reply', private: 'Show to me alone', off: 'Turn off' };
  return [
    context(label),
    actions(others.map(other => button(names[other], `${ACTIONS.notices}_${other}`, other))),
  ];
}

/**
 * Buttons name the installation they belong to: pressed by somebody from another workspace, Slack's payload
 * speaks of theirs.
 */
export function blockIdOf(tenant: string, what: string): string {
  return `${tenant}:${what}`;
}

/** `owner`: the person's user id; nobody else can press the buttons. */
export function noticeMessage(notice: Notice, tenant: string, owner: string): MessageContent {
  const held = notice.heldBecauseOf;
  const title = held === undefined ? 'Memory updated' : heldTitle(held);
  const value = JSON.stringify({ notice: notice.id, owner });
  const buttons =
    held === undefined
      ? [button('See all', ACTIONS.all, value), button('Undo', ACTIONS.undo, value)]
      : [button('Save it', ACTIONS.keep, value), button('Leave it', ACTIONS.leave, value)];
  return {
    text: fallback(title),
    blocks: [
      context([inertMrkdwn(clip(title, MAX_SENTENCE)), ...noticeLines(notice)].join('\n')),
      { ...actions(buttons), block_id: blockIdOf(tenant, 'notice') },
    ],
  };
}

function heldTitle(sources: readonly string[]): string {
  const read = sources.length === 0 ? 'something by somebody else' : sources.join(' and ');
  return `I read ${read} before I wanted to note this, so I have not saved it. Is it from you?`;
}

function noticeLines(notice: Notice): string[] {
  const lines = notice.changes.flatMap(change => [
    `*${inertMrkdwn(clip(titleOfPath(change.path), MAX_TITLE))}*${change.operation === 'deleted' ? ' (forgotten)' : ''}`,
    ...change.lines.map(line => inertMrkdwn(clip(lineOfChange(line), MAX_LINE))),
  ]);
  const shown: string[] = [];
  let room = MAX_NOTICE_TEXT;
  for (const line of lines.slice(0, MAX_NOTICE_LINES)) {
    room -= line.length + 1;
    if (room < 0) break;
    shown.push(line);
  }
  const left = lines.length - shown.length;
  return left === 0 ? shown : [...shown, `and ${left} more lines`];
}

/** What a notice becomes once it was undone: quiet, and without buttons. */
export function settledNotice(sentence: string): MessageContent {
  return quietLine(sentence);
}

/** `key` names the question to those who press. */
export function questionMessage(
  question: Question,
  tenant: string,
  key: string,
  withDetail: boolean,
): MessageContent {
  const detail = withDetail && question.detail !== '' ? [codeSection(question.detail)] : [];
  return {
    text: fallback(question.text),
    blocks: [
      section(inertMrkdwn(clip(question.text, MAX_SENTENCE))),
      ...detail,
      {
        ...actions([
          { ...button('Approve', ACTIONS.allow, key), style: 'primary' },
          { ...button('Deny', ACTIONS.deny, key), style: 'danger' },
        ]),
        block_id: blockIdOf(tenant, 'question'),
      },
    ],
  };
}

export function detailMessage(detail: string): MessageContent {
  return { text: 'Exactly this:', blocks: [section('Exactly this:'), codeSection(detail)] };
}

export function answeredQuestion(question: Question, outcome: string): MessageContent {
  return quietLine(`${clip(question.text, MAX_SENTENCE)} ${outcome}`);
}

function quietLine(text: string): MessageContent {
  return { text: fallback(text), blocks: [context(inertMrkdwn(clip(text, MAX_SENTENCE)))] };
}

const HELP = [
  '`/preferences` shows what I remember about you',
  '`/preferences notices on`, `off` or `private` says how I tell you what I changed',
  '`/preferences help` shows this',
].join('\n');

export function sentenceMessage(sentence: string): MessageContent {
  return { text: fallback(sentence), blocks: [section(inertMrkdwn(clip(sentence, MAX_SENTENCE)))] };
}

export function helpMessage(): MessageContent {
  return { text: 'What /preferences can do', blocks: [section(HELP)] };
}

const DIVIDER: Block = { type: 'divider' };

function plain(text: string): Block {
  return { type: 'plain_text', text, emoji: false };
}

/** Nothing in it becomes a link or a mention by itself. */
function section(mrkdwn: string): Block {
  return { type: 'section', text: { type: 'mrkdwn', text: mrkdwn, verbatim: true } };
}

function context(mrkdwn: string): Block {
  return { type: 'context', elements: [{ type: 'mrkdwn', text: mrkdwn, verbatim: true }] };
}

/** The text of notifications. */
function fallback(text: string): string {
  return inertMrkdwn(clip(text, MAX_FALLBACK));
}

function codeSection(text: string): Block {
  return {
    type: 'section',
    text: { type: 'plain_text', text: clip(text, MAX_SECTION_TEXT), emoji: false },
  };
}

function actions(elements: Block[]): Block {
  return { type: 'actions', elements };
}

function button(label: string, action: string, value: string): Block {
  return { type: 'button', text: plain(label), action_id: action, value };
}

function showButton(it: MemorySection): Block {
  return button('View in full', ACTIONS.show, it.memoryId);
}

function forgetButton(it: MemorySection): Block {
  return {
    ...button('Forget', ACTIONS.forget, it.memoryId),
    confirm: {
      title: plain('Forget this note?'),
      text: plain(`I will no longer remember “${clip(it.title, 100)}”.`),
      confirm: plain('Forget'),
      deny: plain('Keep'),
    },
  };
}

/** At most `length` UTF-16 units, and no half characters. */
function clip(text: string, length: number): string {
  if (text.length <= length) return text;
  let kept = '';
  for (const point of text) {
    if (kept.length + point.length >= length) break;
    kept += point;
  }
  return `${kept}…`;
}
