import type { RespondFn } from '@slack/bolt';
import { z } from 'zod';
import type { PreferencesView } from '../../../core/views.ts';
import { type MessageContent, ofTenant } from '../blocks.ts';
import { modalView, sentenceMessage, viewMessage, waitingModal } from '../memory/views.ts';
import { settledNotice } from '../notices.ts';
import { QUIET } from '../reply/reply-blocks.ts';
import { type SlackApi, SlackRefusal } from './web-client.ts';

/** Where the answer to a command, button or form appears. */
export interface Surface {
  /** Opens a window for what is to come, unless there is one: a trigger works once and for three seconds, and a memory may take longer. */
  open(): Promise<void>;
  /** `said`: what was just done, on top; `from`: where a long note goes on. */
  show(view: PreferencesView, said?: string, from?: number): Promise<void>;
  /** The message that the button was on becomes one quiet line. */
  settle(sentence: string): Promise<void>;
  /** A sentence for the person, beside what they see. Never throws. */
  say(sentence: string): Promise<void>;
  /** A view for the person, beside what they see. */
  whisper(view: PreferencesView): Promise<void>;
}

export interface SurfaceOptions {
  api: SlackApi;
  tenant: string;
  /** Where Slack takes answers to what was pressed on a message, or typed. */
  respond?: RespondFn | undefined;
  trigger?: string | undefined;
  /** The button was on a message, which the answer may replace. */
  onMessage?: boolean;
  /** The window or Home tab that the button was on. */
  view?: { id: string; type: string; hash?: string | undefined } | undefined;
  thread?: string | undefined;
}

const opened = z.looseObject({ view: z.looseObject({ id: z.string() }) });

export function createSurface(options: SurfaceOptions): Surface {
  const { api, tenant, respond, trigger, view, thread } = options;
  let window = view?.type === 'modal' ? { id: view.id, hash: view.hash } : null;
  let refused = false;

  async function update(content: Record<string, unknown>): Promise<boolean> {
    if (window === null) return false;
    const hash = window.hash === undefined ? {} : { hash: window.hash };
    await api.call('views.update', { view_id: window.id, view: content, ...hash });
    return true;
  }

  async function beside(content: MessageContent): Promise<void> {
    if (respond !== undefined) await whisper(respond, content, thread);
  }

  async function open(): Promise<void> {
    if (trigger === undefined || window !== null) return;
    try {
      const answer = await api.call('views.open', { trigger_id: trigger, view: waitingModal() });
      window = { id: opened.parse(answer).view.id, hash: undefined };
    } catch (error) {
      // Too late for one: then it stands beside what they see.
      if (respond === undefined || !(error instanceof SlackRefusal)) throw error;
      refused = true;
    }
  }

  /** The Home tab shows a memory by itself; anything else needs a window, if there is still time for one. */
  async function showAtHome(shown: PreferencesView, said?: string, from?: number): Promise<void> {
    if (shown.type === 'memory') return;
    await open();
    await update(modalView(shown, said, from));
  }

  return {
    open,
    async show(shown, said, from) {
      if (await update(modalView(shown, said, from))) return;
      if (view?.type === 'home') return showAtHome(shown, said, from);
      if (respond === undefined) return;
      const content = ofTenant(viewMessage(shown, said, from), tenant);
      const replaces = options.onMessage === true && !refused;
      if (replaces) await respond({ replace_original: true, ...content, ...QUIET });
      else await beside(content);
    },
    async settle(sentence) {
      await respond?.({ replace_original: true, ...settledNotice(sentence), ...QUIET });
    },
    async say(sentence) {
      const said: PreferencesView = { type: 'outcome', ok: false, sentence };
      const inWindow = view?.type === 'home' ? showAtHome(said) : update(modalView(said));
      if ((await inWindow.catch(() => false)) === true) return;
      await beside(sentenceMessage(sentence)).catch(() => {});
    },
    whisper: shown => beside(ofTenant(viewMessage(shown), tenant)),
  };
}

/** To the person alone, where they typed or pressed. */
export async function whisper(respond: RespondFn, content: MessageContent, thread?: string): Promise<void> {
  const place = thread === undefined ? {} : { thread_ts: thread };
  await respond({ response_type: 'ephemeral', replace_original: false, ...place, ...content, ...QUIET });
}
