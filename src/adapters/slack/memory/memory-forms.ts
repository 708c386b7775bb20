/** Windows in which a person writes into their memory: the usual facts, or a note as it is. */

import { z } from 'zod';
import type { CommandAction } from '../../../core/message.ts';
import { clip, linePieces } from '../../../core/reply/text-split.ts';
import type { Draft, FormField } from '../../../core/views.ts';
import { type Block, context, plain, sentence, textSections } from '../blocks.ts';

export const FORM_WINDOW = 'memory_form';
export const EDITOR_WINDOW = 'memory_editor';
export const LINK_WINDOW = 'memory_link';

/** An input takes 3,000 characters. */
const INPUT_CHARACTERS = 3_000;
const PIECE_CHARACTERS = 2_800;
const MOST_PIECES = 40;
const TITLE_INPUT = 'title';
const CODE_INPUT = 'code';

/** A value that would not fit is left out: sent back as it was cut, it would replace what is remembered. */
export function formWindow(formId: string, fields: readonly FormField[]): Block {
  const long = fields.filter(({ value }) => value.length > INPUT_CHARACTERS);
  const names = long.map(({ label }) => label).join(', ');
  return {
    type: 'modal',
    callback_id: FORM_WINDOW,
    private_metadata: JSON.stringify({ formId }),
    title: plain('The usual facts'),
    submit: plain('Save'),
    close: plain('Cancel'),
    blocks: [
      ...fields
        .filter(field => !long.includes(field))
        .map(field =>
          input(field.name, field.label, {
            value: field.value,
            placeholder: field.several ? `${field.hint} (commas between values)` : field.hint,
          }),
        ),
      ...(long.length === 0 ? [] : [context(`Too long for a form, so left as it is: ${sentence(names)}`)]),
    ],
  };
}

/** Null for a text that would not come back whole from such a window. */
export function editorWindow(draft: Draft): Block | null {
  const pieces = linePieces(draft.content, { aim: PIECE_CHARACTERS, most: INPUT_CHARACTERS });
  if (pieces === null || pieces.length > MOST_PIECES) return null;
  const now = draft.now === null ? [] : textSections(draft.now, { blocks: 10, characters: 20_000 }).blocks;
  return {
    type: 'modal',
    callback_id: EDITOR_WINDOW,
    private_metadata: JSON.stringify({ memoryId: draft.memoryId, revision: draft.revision }),
    title: plain(draft.memoryId === null ? 'New note' : clip(draft.title, 24)),
    submit: plain('Save'),
    close: plain('Cancel'),
    blocks: [
      ...(now.length === 0 ? [] : [context('What it says now:'), ...now]),
      ...(draft.memoryId === null
        ? [input(TITLE_INPUT, 'Title', { value: draft.title, required: true, placeholder: 'Gift ideas' })]
        : []),
      ...pieces.map((piece, index) =>
        input(`text_${index}`, index === 0 ? 'One fact per line' : 'Continued', {
          value: piece,
          multiline: true,
          required: draft.memoryId === null && index === 0,
        }),
      ),
    ],
  };
}

/** A code to take to another account, and room for one that came from there. */
export function linkWindow(code: readonly Block[]): Block {
  return {
    type: 'modal',
    callback_id: LINK_WINDOW,
    private_metadata: '{}',
    title: plain('Link an account'),
    submit: plain('Link'),
    close: plain('Close'),
    blocks: [
      ...code,
      { type: 'divider' },
      input(CODE_INPUT, 'Or do you have a code from your other account?', {
        value: '',
        required: true,
        placeholder: 'The code I showed you there',
      }),
    ],
  };
}

interface InputOptions {
  value: string;
  placeholder?: string;
  multiline?: boolean;
  required?: boolean;
}

function input(id: string, label: string, { value, placeholder, multiline, required }: InputOptions): Block {
  return {
    type: 'input',
    block_id: id,
    optional: required !== true,
    label: plain(clip(label, 150)),
    element: {
      type: 'plain_text_input',
      action_id: 'value',
      multiline: multiline === true,
      max_length: INPUT_CHARACTERS,
      ...(value === '' ? {} : { initial_value: clip(value, INPUT_CHARACTERS) }),
      ...(placeholder === undefined ? {} : { placeholder: plain(clip(placeholder, 140)) }),
    },
  };
}

const submission = z.looseObject({
  callback_id: z.string(),
  private_metadata: z.string(),
  state: z.looseObject({
    values: z.record(z.string(), z.record(z.string(), z.looseObject({ value: z.string().nullish() }))),
  }),
});
const formMetadata = z.object({ formId: z.string() });
const editorMetadata = z.object({ memoryId: z.string().nullable(), revision: z.string().nullable() });

/** What a submitted window asks for. `view` is the payload's. */
export function readSubmission(view: unknown): CommandAction {
  const { callback_id, private_metadata, state } = submission.parse(view);
  const metadata: unknown = JSON.parse(private_metadata);
  const written = Object.entries(state.values).map(([id, { value }]) => [id, value?.value ?? ''] as const);
  if (callback_id === FORM_WINDOW) {
    const values = Object.fromEntries(written.map(([name, value]) => [name, value.trim()]));
    return { type: 'set', values, formId: formMetadata.parse(metadata).formId };
  }
  if (callback_id === LINK_WINDOW) {
    const code = written.find(([id]) => id === CODE_INPUT)?.[1] ?? '';
    return { type: 'link', code: code.trim(), confirmed: false };
  }
  const { memoryId, revision } = editorMetadata.parse(metadata);
  const number = (id: string) => Number(id.replace('text_', ''));
  const content = `${written
    .filter(([id]) => id.startsWith('text_'))
    .sort(([a], [b]) => number(a) - number(b))
    .map(([, value]) => value)
    .join('\n')
    .trimEnd()}\n`;
  if (memoryId !== null && revision !== null) return { type: 'edit', memoryId, revision, content };
  const title = written.find(([id]) => id === TITLE_INPUT)?.[1] ?? '';
  return { type: 'create', title: title.trim(), content };
}
