/** What people see besides replies, as lines of text. Pure. */

import {
  type Author,
  type Conflict,
  type Forgettable,
  type FormField,
  type HistoryEntry,
  type LinkedAccount,
  lineOfChange,
  linesOfMemory,
  type MemorySection,
  type Notice,
  type PreferencesView,
  type UsedMemory,
  wordOfRemoval,
  wordsOfAuthor,
  wordsOfCount,
} from '../../core/views.ts';

/** How what is less important is set apart. */
export type Dim = (text: string) => string;

export const HELP = [
  'Just type. I remember what matters for next time.',
  '',
  'What I remember',
  '  /preferences                        all of it, with when and where I learned it',
  '  /preferences show TITLE             one note in full',
  '  /preferences why                    what I used for my last reply',
  '  /preferences history [TITLE] [PAGE] what changed, when and by whom',
  '  /preferences export [json|markdown] all of it in a file; in a pipe, printed',
  'Change it',
  '  /preferences set                    your usual facts, and how to set them',
  '  /preferences set FIELD VALUE        one of them; lists and sizes are added to,',
  '                                      a dash as VALUE clears the field, but no allergy',
  '  /preferences edit, new TITLE        write a note yourself',
  '  /preferences undo                   take back the last change, mine or yours; repeat for the one before',
  '  /preferences keep                   accept a change I held back',
  '  /preferences restore NUMBER         bring back an entry from the history',
  'Forget it (I ask before anything is deleted)',
  '  /preferences forget TITLE or FACT   one note, or one fact, from earlier versions as well',
  '  /preferences forget since DATE      everything I learned since, e.g. 2026-03-14',
  '  /preferences forget me              everything I have about you',
  'Choose how I remember',
  '  /preferences pause, resume          save nothing new; save again',
  '  /preferences private on, off        no memory in this conversation; delete what was said',
  '  /preferences notices MODE           on, private, off or default',
  'Choose where it may be used',
  '  /preferences share TITLE            also where others can read what I say',
  '  /preferences unshare TITLE          only in private conversations, as at first',
  '  /preferences link [CODE]            the same memory on your other accounts',
  '  /preferences unlink                 this account goes its own way, with a copy',
  '',
  '  /help                               this text',
  '  /quit, /exit                        leave',
  '  Ctrl-C                              stop the answer, or clear the line; twice: leave',
].join('\n');

export function renderNotice(notice: Notice): string {
  const lines = notice.changes.flatMap(linesOfMemory).map(line => `  ${line}`);
  if (notice.heldBecauseOf === undefined) return ['  memory updated', ...lines].join('\n');
  const source = notice.heldBecauseOf.join(', ');
  return [
    `  not saved yet, because I had just read ${source === '' ? 'what others wrote' : source}:`,
    ...lines,
    '  /preferences keep makes it part of your memory, /preferences undo leaves it out',
  ].join('\n');
}

export function renderView(view: PreferencesView, dim: Dim): string {
  switch (view.type) {
    case 'outcome':
      return view.sentence;
    case 'memory':
      return renderMemory(view, dim);
    case 'file':
      return [headOfNote(view.section, dim), indented(view.section.content)].join('\n');
    case 'form':
      return renderForm(view.fields, dim);
    case 'editor':
      return [view.draft.title, ...(view.draft.content === '' ? [] : [indented(view.draft.content)])].join(
        '\n',
      );
    case 'confirm':
      return [view.question, ...view.items.flatMap(renderItem)].join('\n');
    case 'receipt':
      return [view.sentence, ...view.counts.map(count => dim(`  ${wordsOfCount(count)}`))].join('\n');
    case 'conflict':
      return [...(view.sentence === '' ? [] : [view.sentence]), ...view.conflicts.map(renderConflict)].join(
        '\n\n',
      );
    case 'history':
      return renderHistory(view, dim);
    case 'export':
      return view.sentence;
    case 'why':
      return renderWhy(view, dim);
    case 'link-code':
      return [view.sentence, `  ${view.code}`, dim(`  (until ${clockTime(view.expiresAt)})`)].join('\n');
  }
}

function renderMemory(view: Extract<PreferencesView, { type: 'memory' }>, dim: Dim): string {
  const settings = [
    ...(view.paused ? ['Paused: I save nothing new. /preferences resume'] : []),
    ...(view.privateHere === true ? ['This conversation is private. /preferences private off'] : []),
    ...(view.linked.length === 0 ? [] : [`Linked: ${view.linked.map(wordsOfAccount).join(', ')}`]),
  ];
  const held = view.held === null ? [] : [renderNotice(view.held)];
  if (view.sections.length === 0) {
    return [...held, ['I remember nothing about you yet.', ...settings].join('\n')].join('\n\n');
  }
  return [
    ...held,
    'What I remember about you:',
    ...view.sections.map(section => renderSection(section, dim)),
    [...settings, `Notices: ${view.notices === 'thread' ? 'on' : view.notices}`].join('\n'),
  ].join('\n\n');
}

/** "Ann on Slack" */
function wordsOfAccount({ platform, name }: LinkedAccount): string {
  return `${name} on ${platform.charAt(0).toUpperCase()}${platform.slice(1)}`;
}

function headOfNote({ title, shared }: MemorySection, dim: Dim): string {
  return `${title} ${dim(shared ? '(also used where others can read)' : '(used in private only)')}`;
}

/** ISO 8601 as the clock on this machine says it, without seconds. */
function clockTime(at: string): string {
  return new Date(at).toLocaleTimeString('en', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
}

function renderSection(section: MemorySection, dim: Dim): string {
  const lines = section.facts.map(({ text, learnedOn, learnedBy }) => {
    const source = [learnedOn, learnedBy === null ? null : sourceOf(learnedBy)].filter(part => part !== null);
    return `  ${text}${source.length === 0 ? '' : dim(`  (${source.join(', ')})`)}`;
  });
  return [headOfNote(section, dim), ...(lines.length === 0 ? ['  (empty)'] : lines)].join('\n');
}

/** Where a fact is from; that the agent wrote it down goes without saying. */
function sourceOf(author: Author): string | null {
  switch (author.type) {
    case 'agent': {
      const { conversation } = author;
      if (conversation === null) return null;
      return `in ${conversation.words}${conversation.link === null ? '' : ` ${conversation.link}`}`;
    }
    case 'person':
      return 'by you';
    case 'bot':
    case 'operator':
      return `by ${wordsOfAuthor(author)}`;
  }
}

function renderForm(fields: readonly FormField[], dim: Dim): string {
  const width = Math.max(...fields.map(field => field.label.length));
  const lines = fields.map(({ label, value, hint }) => {
    const shown = value === '' ? dim(`e.g. ${hint}`) : value;
    return `  ${label.padEnd(width)}  ${shown}`;
  });
  const [first] = fields;
  const example =
    first === undefined ? [] : [`For example: /preferences set ${first.label.toLowerCase()}: ${first.hint}`];
  return ['Your usual facts:', ...lines, ...example].join('\n');
}

function renderItem({ title, lines, wholeFile }: Forgettable): string[] {
  return [`  ${title}${wholeFile ? ' (the whole note)' : ''}`, ...lines.map(line => `    − ${line}`)];
}

function renderConflict({ title, now, mine, meanwhile, wanted, labels }: Conflict): string {
  const change = (lines: Conflict['wanted']) => lines.map(line => `    ${lineOfChange(line)}`);
  return [
    `${title} ${labels?.now ?? 'as it is now'}${now === null ? ': gone' : ':'}`,
    ...(now === null ? [] : [indented(now)]),
    ...(meanwhile.length === 0 ? [] : ['  changed meanwhile:', ...change(meanwhile)]),
    `${title} ${labels?.mine ?? 'as you wrote it'}:`,
    indented(mine),
    ...(wanted.length === 0 || labels !== undefined ? [] : ['  your changes:', ...change(wanted)]),
  ].join('\n');
}

/** Entries are numbered over all pages, as `restore` names them. */
export function historyNumber(view: { page: number }, index: number, perPage: number): number {
  return view.page * perPage + index + 1;
}

export const HISTORY_PAGE = 10;

const VERBS = { created: 'created', modified: 'changed' };

function renderHistory(view: Extract<PreferencesView, { type: 'history' }>, dim: Dim): string {
  if (view.entries.length === 0) return view.page === 0 ? 'Nothing has changed yet.' : 'That is all.';
  const entries = view.entries.map((entry, index) =>
    renderEntry(entry, historyNumber(view, index, HISTORY_PAGE), dim),
  );
  const more = view.more ? [`There is more: /preferences history ${view.page + 2}`] : [];
  return [...entries, ...more].join('\n');
}

function renderEntry(entry: HistoryEntry, number: number, dim: Dim): string {
  const when = `${entry.at.slice(0, 10)} ${entry.at.slice(11, 16)} UTC`;
  const moved = entry.movedFrom === null ? '' : `, moved from ${entry.movedFrom}`;
  const link = entry.by.type === 'agent' ? (entry.by.conversation?.link ?? null) : null;
  const by = `by ${wordsOfAuthor(entry.by)}${link === null ? '' : ` ${link}`}`;
  return [
    `${String(number).padStart(3)}. ${entry.title} ${entry.operation === 'deleted' ? wordOfRemoval(entry.by) : VERBS[entry.operation]}${moved}${entry.current ? ' (as it is now)' : ''} ${dim(`${when}, ${by}`)}`,
    ...entry.lines.map(line => `     ${lineOfChange(line)}`),
  ].join('\n');
}

const HOW = { known: 'known from the start', read: 'read for it', written: 'written during it' } as const;

function renderWhy(view: Extract<PreferencesView, { type: 'why' }>, dim: Dim): string {
  const line = ({ title, how, forEveryone }: UsedMemory) =>
    `  ${title}${forEveryone ? ' (the same for everyone)' : ''} ${dim(how.map(it => HOW[it]).join(', '))}`;
  return [
    view.sentence,
    ...view.memories.map(line),
    ...(view.searched && view.memories.length > 0 ? [dim('  I also searched your whole memory.')] : []),
  ].join('\n');
}

function indented(text: string): string {
  return text.trimEnd().replace(/^/gm, '  ');
}
