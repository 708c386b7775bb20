// Finding what a person presses among the blocks on their screen, and the action it sends
// (docs.slack.dev/reference/block-kit/block-elements; @slack/bolt types/actions/block-action.d.ts).

import { isRecord } from '../findings.ts';
import type { Json } from '../world.ts';

interface Found {
  readonly blockId: string;
  readonly element: Json;
}

/** Every interactive element on a surface, in order. */
export function elementsIn(blocks: readonly Json[]): Found[] {
  return blocks.flatMap(block => {
    const nested = Array.isArray(block.child_blocks) ? elementsIn(block.child_blocks.filter(isRecord)) : [];
    const cards = Array.isArray(block.actions) ? block.actions : [];
    const candidates = [
      ...(Array.isArray(block.elements) ? block.elements : []),
      ...cards,
      block.accessory,
      block.element,
    ];
    const own = candidates
      .filter(isRecord)
      .filter(element => typeof element.action_id === 'string')
      .map(element => ({ blockId: String(block.block_id), element }));
    return [...own, ...nested];
  });
}

export interface Pick {
  readonly actionId: string;
  /** Tells elements with the same action_id apart; for menus, the option chosen. */
  readonly value?: string;
  /** The block it stands in, where one action_id occurs in several. */
  readonly blockId?: string;
}

function optionsOf(element: Json): Json[] {
  const groups = Array.isArray(element.option_groups) ? element.option_groups.filter(isRecord) : [];
  const own = Array.isArray(element.options)
    ? element.options
    : groups.flatMap(group => (Array.isArray(group.options) ? group.options : []));
  return own.filter(isRecord);
}

function option(element: Json, value: string | undefined): Json {
  const found = optionsOf(element).find(candidate => candidate.value === value);
  if (found === undefined) throw new Error(`${String(element.action_id)} has no option ${String(value)}`);
  return found;
}

/** What choosing `value` in an element amounts to, as it stands in an action and in a view's state. */
export function chosen(element: Json, value: string | undefined): Json {
  const type = String(element.type);
  switch (type) {
    case 'static_select':
    case 'radio_buttons':
    case 'overflow':
    case 'external_select':
      return { type, selected_option: option(element, value) };
    case 'checkboxes':
    case 'multi_static_select': {
      const values = (value ?? '').split(',').filter(item => item !== '');
      return { type, selected_options: values.map(item => option(element, item)) };
    }
    case 'users_select':
      return { type, selected_user: value };
    case 'conversations_select':
      return { type, selected_conversation: value };
    case 'channels_select':
      return { type, selected_channel: value };
    case 'datepicker':
      return { type, selected_date: value };
    case 'timepicker':
      return { type, selected_time: value };
    case 'datetimepicker':
      return { type, selected_date_time: Number(value) };
    default:
      return { type, value: value ?? null };
  }
}

/** The action a press or choice sends. Throws when nothing like it is on the screen. */
export function actionFor(blocks: readonly Json[], pick: Pick): Json {
  const here = elementsIn(blocks).filter(
    ({ element, blockId }) => element.action_id === pick.actionId && (pick.blockId ?? blockId) === blockId,
  );
  const pressable = (element: Json) => element.type === 'button' || element.type === 'icon_button';
  const found =
    here.find(
      ({ element }) => pressable(element) && pick.value !== undefined && element.value === pick.value,
    ) ?? here.find(({ element }) => !pressable(element) || pick.value === undefined);
  if (found === undefined)
    throw new Error(
      `nothing on screen with action_id ${pick.actionId}${pick.value === undefined ? '' : ` and value ${pick.value}`}`,
    );
  const { element, blockId } = found;
  const ids = { action_id: element.action_id, block_id: blockId };
  if (pressable(element)) {
    const { type, text, value, style, icon } = element;
    return JSON.parse(JSON.stringify({ ...ids, type, text, value, style, icon }));
  }
  if (element.type === 'feedback_buttons') {
    const side = pick.value === 'negative' ? element.negative_button : element.positive_button;
    if (!isRecord(side)) throw new Error('feedback buttons without a side to press');
    return { ...ids, type: 'feedback_buttons', value: side.value, text: side.text };
  }
  return { ...ids, ...chosen(element, pick.value) };
}
