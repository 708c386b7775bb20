// A person fills in a modal: the answers in the shape Discord submits them, checked as the app checks them.

import { ComponentType } from 'discord-api-types/v10';
import { isJson, type Json } from '../form.ts';
import type { NewFile } from '../limits/message-body.ts';

export type ModalValues = Record<string, string | boolean | readonly string[]>;

export interface FileToUpload {
  name: string;
  contentType?: string;
  data: string | Buffer;
}

/** What goes into file uploads, by custom id. */
export type ModalFiles = Record<string, readonly FileToUpload[]>;

export function newFile({ name, contentType, data }: FileToUpload): NewFile {
  return { filename: name, contentType: contentType ?? null, description: null, data: Buffer.from(data) };
}

export function fillModal(modal: Json, inputs: ReadonlyMap<string, Json>, values: ModalValues): Json[] {
  for (const customId of Object.keys(values)) {
    if (!inputs.has(customId)) throw new Error(`the modal has no input ${customId}`);
  }
  const top = Array.isArray(modal.components) ? modal.components.filter(isJson) : [];
  return top.map(component => {
    if (isJson(component.component)) {
      return { type: component.type, id: component.id, component: answer(component.component, values) };
    }
    const inner = Array.isArray(component.components) ? component.components.filter(isJson) : [];
    if (inner.length === 0) return { type: component.type, id: component.id };
    return { type: component.type, id: component.id, components: inner.map(input => answer(input, values)) };
  });
}

function answer(input: Json, values: ModalValues): Json {
  const customId = String(input.custom_id);
  const given = values[customId];
  const common = { type: input.type, id: input.id, custom_id: customId };
  switch (input.type) {
    case ComponentType.TextInput:
      return { ...common, value: text(input, customId, given) };
    case ComponentType.RadioGroup:
      if (given === undefined && input.required !== false) throw new Error(`${customId} needs a choice`);
      return { ...common, value: given ?? null };
    case ComponentType.Checkbox:
      return { ...common, value: given ?? input.default ?? false };
    default: {
      const list = Array.isArray(given) ? given : given === undefined ? [] : [String(given)];
      if (list.length === 0 && input.required !== false) throw new Error(`${customId} needs a choice`);
      return { ...common, values: list };
    }
  }
}

function text(input: Json, customId: string, given: ModalValues[string] | undefined): string {
  const value = given ?? input.value ?? '';
  if (typeof value !== 'string') throw new Error(`${customId} takes text`);
  const min = typeof input.min_length === 'number' ? input.min_length : 0;
  const max = typeof input.max_length === 'number' ? input.max_length : 4_000;
  if (value === '' && input.required !== false) throw new Error(`${customId} must be filled in`);
  if (value !== '' && value.length < min) throw new Error(`${customId} takes at least ${min} characters`);
  if (value.length > max) throw new Error(`${customId} takes at most ${max} characters`);
  return value;
}
