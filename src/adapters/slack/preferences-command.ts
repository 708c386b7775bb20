import type { CommandAction, NoticeMode } from '../../core/message.ts';

const MODES: Record<string, NoticeMode> = { off: 'off', private: 'private', thread: 'thread' };

/** What is typed after /preferences. `notices-on`: as they are set up, if that is not off. Null: help. */
export function readPreferencesCommand(text: string): CommandAction | { type: 'notices-on' } | null {
  const words = text.trim().toLowerCase().split(/\s+/).join(' ');
  const notices = MODES[words.replace(/^notices /, '')];
  if (words.startsWith('notices ') && notices !== undefined) return { type: 'notices', mode: notices };
  switch (words) {
    case '':
    case 'view':
      return { type: 'view' };
    case 'notices on':
      return { type: 'notices-on' };
    case 'notices default':
      return { type: 'notices', mode: 'default' };
    case 'edit':
    case 'form':
      return { type: 'form' };
    case 'history':
      return { type: 'history' };
    case 'pause':
      return { type: 'pause' };
    case 'resume':
      return { type: 'resume' };
    case 'private':
    case 'private on':
      return { type: 'private', on: true };
    case 'private off':
      return { type: 'private', on: false };
    case 'why':
      return { type: 'why' };
    case 'export':
      return { type: 'export', format: 'markdown' };
    case 'export json':
      return { type: 'export', format: 'json' };
    case 'forget me':
      return { type: 'forget-me', confirmed: false };
    default:
      return null;
  }
}
