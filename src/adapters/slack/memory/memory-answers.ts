import type { BotPort } from '../../../core/adapter.ts';
import { PersonError } from '../../../core/errors.ts';
import { type CommandAction, type Conversation, onlyLooks } from '../../../core/message.ts';
import type { PreferencesView } from '../../../core/views.ts';
import type { Log } from '../../../log.ts';
import type { Actor } from '../connection/actors.ts';
import type { Surface } from '../connection/surfaces.ts';
import type { ExportFiles } from './export-files.ts';
import type { HomeTabs } from './home-tabs.ts';

/** What people ask of their memory, carried out and shown where they asked. */
export interface MemoryAnswers {
  run(actor: Actor, action: CommandAction, conversation?: Conversation | null): Promise<PreferencesView>;
  /**
   * Runs it and shows what came of it: what was done stands above the memory as it now is. `from`: where a long note
   * goes on.
   */
  answer(
    actor: Actor,
    action: CommandAction,
    surface: Surface,
    conversation?: Conversation | null,
    from?: number,
  ): Promise<void>;
  /** A sentence for the person instead of a failure. */
  guard(surface: Surface, work: () => Promise<void>): Promise<void>;
}

export interface MemoryAnswersDeps {
  bot(): BotPort;
  exports: ExportFiles;
  homes: HomeTabs;
  log: Log;
}

/** These ask before they do anything. */
const ASKING: readonly CommandAction['type'][] = ['forget-since', 'forget-me', 'link', 'unlink'];

const SORRY = "I can't reach your memory right now. Please try again in a moment.";
const SENT = 'I sent it to you as a file in our direct messages.';
const NO_FILES =
  'I am not allowed to send files in this workspace (the people who run me can change that, with the scope files:write), so here it is as text:';
const FILE_FAILED = 'I could not send it as a file just now, so here it is as text:';

/** Looked at, or asked about: it gets a window. What is done is shown where the button was. */
export function needsWindow(action: CommandAction): boolean {
  const asks = ASKING.includes(action.type) && !('confirmed' in action && action.confirmed === true);
  return onlyLooks(action) || asks;
}

export function createMemoryAnswers(deps: MemoryAnswersDeps): MemoryAnswers {
  async function run(
    actor: Actor,
    action: CommandAction,
    conversation: Conversation | null = null,
  ): Promise<PreferencesView> {
    const where = conversation === null ? {} : { conversation };
    const view = await deps.bot().command({ person: actor.person, ...where, action });
    if (!onlyLooks(action)) deps.homes.refresh(actor);
    return view;
  }

  /** In a channel as anywhere: the file goes to the person's direct messages alone. */
  async function sendExport(
    view: Extract<PreferencesView, { type: 'export' }>,
    actor: Actor,
    surface: Surface,
  ): Promise<void> {
    const outcome = await deps.exports.send(actor, view.file, view.sentence);
    if (outcome === 'sent') return surface.say(SENT);
    return surface.show(view, outcome === 'not_allowed' ? NO_FILES : FILE_FAILED);
  }

  return {
    run,

    async answer(actor, action, surface, conversation = null, from = 0) {
      const view = await run(actor, action, conversation);
      if (view.type === 'export') return sendExport(view, actor, surface);
      if (view.type !== 'outcome') return surface.show(view, undefined, from);
      return surface.show(await run(actor, { type: 'view' }, conversation), view.sentence);
    },

    async guard(surface, work) {
      try {
        await work();
      } catch (error) {
        if (error instanceof PersonError) return surface.say(error.message);
        deps.log.warn({ event: 'slack.command_failed', err: error }, 'a command could not be carried out');
        await surface.say(SORRY);
      }
    },
  };
}
