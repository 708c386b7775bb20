/** What people see of their memory: in messages, windows and on the Home tab. Pure. */

import type { PreferencesView } from '../../core/views.ts';
import {
  type Block,
  clip,
  DIVIDER,
  fallback,
  type MessageContent,
  plain,
  section,
  sentence,
} from './blocks.ts';
import { memoryButton } from './memory-buttons.ts';
import { editorWindow, formWindow } from './memory-forms.ts';
import { headingOf, panelBlocks } from './memory-panels.ts';

const IN_MESSAGE = { blocks: 46, characters: 10_000, opens: true };
/** A view takes 250,000 bytes as JSON. */
const IN_VIEW = { blocks: 94, characters: 60_000, opens: false };
const TOO_LONG = 'This note is too long to be edited here. Tell me in a message what should change.';

/** In a message that only the person sees. `said`: what was just done. */
export function viewMessage(view: PreferencesView, said?: string): MessageContent {
  const top = said === undefined ? [] : [section(sentence(said))];
  return { text: fallback(said ?? headingOf(view)), blocks: [...top, ...panelBlocks(view, IN_MESSAGE)] };
}

export function homeView(view: PreferencesView): Block {
  return { type: 'home', blocks: panelBlocks(view, IN_VIEW) };
}

/** A window. `said`: what was just done. */
export function modalView(view: PreferencesView, said?: string): Block {
  if (view.type === 'form') return formWindow(view.formId, view.fields);
  if (view.type === 'editor') {
    return editorWindow(view.draft) ?? modalView({ type: 'outcome', ok: false, sentence: TOO_LONG });
  }
  const top = said === undefined ? [] : [section(sentence(said)), DIVIDER];
  const back =
    view.type === 'memory'
      ? []
      : [{ type: 'actions', elements: [memoryButton('Back to my memory', { type: 'view' }, '_back')] }];
  return {
    type: 'modal',
    title: plain(view.type === 'file' ? clip(view.section.title, 24) : 'Your memory'),
    close: plain('Close'),
    blocks: [...top, ...panelBlocks(view, IN_VIEW), ...back],
  };
}

/** Opened at once, because Slack gives three seconds and the memory may take longer. */
export function waitingModal(): Block {
  return {
    type: 'modal',
    title: plain('Your memory'),
    close: plain('Close'),
    blocks: [section('One moment…')],
  };
}

export function sentenceMessage(text: string): MessageContent {
  return { text: fallback(text), blocks: [section(sentence(text))] };
}

const HELP = [
  '`/preferences` shows what I remember about you',
  '`/preferences edit` the usual facts as a form',
  '`/preferences history` what changed, and who changed it',
  '`/preferences pause`, `resume` stop and go on writing new things',
  '`/preferences private on`, `off` for the conversation you were last in here',
  '`/preferences why` what my last answer to you was based on',
  '`/preferences export` everything, to take along',
  '`/preferences forget me` everything, for good',
  '`/preferences notices on`, `off` or `private` how I tell you what I changed',
].join('\n');

export function helpMessage(): MessageContent {
  return { text: 'What /preferences can do', blocks: [section(HELP)] };
}
