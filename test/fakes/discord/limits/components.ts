// Message components, from Discord's components/reference: without IS_COMPONENTS_V2 up to five action rows;
// with it layout and content components, 40 in all, nested ones counted, and 4,000 characters over all Text
// Displays (discord-api-docs pull request 8562). Custom ids are 1 to 100 characters and unique in a message.
// Codes of errors outside the BASE_TYPE_ family are not documented; they are the ones bots have reported.

import { ButtonStyle, ComponentType } from 'discord-api-types/v10';
import type { Form, Json, Path } from '../form.ts';

const MAX_COMPONENTS = 40;
const MAX_TEXT = 4_000;

const LEGACY_TOP_LEVEL = [ComponentType.ActionRow];
const V2_TOP_LEVEL = [
  ComponentType.ActionRow,
  ComponentType.Section,
  ComponentType.TextDisplay,
  ComponentType.MediaGallery,
  ComponentType.File,
  ComponentType.Separator,
  ComponentType.Container,
];
const IN_CONTAINER = V2_TOP_LEVEL.filter(type => type !== ComponentType.Container);
const IN_ROW = [
  ComponentType.Button,
  ComponentType.StringSelect,
  ComponentType.UserSelect,
  ComponentType.RoleSelect,
  ComponentType.MentionableSelect,
  ComponentType.ChannelSelect,
];

/** What is counted over a whole message or modal. */
export interface Totals {
  components: number;
  text: number;
  customIds: Map<string, Path>;
  nextId: number;
  /** Names of the files that can be shown with attachment://. */
  filenames: ReadonlySet<string>;
}

export function createTotals(filenames: ReadonlySet<string> = new Set()): Totals {
  return { components: 0, text: 0, customIds: new Map(), nextId: 1, filenames };
}

/** The components of a message as Discord keeps them, every one with an `id`. */
export function readComponents(
  body: Json,
  form: Form,
  at: Path,
  isV2: boolean,
  filenames: ReadonlySet<string>,
): Json[] {
  const totals = createTotals(filenames);
  const list = form.list(body, 'components', at, { max: isV2 ? MAX_COMPONENTS : 5 }) ?? [];
  const path = [...at, 'components'];
  const allowed = isV2 ? V2_TOP_LEVEL : LEGACY_TOP_LEVEL;
  const components = list
    .map((raw, index) => readOne(raw, form, [...path, index], allowed, totals))
    .filter(component => component !== undefined);
  if (totals.components > MAX_COMPONENTS) {
    form.fail(
      path,
      'COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED',
      `The maximum number of total components is ${MAX_COMPONENTS}.`,
    );
  }
  if (totals.text > MAX_TEXT) {
    form.fail(
      path,
      'COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED',
      `The total displayable text size of all components exceeds the maximum of ${MAX_TEXT}.`,
    );
  }
  return components;
}

function readOne(
  raw: unknown,
  form: Form,
  path: Path,
  allowed: readonly ComponentType[],
  totals: Totals,
): Json | undefined {
  const component = form.object(raw, path);
  if (!component) return undefined;
  const { type } = component;
  if (typeof type !== 'number' || !allowed.some(option => option === type)) {
    form.fail(
      [...path, 'type'],
      'UNION_TYPE_CHOICES',
      `Value of field "type" must be one of (${allowed.join(', ')},).`,
    );
    return undefined;
  }
  totals.components += 1;
  const kept: Json = { ...component, id: componentId(component, totals) };
  switch (type) {
    case ComponentType.ActionRow:
      kept.components = readRow(component, form, path, totals);
      break;
    case ComponentType.Button:
      readButton(component, form, path, totals);
      break;
    case ComponentType.Section:
      kept.components = readChildren(component, form, path, [ComponentType.TextDisplay], totals, 3);
      kept.accessory = readOne(
        component.accessory,
        form,
        [...path, 'accessory'],
        [ComponentType.Button, ComponentType.Thumbnail],
        totals,
      );
      break;
    case ComponentType.TextDisplay:
      totals.text +=
        form.string(component, 'content', path, { min: 1, max: MAX_TEXT, required: true })?.length ?? 0;
      break;
    case ComponentType.Container:
      kept.components = readChildren(component, form, path, IN_CONTAINER, totals, MAX_COMPONENTS);
      form.integer(component, 'accent_color', path, { min: 0, max: 0xffffff });
      break;
    case ComponentType.Thumbnail:
      readMedia(component.media, form, [...path, 'media'], totals, false);
      form.string(component, 'description', path, { max: 1024 });
      break;
    case ComponentType.MediaGallery:
      for (const [index, item] of (
        form.list(component, 'items', path, { min: 1, max: 10, required: true }) ?? []
      ).entries()) {
        const at = [...path, 'items', index];
        const entry = form.object(item, at);
        if (entry) readMedia(entry.media, form, [...at, 'media'], totals, false);
      }
      break;
    case ComponentType.File:
      readMedia(component.file, form, [...path, 'file'], totals, true);
      break;
    case ComponentType.Separator:
      form.integer(component, 'spacing', path, { among: [1, 2] });
      break;
    default:
      readSelect(component, form, path, totals);
  }
  return kept;
}

function componentId(component: Json, totals: Totals): number {
  if (typeof component.id === 'number' && component.id > 0) return component.id;
  const id = totals.nextId;
  totals.nextId += 1;
  return id;
}

function readChildren(
  parent: Json,
  form: Form,
  path: Path,
  allowed: readonly ComponentType[],
  totals: Totals,
  max: number,
): Json[] {
  const list = form.list(parent, 'components', path, { min: 1, max, required: true }) ?? [];
  return list
    .map((raw, index) => readOne(raw, form, [...path, 'components', index], allowed, totals))
    .filter(component => component !== undefined);
}

function readRow(row: Json, form: Form, path: Path, totals: Totals): Json[] {
  const children = readChildren(row, form, path, IN_ROW, totals, 5);
  const selects = children.filter(child => child.type !== ComponentType.Button).length;
  if (selects > 1 || (selects === 1 && children.length > 1)) {
    form.fail(
      [...path, 'components'],
      'COMPONENT_LAYOUT_WIDTH_EXCEEDED',
      'The specified component exceeds the maximum width',
    );
  }
  return children;
}

function readButton(button: Json, form: Form, path: Path, totals: Totals): void {
  const style = form.integer(button, 'style', path, { among: [1, 2, 3, 4, 5, 6], required: true });
  form.string(button, 'label', path, { max: 80 });
  if (style === ButtonStyle.Premium) {
    if (typeof button.sku_id !== 'string') form.required([...path, 'sku_id']);
    return;
  }
  if (!button.label && !button.emoji) form.required([...path, 'label']);
  if (style === ButtonStyle.Link) {
    form.string(button, 'url', path, { min: 1, max: 512, required: true });
    if (button.custom_id !== undefined) {
      form.fail(path, 'BASE_TYPE_EXCLUSIVE', 'A custom id and url cannot both be specified');
    }
    return;
  }
  if (button.url !== undefined) {
    form.fail(path, 'BASE_TYPE_EXCLUSIVE', 'A custom id and url cannot both be specified');
  }
  readCustomId(button, form, path, totals);
}

export function readCustomId(component: Json, form: Form, path: Path, totals: Totals): void {
  const customId = form.string(component, 'custom_id', path, { min: 1, max: 100, required: true });
  if (customId === undefined) return;
  if (totals.customIds.has(customId)) {
    form.fail(
      [...path, 'custom_id'],
      'COMPONENT_CUSTOM_ID_DUPLICATED',
      'Component custom id cannot be duplicated',
    );
  }
  totals.customIds.set(customId, path);
}

/** String, user, role, mentionable and channel selects, in messages and modals. */
export function readSelect(select: Json, form: Form, path: Path, totals: Totals): void {
  readCustomId(select, form, path, totals);
  form.string(select, 'placeholder', path, { max: 150 });
  const min = form.integer(select, 'min_values', path, { min: 0, max: 25 }) ?? 1;
  const max = form.integer(select, 'max_values', path, { min: 1, max: 25 }) ?? 1;
  if (min > max) {
    form.fail(
      [...path, 'min_values'],
      'NUMBER_TYPE_MAX',
      `int value should be less than or equal to ${max}.`,
    );
  }
  if (select.type !== ComponentType.StringSelect) return;
  readOptions(select, form, path, { min: 1, max: 25 });
}

export function readOptions(
  component: Json,
  form: Form,
  path: Path,
  count: { min: number; max: number },
): void {
  const values = new Set<string>();
  for (const [index, raw] of (
    form.list(component, 'options', path, { ...count, required: true }) ?? []
  ).entries()) {
    const at = [...path, 'options', index];
    const option = form.object(raw, at);
    if (!option) continue;
    form.string(option, 'label', at, { min: 1, max: 100, required: true });
    form.string(option, 'description', at, { max: 100 });
    const value = form.string(option, 'value', at, { min: 1, max: 100, required: true });
    if (value === undefined) continue;
    if (values.has(value)) {
      form.fail(
        [...at, 'value'],
        'SELECT_COMPONENT_OPTION_VALUE_DUPLICATED',
        'The specified option value is already used',
      );
    }
    values.add(value);
  }
}

function readMedia(raw: unknown, form: Form, path: Path, totals: Totals, attachmentOnly: boolean): void {
  const media = form.object(raw, path);
  if (!media) return;
  const url = form.string(media, 'url', path, { min: 1, max: 2048, required: true });
  if (url === undefined) return;
  const filename = url.startsWith('attachment://') ? url.slice('attachment://'.length) : undefined;
  if (filename !== undefined && totals.filenames.has(filename)) return;
  if (filename === undefined && !attachmentOnly && /^https?:\/\//.test(url)) return;
  form.fail(
    [...path, 'url'],
    'UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND',
    'The referenced attachment was not found',
  );
}
