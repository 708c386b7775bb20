/** What people see besides replies, as lines of text. Pure. */

import { type Item, type Panel, panelOf, type Quiet } from '../../core/panels.ts';
import {
  type Conflict,
  type FormField,
  lineOfChange,
  linesOfMemory,
  type MemorySection,
  type Notice,
  type PreferencesView,
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
    case 'conflict':
      return [...(view.sentence === '' ? [] : [view.sentence]), ...view.conflicts.map(renderConflict)].join(
        '\n\n',
      );
    case 'history':
      return renderHistory(view, dim);
    case 'export':
      return view.sentence;
    default:
      return renderPanel(panelOf(view), dim);
  }
}

function renderPanel({ title, sentence, code, items, quiet }: Panel, dim: Dim): string {
  return [
    ...(title === undefined ? [] : [`${title}:`]),
    ...(sentence === undefined ? [] : [sentence]),
    ...(code === undefined ? [] : [`  ${code}`]),
    ...items.flatMap(item => linesOfItem(item, dim)),
    ...quiet.map(each => dim(`  ${quietText(each)}`)),
  ].join('\n');
}

/** `lead`: what stands before it, as a number. */
function linesOfItem({ title, mark, lines, quiet }: Item, dim: Dim, lead = '  '): string[] {
  const from = quiet.length === 0 ? '' : dim(`  (${quietText(quiet)})`);
  const head = title === undefined ? [] : [`${lead}${title}${mark === undefined ? '' : ` ${mark}`}${from}`];
  const indent = title === undefined ? '  ' : `${' '.repeat(lead.length)}  `;
  return [
    ...head,
    ...lines.map((line, index) => `${indent}${line}${title === undefined && index === 0 ? from : ''}`),
  ];
}

function quietText(all: readonly Quiet[]): string {
  return all
    .map(it => {
      if (typeof it === 'string') return it;
      return 'at' in it ? `${it.before}${localTime(it.at)}` : `${it.before}${it.words} ${it.link}`;
    })
    .join(', ');
}

/** ISO 8601 as the clock on this machine says it: "2026-03-14 10:10". */
function localTime(at: string): string {
  return new Date(at).toLocaleString('sv', { dateStyle: 'short', timeStyle: 'short' });
}

function renderMemory(view: Extract<PreferencesView, { type: 'memory' }>, dim: Dim): string {
  const panel = panelOf(view);
  const waysOut = panel.buttons.flatMap(({ action }) => {
    if (action.type === 'resume') return ['/preferences resume'];
    return action.type === 'private' && !action.on ? ['/preferences private off'] : [];
  });
  return [
    ...(view.held === null ? [] : [renderNotice(view.held)]),
    renderPanel({ ...panel, items: [], quiet: [] }, dim),
    ...view.sections.map(section => renderNote(section, dim)),
    [
      ...panel.quiet.map(quietText),
      ...waysOut.map(way => `  ${way}`),
      ...panel.modes.flatMap(({ label, chosen }) => (chosen ? [label] : [])),
    ].join('\n'),
  ].join('\n\n');
}

function headOfNote(section: MemorySection, dim: Dim): string {
  const [where = []] = panelOf({ type: 'file', section }).quiet;
  return `${section.title} ${dim(`(${quietText(where)})`)}`;
}

function renderNote(section: MemorySection, dim: Dim): string {
  const facts = panelOf({ type: 'file', section }).items.flatMap(item => linesOfItem(item, dim));
  return [headOfNote(section, dim), ...(facts.length === 0 ? ['  (empty)'] : facts)].join('\n');
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

function renderHistory(view: Extract<PreferencesView, { type: 'history' }>, dim: Dim): string {
  const panel = panelOf(view);
  const entries = panel.items.flatMap((item, index) =>
    linesOfItem(item, dim, `${String(historyNumber(view, index, HISTORY_PAGE)).padStart(3)}. `),
  );
  const more = view.more ? [`There is more: /preferences history ${view.page + 2}`] : [];
  return [renderPanel({ ...panel, items: [] }, dim), ...entries, ...more].join('\n');
}

function indented(text: string): string {
  return text.trimEnd().replace(/^/gm, '  ');
}
