/** Forms in which a person writes into their memory: the usual facts, or a note as it is. */

import {
  type APIComponentInModalActionRow,
  type APIModalInteractionResponseCallbackData,
  ComponentType,
  type ModalSubmitInteraction,
  TextInputStyle,
} from 'discord.js';
import { editorForm, type FormInput, factsForm } from '../../../core/forms.ts';
import { clip } from '../../../core/reply/text-split.ts';
import type { Draft, FormField } from '../../../core/views.ts';
import { customId } from '../custom-id.ts';

export type Form = APIModalInteractionResponseCallbackData;
type FormPart = Form['components'][number];

/** A form has five parts at most, and a text in it 4,000 characters (Discord, components/reference). */
const MOST_PARTS = 5;
const INPUT_CHARACTERS = 4_000;
/** Of a note's text in one input, so that it can grow. */
const PIECE_CHARACTERS = 3_000;
const TITLE_CHARACTERS = 45;
const PLACEHOLDER_CHARACTERS = 100;

export const FILE_INPUT = 'file';

/** What one form holds, in the order of the fields; more go halves. */
export function halvesOf(fields: readonly FormField[]): FormField[][] {
  if (fields.length <= MOST_PARTS) return [[...fields]];
  const middle = Math.ceil(fields.length / 2);
  return [fields.slice(0, middle), fields.slice(middle)];
}

/** `at`: which of them, or the one with this field. */
export function factsModal(
  view: { formId: string; fields: readonly FormField[] },
  owner: string,
  at: number | string,
): Form {
  const halves = halvesOf(view.fields);
  const half = typeof at === 'number' ? at : halves.findIndex(some => some.some(({ name }) => name === at));
  const { title, inputs, missing } = factsForm(halves[half] ?? halves[0] ?? [], INPUT_CHARACTERS);
  return {
    custom_id: customId(owner, { type: 'set', formId: view.formId }),
    title,
    components: [...inputs.map(input), ...(missing === undefined ? [] : [display(missing)])],
  };
}

/** Null for a text that would not come back whole from a form. */
export function editorModal(draft: Draft, owner: string): Form | null {
  const { memoryId, revision, now } = draft;
  const isNew = memoryId === null || revision === null;
  const inputs = MOST_PARTS - (isNew ? 2 : 0);
  const form = editorForm(draft, { aim: PIECE_CHARACTERS, most: INPUT_CHARACTERS, inputs, takesFiles: true });
  if (form === null) return null;
  const stands = now === null || now.trim() === '' ? null : `What it says now:\n${now.trimEnd()}`;
  const shows =
    stands !== null && stands.length <= INPUT_CHARACTERS && form.inputs.length + (isNew ? 1 : 0) < MOST_PARTS;
  return {
    custom_id: customId(owner, { type: 'write', ...(isNew ? {} : { memoryId, revision }) }),
    title: clip(form.title, TITLE_CHARACTERS),
    components: [
      ...(shows ? [display(stands)] : []),
      ...form.inputs.map(input),
      ...(isNew ? [upload('Or a text file, for long notes', false)] : []),
    ],
  };
}

/** The other way for a note that no form holds. */
export function uploadForm(memoryId: string, revision: string, owner: string): Form {
  return {
    custom_id: customId(owner, { type: 'write', memoryId, revision }),
    title: 'The changed text',
    components: [upload('The note as it should be', true)],
  };
}

function input({ id, label, value, placeholder, long, required }: FormInput): FormPart {
  const component: APIComponentInModalActionRow = {
    type: ComponentType.TextInput,
    custom_id: id,
    style: long === true ? TextInputStyle.Paragraph : TextInputStyle.Short,
    max_length: INPUT_CHARACTERS,
    required: required === true,
    ...(value === '' ? {} : { value }),
    ...(placeholder === undefined ? {} : { placeholder: clip(placeholder, PLACEHOLDER_CHARACTERS) }),
  };
  return { type: ComponentType.Label, label: clip(label, TITLE_CHARACTERS), component };
}

function upload(label: string, required: boolean): FormPart {
  return {
    type: ComponentType.Label,
    label,
    component: {
      type: ComponentType.FileUpload,
      custom_id: FILE_INPUT,
      min_values: required ? 1 : 0,
      max_values: 1,
      required,
    },
  };
}

function display(content: string): FormPart {
  return { type: ComponentType.TextDisplay, content };
}

/** What was written, by the ids of the inputs. */
export function valuesOf({ fields }: ModalSubmitInteraction['fields']): Record<string, string> {
  const texts = [...fields.values()].flatMap(field =>
    'value' in field ? [[field.customId, field.value]] : [],
  );
  return Object.fromEntries(texts);
}
