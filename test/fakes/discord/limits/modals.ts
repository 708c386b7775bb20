// Modals, from Discord's interactions/receiving-and-responding and components/reference: a title of up to 45
// characters, one to five top-level components, each a Label around one input, a Text Display, or the older
// action row with a single text input. Text inputs hold up to 4,000 characters; nothing may be disabled.

import { ComponentType } from 'discord-api-types/v10';
import { Form, isJson, type Json, type Path } from '../form.ts';
import { createTotals, readCustomId, readOptions, readSelect, type Totals } from './components.ts';

const SELECTS: readonly ComponentType[] = [
  ComponentType.StringSelect,
  ComponentType.UserSelect,
  ComponentType.RoleSelect,
  ComponentType.MentionableSelect,
  ComponentType.ChannelSelect,
];

/** The modal of a callback of type 9; throws 50035. `at` is where it stands in the body. */
export function readModal(data: Json, at: Path): Json {
  const form = new Form();
  const totals = createTotals();
  form.string(data, 'custom_id', at, { min: 1, max: 100, required: true });
  form.string(data, 'title', at, { min: 1, max: 45, required: true });
  const list = form.list(data, 'components', at, { min: 1, max: 5, required: true }) ?? [];
  const components = list.map((raw, index) => readTopLevel(raw, form, [...at, 'components', index], totals));
  form.check();
  return { custom_id: data.custom_id, title: data.title, components };
}

function readTopLevel(raw: unknown, form: Form, path: Path, totals: Totals): Json {
  const component = form.object(raw, path) ?? {};
  const id = totals.nextId;
  totals.nextId += 1;
  switch (component.type) {
    case ComponentType.Label: {
      form.string(component, 'label', path, { min: 1, max: 45, required: true });
      form.string(component, 'description', path, { max: 100 });
      const at = [...path, 'component'];
      return { ...component, id, component: readInput(component.component, form, at, totals, true) };
    }
    case ComponentType.TextDisplay:
      form.string(component, 'content', path, { min: 1, max: 4_000, required: true });
      return { ...component, id };
    case ComponentType.ActionRow: {
      const children = form.list(component, 'components', path, { min: 1, max: 1, required: true }) ?? [];
      const at = [...path, 'components', 0];
      return { ...component, id, components: [readInput(children[0], form, at, totals, false)] };
    }
    default:
      form.fail([...path, 'type'], 'UNION_TYPE_CHOICES', 'Value of field "type" must be one of (1, 10, 18).');
      return component;
  }
}

function readInput(raw: unknown, form: Form, path: Path, totals: Totals, inLabel: boolean): Json {
  const input = form.object(raw, path) ?? {};
  const id = totals.nextId;
  totals.nextId += 1;
  if (input.disabled === true) {
    form.fail([...path, 'disabled'], 'BASE_TYPE_CHOICES', 'Components in modals cannot be disabled');
  }
  const { type } = input;
  if (type === ComponentType.TextInput) readTextInput(input, form, path, totals, inLabel);
  else if (!inLabel) {
    form.fail([...path, 'type'], 'UNION_TYPE_CHOICES', 'Value of field "type" must be one of (4,).');
  } else if (SELECTS.some(select => select === type)) {
    readSelect(input, form, path, totals);
    requireConsistent(input, form, path);
  } else if (type === ComponentType.FileUpload) {
    readCustomId(input, form, path, totals);
    form.integer(input, 'min_values', path, { min: 0, max: 10 });
    form.integer(input, 'max_values', path, { min: 1, max: 10 });
    requireConsistent(input, form, path);
  } else if (type === ComponentType.RadioGroup) {
    readCustomId(input, form, path, totals);
    readOptions(input, form, path, { min: 2, max: 10 });
  } else if (type === ComponentType.CheckboxGroup) {
    readCustomId(input, form, path, totals);
    readOptions(input, form, path, { min: 1, max: 10 });
    requireConsistent(input, form, path);
  } else if (type === ComponentType.Checkbox) readCustomId(input, form, path, totals);
  else {
    form.fail(
      [...path, 'type'],
      'UNION_TYPE_CHOICES',
      'Value of field "type" must be one of (3, 4, 5, 6, 7, 8, 19, 21, 22, 23).',
    );
  }
  return { ...input, id };
}

function readTextInput(input: Json, form: Form, path: Path, totals: Totals, inLabel: boolean): void {
  readCustomId(input, form, path, totals);
  form.integer(input, 'style', path, { among: [1, 2], required: true });
  if (!inLabel) form.string(input, 'label', path, { min: 1, max: 45, required: true });
  const min = form.integer(input, 'min_length', path, { min: 0, max: 4_000 }) ?? 0;
  const max = form.integer(input, 'max_length', path, { min: 1, max: 4_000 }) ?? 4_000;
  if (min > max) {
    form.fail(
      [...path, 'min_length'],
      'NUMBER_TYPE_MAX',
      `int value should be less than or equal to ${max}.`,
    );
  }
  form.string(input, 'value', path, { max });
  form.string(input, 'placeholder', path, { max: 100 });
}

/** `min_values` is at least 1 unless the input is not required. */
function requireConsistent(input: Json, form: Form, path: Path): void {
  if (input.required !== false && input.min_values === 0) {
    form.fail([...path, 'min_values'], 'NUMBER_TYPE_MIN', 'int value should be greater than or equal to 1.');
  }
}

/** The inputs of a shown modal by custom id, for whoever fills them in. */
export function modalInputs(modal: Json): Map<string, Json> {
  const inputs = new Map<string, Json>();
  for (const top of Array.isArray(modal.components) ? modal.components : []) {
    if (!isJson(top)) continue;
    const inner = isJson(top.component)
      ? top.component
      : Array.isArray(top.components)
        ? top.components[0]
        : null;
    if (isJson(inner) && typeof inner.custom_id === 'string') inputs.set(inner.custom_id, inner);
  }
  return inputs;
}
