/** Everything a command may be answered with, as blocks. Pure. */

import { type PreferencesView, wordsOfCount } from '../../../core/views.ts';
import { type Block, context, line, plain, section, sentence, textSections } from '../blocks.ts';
import { confirmBlocks, conflictsBlocks } from './decision-panels.ts';
import { historyBlocks, whyBlocks } from './history-panel.ts';
import { memoryBlocks } from './memory-overview.ts';
import { fullNoteBlocks } from './note-panel.ts';
import type { Room } from './panel-room.ts';

type View<T extends PreferencesView['type']> = Extract<PreferencesView, { type: T }>;

/** Forms are not here: they need a window of their own. */
export function panelBlocks(view: PreferencesView, room: Room): Block[] {
  switch (view.type) {
    case 'memory':
      return memoryBlocks(view, room);
    case 'file':
      return fullNoteBlocks(view.section, room, room.from);
    case 'conflict':
      return conflictsBlocks(view, room);
    case 'confirm':
      return confirmBlocks(view, room);
    case 'receipt':
      return [
        section(
          [sentence(view.sentence), ...view.counts.map(it => `• ${line(wordsOfCount(it))}`)].join('\n'),
        ),
      ];
    case 'history':
      return historyBlocks(view, room);
    case 'export':
      return exportBlocks(view, room);
    case 'why':
      return whyBlocks(view, room);
    case 'outcome':
      return [section(sentence(view.sentence))];
    case 'link-code':
      return linkCodeBlocks(view);
    case 'form':
      return [section('This opens in a window: type `/preferences edit`.')];
    case 'editor':
      return [section('This opens in a window: use the buttons of `/preferences`.')];
  }
}

/** In a few words, for notifications and windows. A code is for the eyes, not for notifications. */
export function headingOf(view: PreferencesView): string {
  switch (view.type) {
    case 'memory':
      return 'What I remember about you';
    case 'file':
      return view.section.title;
    case 'form':
      return 'The usual facts';
    case 'editor':
      return view.draft.title;
    case 'confirm':
      return view.question;
    case 'history':
      return 'What changed';
    case 'why':
      return 'What I used';
    case 'link-code':
      return 'A code for your other account';
    case 'conflict':
    case 'receipt':
    case 'export':
    case 'outcome':
      return view.sentence;
  }
}

export function linkCodeBlocks(view: View<'link-code'>): Block[] {
  const at = new Date(view.expiresAt);
  // In the person's own time zone; the words after the bar are for clients that cannot say it.
  const until = `<!date^${Math.floor(at.getTime() / 1_000)}^{time}|${at.toISOString().slice(11, 16)} UTC>`;
  return [
    section(sentence(view.sentence)),
    { type: 'header', text: plain(view.code) },
    context(`It is valid until ${until}.`),
  ];
}

function exportBlocks(view: View<'export'>, room: Room): Block[] {
  const { blocks, left } = textSections(view.file.content, {
    blocks: room.blocks - 4,
    characters: room.characters - 400,
  });
  return [
    section(`${sentence(view.sentence)}\n_${line(view.file.name)}_`),
    ...blocks,
    ...(left === 0 ? [] : [section(`_And ${left} more characters, which do not fit here._`)]),
  ];
}
