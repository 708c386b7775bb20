/** What changed, and which memories a reply had before it. Pure. */

import { type HistoryEntry, lineOfChange, type PreferencesView, wordOfRemoval } from '../../../core/views.ts';
import { actions, type Block, context, line, lines, section, sentence, title } from '../blocks.ts';
import { memoryButton } from './memory-buttons.ts';
import { authorText } from './note-panel.ts';
import { BUTTONS_CHARACTERS, ENTRY_CHARACTERS, fitting, type Room } from './panel-room.ts';

type View<T extends PreferencesView['type']> = Extract<PreferencesView, { type: T }>;

/** `from` of the room: the entry of this page to begin with. */
export function historyBlocks(view: View<'history'>, room: Room): Block[] {
  const { page, more, memoryId } = view;
  const from = room.from ?? 0;
  const entries = view.entries.slice(from);
  const head = section('*What changed*, newest first');
  if (entries.length === 0)
    return [head, section(page === 0 && from === 0 ? 'Nothing yet.' : 'Nothing more.')];
  const shown = fitting(
    entries.map(entry => [entryBlock(entry)]),
    room,
    3,
    BUTTONS_CHARACTERS,
  );
  const of = memoryId === null ? {} : { memoryId };
  const turn = (label: string, to: number, at: number) =>
    memoryButton(label, { type: 'history', page: to, ...of }, `_${label.toLowerCase()}`, { from: at });
  // What has no room here is older as well.
  const isCut = shown.length < entries.length;
  const turns = [
    ...(from > 0 ? [turn('Newer', page, 0)] : page > 0 ? [turn('Newer', page - 1, 0)] : []),
    ...(isCut ? [turn('Older', page, from + shown.length)] : more ? [turn('Older', page + 1, 0)] : []),
  ];
  return [head, ...shown, ...(turns.length === 0 ? [] : [actions(turns)])];
}

const OPERATIONS = { created: 'noted', modified: 'changed' };

function entryBlock(entry: HistoryEntry): Block {
  const when = `${entry.at.slice(0, 16).replace('T', ' ')} UTC`;
  const words = section(
    [
      `${title(entry.title)} ${entry.operation === 'deleted' ? wordOfRemoval(entry.by) : OPERATIONS[entry.operation]}`,
      ...lines(
        entry.lines.map(change => line(lineOfChange(change))),
        ENTRY_CHARACTERS,
      ),
      `_${when}, by ${authorText(entry.by)}_`,
    ].join('\n'),
  );
  if (!entry.restorable || entry.current) return words;
  const revision = entry.revision === null ? {} : { revision: entry.revision };
  return {
    ...words,
    accessory: memoryButton('Bring back', { type: 'restore', versionId: entry.versionId, ...revision }),
  };
}

const HOW = { known: 'known from the start', read: 'read for this', written: 'written' };

export function whyBlocks(view: View<'why'>, room: Room): Block[] {
  const used = view.memories.map((it): Block[] => {
    const how = [...it.how.map(each => HOW[each]), ...(it.forEveryone ? ['the same for everyone'] : [])];
    const words = section(`${title(it.title)}\n_${how.join(', ')}_`);
    if (it.memoryId === null) return [words];
    return [{ ...words, accessory: memoryButton('View in full', { type: 'show', memoryId: it.memoryId }) }];
  });
  const searched = view.searched ? [context('A tool also went through your whole memory.')] : [];
  return [section(sentence(view.sentence)), ...fitting(used, room, 3), ...searched];
}
