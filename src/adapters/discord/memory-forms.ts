/** Forms in which a person writes into their memory: the usual facts, or a note as it is. */

import {
  type APIComponentInModalActionRow,
  type APIModalInteractionResponseCallbackData,
  ComponentType,
  type ModalSubmitInteraction,
  TextInputStyle,
} from 'discord.js';
import type { CommandAction } from '../../core/message.ts';
import { clip, linePieces } from '../../core/reply/text-split.ts';
import type { Draft, FormField } from '../../core/views.ts';
import { customId } from './custom-id.ts';

export type Form = APIModalInteractionResponseCallbackData;
type FormPart = Form['components'][number];

/** A form has five parts at most, and a text in it 4,000 characters (Discord, components/reference). */
const MOST_PARTS = 5;
const INPUT_CHARACTERS = 4_000;
/** Of a note's text in one input, so that it can grow. */
const PIECE_CHARACTERS = 3_000;
const TITLE_CHARACTERS = 45;
const PLACEHOLDER_CHARACTERS = 100;

const TITLE_INPUT = 'title';
export const FILE_INPUT = 'file';
const TEXT_INPUT = 'text_';

/** What one form holds, in the order of the fields; more go halves. */
export function halvesOf(fields: readonly FormField[]): FormField[][] {
  if (fields.length <= MOST_PARTS) return [[...fields]];
  const middle = Math.ceil(fields.length / 2);
  return [fields.slice(0, middle), fields.slice(middle)];
}

/** Fields whose value no input would hold are left out, and so stay as they are. */
export function factsForm(
  view: { formId: string; fields: readonly FormField[] },
  owner: string,
  /** Which of them, or the one with this field. */
  at: number | string,
): Form {
  const halves = halvesOf(view.fields);
  const half = typeof at === 'number' ? at : halves.findIndex(some => some.some(({ name }) => name === at));
  const fields = halves[half] ?? halves[0] ?? [];
  const long = fields.filter(({ value }) => value.length > INPUT_CHARACTERS);
  return {
    custom_id: customId(owner, { type: 'set', formId: view.formId }),
    title: 'The usual facts',
    components: [
      ...fields
        .filter(field => !long.includes(field))
        .map(({ name, label, hint, value, several }) =>
          input(name, label, {
            value,
            placeholder: several ? `${hint} (commas between values)` : hint,
          }),
        ),
      ...(long.length === 0
        ? []
        : [display(`Too long for a form, so left as it is: ${long.map(({ label }) => label).join(', ')}`)]),
    ],
  };
}

/** Null for a text that would not come back whole from a form. */
export function editorForm(draft: Draft, owner: string): Form | null {
  const { memoryId, revision, title, content, now } = draft;
  const isNew = memoryId === null || revision === null;
  const pieces = linePieces(content, { aim: PIECE_CHARACTERS, most: INPUT_CHARACTERS });
  const room = MOST_PARTS - (isNew ? 2 : 0);
  if (pieces === null || pieces.length > room) return null;
  const stands = now === null || now.trim() === '' ? null : `What it says now:\n${now.trimEnd()}`;
  const shows = stands !== null && stands.length <= INPUT_CHARACTERS && pieces.length < room;
  return {
    custom_id: customId(owner, { type: 'write', ...(isNew ? {} : { memoryId, revision }) }),
    title: clip(isNew ? 'A new note' : title, TITLE_CHARACTERS),
    components: [
      ...(shows ? [display(stands)] : []),
      ...(isNew
        ? [input(TITLE_INPUT, 'Title', { value: title, required: true, placeholder: 'Gift ideas' })]
        : []),
      ...pieces.map((piece, index) =>
        input(`${TEXT_INPUT}${index}`, index === 0 ? 'One fact per line' : 'Continued', {
          value: piece,
          long: true,
        }),
      ),
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

function input(
  id: string,
  label: string,
  options: { value: string; placeholder?: string; long?: boolean; required?: boolean },
): FormPart {
  const { value, placeholder, long = false, required = false } = options;
  const component: APIComponentInModalActionRow = {
    type: ComponentType.TextInput,
    custom_id: id,
    style: long ? TextInputStyle.Paragraph : TextInputStyle.Short,
    max_length: INPUT_CHARACTERS,
    required,
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

/** What a submitted form of usual facts asks for. */
export function setOf(formId: string, fields: ModalSubmitInteraction['fields']): CommandAction {
  const values = Object.fromEntries(
    [...fields.fields.keys()].map(name => [name, fields.getTextInputValue(name).trim()]),
  );
  return { type: 'set', values, formId };
}

/** What a submitted text asks for; `uploaded`: of the file that came with it. */
export function writeOf(
  about: { memoryId?: string | undefined; revision?: string | undefined },
  fields: ModalSubmitInteraction['fields'],
  uploaded: string | null,
): CommandAction {
  const { memoryId, revision } = about;
  const typed = [0, 1, 2, 3, 4]
    .map(index => `${TEXT_INPUT}${index}`)
    .filter(id => fields.fields.has(id))
    .map(id => fields.getTextInputValue(id));
  const content = [...typed, uploaded ?? ''].filter(text => text !== '').join('\n');
  if (memoryId !== undefined && revision !== undefined) {
    return { type: 'edit', memoryId, revision, content };
  }
  return { type: 'create', title: fields.getTextInputValue(TITLE_INPUT).trim(), content };
}
