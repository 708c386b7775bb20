/** What a panel's buttons do, as Discord's buttons. Pure. */

import { type APIComponentInContainer, ButtonStyle } from 'discord.js';
import type { CommandAction } from '../../../core/message.ts';
import type { PanelButton } from '../../../core/panels.ts';
import { clip } from '../../../core/reply/text-split.ts';
import type { PressedAction } from '../custom-id.ts';
import { button, row } from '../parts.ts';

type Box = APIComponentInContainer;
type Button = ReturnType<typeof button>;

const BUTTON_CHARACTERS = 80;
const ROW_BUTTONS = 5;

export function rows(buttons: readonly Button[]): Box[] {
  return buttons.length === 0
    ? []
    : [row(...buttons.slice(0, ROW_BUTTONS)), ...rows(buttons.slice(ROW_BUTTONS))];
}

export function backButton(owner: string): Button {
  return button(owner, { type: 'memory', page: 0, fresh: false }, 'Back to my memory');
}

const STYLES = {
  primary: ButtonStyle.Primary,
  danger: ButtonStyle.Danger,
  none: ButtonStyle.Secondary,
} as const;

/** What no button can say is left out. */
export function buttonsOf(all: readonly PanelButton[], owner: string): Button[] {
  return all.flatMap(({ label, action, tone, asks }) => {
    // No button asks by itself here, so the bot does.
    const isUnsure = asks !== undefined && action.type === 'forget';
    const pressed = pressedOf(isUnsure ? { ...action, confirmed: false } : action);
    return pressed === null
      ? []
      : [button(owner, pressed, clip(label, BUTTON_CHARACTERS), STYLES[tone ?? 'none'])];
  });
}

/** What an action is as a button; null for what no button can say. */
export function pressedOf(action: CommandAction | undefined, page = 0): PressedAction | null {
  switch (action?.type) {
    case 'view':
      return { type: 'memory', page, fresh: false };
    case 'show':
      return { type: 'file', memoryId: action.memoryId, page, stored: false };
    case 'form':
      return { type: 'facts' };
    case 'history':
      return { ...action, page: action.page ?? 0, part: page };
    case 'undo':
    case 'keep': {
      const { type, noticeId } = action;
      return noticeId === undefined ? null : { type, noticeId, quiet: false };
    }
    case 'forget':
    case 'forget-past':
    case 'forget-since':
    case 'forget-me':
    case 'link':
    case 'unlink':
    case 'share':
      return page === 0 ? action : { ...action, page };
    case 'editor':
    case 'restore':
    case 'resolve':
    case 'private':
    case 'pause':
    case 'resume':
    case 'export':
      return action;
    default:
      return null;
  }
}
