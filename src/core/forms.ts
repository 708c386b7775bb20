/** Windows in which people write into their memory, as plain data, and what they ask for when they come back. Pure. */

import type { CommandAction } from './message.ts';
import { linePieces } from './reply/text-split.ts';
import type { Draft, FormField } from './views.ts';

export interface Form {
  title: string;
  inputs: FormInput[];
  /** Below the inputs: what is not asked for, and why. */
  missing?: string;
}

export interface FormInput {
  id: string;
  label: string;
  value: string;
  placeholder?: string;
  /** Of several lines. */
  long?: boolean;
  required?: boolean;
}

const TITLE_INPUT = 'title';
const TEXT_INPUT = 'text_';

/** A value of more than `most` characters is left out: sent back as it was cut, it would replace what is remembered. */
export function factsForm(fields: readonly FormField[], most: number): Form {
  const long = fields.filter(({ value }) => value.length > most).map(({ label }) => label);
  return {
    title: 'The usual facts',
    inputs: fields
      .filter(({ label }) => !long.includes(label))
      .map(({ name, label, hint, value, several }) => ({
        id: name,
        label,
        value,
        placeholder: several ? `${hint} (commas between values)` : hint,
      })),
    ...(long.length === 0 ? {} : { missing: `Too long for a form, so left as it is: ${long.join(', ')}` }),
  };
}

export interface EditorRoom {
  /** Of characters in an input for a text, so that it can grow. */
  aim: number;
  most: number;
  /** For a text. */
  inputs: number;
  /** A new note may come as a file instead. */
  takesFiles: boolean;
}

/** Null for a text that would not come back whole. */
export function editorForm({ memoryId, title, content }: Draft, room: EditorRoom): Form | null {
  const pieces = linePieces(content, room);
  if (pieces === null || pieces.length > room.inputs) return null;
  const isNew = memoryId === null;
  const text = pieces.map((value, index): FormInput => {
    const label = index === 0 ? 'One fact per line' : 'Continued';
    const required = isNew && index === 0 && !room.takesFiles;
    return { id: `${TEXT_INPUT}${index}`, label, value, long: true, required };
  });
  if (!isNew) return { title, inputs: text };
  const asked = { id: TITLE_INPUT, label: 'Title', value: title, placeholder: 'Gift ideas', required: true };
  return { title: 'New note', inputs: [asked, ...text] };
}

/** Of a form of usual facts. `values`: what was written, by the ids of the inputs. */
export function factsWritten(formId: string, values: Readonly<Record<string, string>>): CommandAction {
  const trimmed = Object.entries(values).map(([name, value]) => [name, value.trim()]);
  return { type: 'set', values: Object.fromEntries(trimmed), formId };
}

/** Of a note that was edited or, without an id, is new. `uploaded`: the text of a file that came with it. */
export function noteWritten(
  { memoryId, revision }: { memoryId?: string | null | undefined; revision?: string | null | undefined },
  values: Readonly<Record<string, string>>,
  uploaded = '',
): CommandAction {
  const typed = Object.keys(values)
    .filter(id => id.startsWith(TEXT_INPUT))
    .sort((one, other) => Number(one.slice(TEXT_INPUT.length)) - Number(other.slice(TEXT_INPUT.length)))
    .map(id => values[id] ?? '')
    .join('\n');
  const content = [typed, uploaded].filter(text => text.trim() !== '').join('\n');
  return memoryId == null || revision == null
    ? { type: 'create', title: (values[TITLE_INPUT] ?? '').trim(), content }
    : { type: 'edit', memoryId, revision, content };
}
