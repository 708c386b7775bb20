/** Windows in which a person writes into their memory: the usual facts, or a note as it is. */

import { z } from 'zod';
import { editorForm, type FormInput, factsForm, factsWritten, noteWritten } from '../../../core/forms.ts';
import type { CommandAction } from '../../../core/message.ts';
import { clip } from '../../../core/reply/text-split.ts';
import type { Draft, FormField } from '../../../core/views.ts';
import { type Block, context, plain, sentence, textSections } from '../blocks.ts';

export const FORM_WINDOW = 'memory_form';
export const EDITOR_WINDOW = 'memory_editor';
export const LINK_WINDOW = 'memory_link';

/** An input takes 3,000 characters. */
const INPUT_CHARACTERS = 3_000;
const EDITOR_ROOM = { aim: 2_800, most: INPUT_CHARACTERS, inputs: 40, takesFiles: false };
const CODE_INPUT = 'code';

export function formWindow(formId: string, fields: readonly FormField[]): Block {
  const { title, inputs, missing } = factsForm(fields, INPUT_CHARACTERS);
  return {
    type: 'modal',
    callback_id: FORM_WINDOW,
    private_metadata: JSON.stringify({ formId }),
    title: plain(title),
    submit: plain('Save'),
    close: plain('Cancel'),
    blocks: [...inputs.map(input), ...(missing === undefined ? [] : [context(sentence(missing))])],
  };
}

/** Null for a text that would not come back whole from such a window. */
export function editorWindow(draft: Draft): Block | null {
  const form = editorForm(draft, EDITOR_ROOM);
  if (form === null) return null;
  const now = draft.now === null ? [] : textSections(draft.now, { blocks: 10, characters: 20_000 }).blocks;
  return {
    type: 'modal',
    callback_id: EDITOR_WINDOW,
    private_metadata: JSON.stringify({ memoryId: draft.memoryId, revision: draft.revision }),
    title: plain(clip(form.title, 24)),
    submit: plain('Save'),
    close: plain('Cancel'),
    blocks: [...(now.length === 0 ? [] : [context('What it says now:'), ...now]), ...form.inputs.map(input)],
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
      input({
        id: CODE_INPUT,
        label: 'Or do you have a code from your other account?',
        value: '',
        required: true,
        placeholder: 'The code I showed you there',
      }),
    ],
  };
}

function input({ id, label, value, placeholder, long, required }: FormInput): Block {
  return {
    type: 'input',
    block_id: id,
    optional: required !== true,
    label: plain(clip(label, 150)),
    element: {
      type: 'plain_text_input',
      action_id: 'value',
      multiline: long === true,
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
  const values = Object.fromEntries(
    Object.entries(state.values).map(([id, { value }]) => [id, value?.value ?? '']),
  );
  if (callback_id === FORM_WINDOW) return factsWritten(formMetadata.parse(metadata).formId, values);
  if (callback_id === LINK_WINDOW) {
    return { type: 'link', code: (values[CODE_INPUT] ?? '').trim(), confirmed: false };
  }
  return noteWritten(editorMetadata.parse(metadata), values);
}
