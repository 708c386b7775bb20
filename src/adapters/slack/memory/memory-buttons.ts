import { z } from 'zod';
import { type CommandAction, commandActionSchema } from '../../../core/message.ts';
import { type Block, button, plain } from '../blocks.ts';

/** What a button does to a memory stands in its value, as the command it is. */
const PREFIX = 'memory_';
export const MEMORY_BUTTON = new RegExp(`^${PREFIX}`);
export const LEAVE = '_leave';
const SINCE_ACTION = `${PREFIX}since`;

/** Which part of what comes of an action is shown; see `Room`. */
export interface Part {
  from: number;
}

/** `also` keeps buttons with the same kind of action apart that stand in one block. */
export function memoryButton(
  label: string,
  action: CommandAction,
  also = alsoOf(action),
  part?: Part,
): Block {
  return button(label, `${PREFIX}${action.type}${also}`, JSON.stringify({ ...action, ...part }));
}

function alsoOf(action: CommandAction): string {
  if (action.type === 'editor') return action.memoryId === undefined ? '_new' : '';
  if (action.type === 'resolve') return `_${action.choice}`;
  return action.type === 'notices' ? `_${action.mode}` : '';
}

export function isLeaving(actionId: string): boolean {
  return actionId.endsWith(LEAVE);
}

/** A day; what was learned since then is what it asks about. */
export function sinceDatePicker(): Block {
  return { type: 'datepicker', action_id: SINCE_ACTION, placeholder: plain('Forget everything since…') };
}

/** What was pressed or chosen, of a `block_actions` payload; null for what no element of ours says. */
export function readMemoryAction(it: {
  action_id: string;
  value?: string | undefined;
  selected_date?: string | null | undefined;
}): CommandAction | null {
  if (it.action_id === SINCE_ACTION) {
    const since = it.selected_date ?? null;
    return since === null ? null : { type: 'forget-since', since, confirmed: false };
  }
  try {
    return commandActionSchema.safeParse(JSON.parse(it.value ?? '')).data ?? null;
  } catch {
    return null;
  }
}

/** From the beginning, unless the button says otherwise. */
export function readPart({ value }: { value?: string | undefined }): Part {
  try {
    return partSchema.parse(JSON.parse(value ?? ''));
  } catch {
    return { from: 0 };
  }
}

const partSchema = z.object({ from: z.number().int().nonnegative() });
