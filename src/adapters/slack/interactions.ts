import type { App, RespondFn } from '@slack/bolt';
import { z } from 'zod';
import type { BotPort } from '../../core/adapter.ts';
import { PersonError } from '../../core/errors.ts';
import type { CommandAction, NoticeMode, Person } from '../../core/message.ts';
import type { PreferencesView } from '../../core/views.ts';
import type { Log } from '../../log.ts';
import type { Asks, Pressed } from './asks.ts';
import { PLATFORM } from './inbound.ts';
import { FEEDBACK_ACTION, QUIET } from './reply-blocks.ts';
import {
  ACTIONS,
  helpMessage,
  type MessageContent,
  modalView,
  sentenceMessage,
  settledNotice,
  viewMessage,
  waitingModal,
} from './views.ts';
import type { SlackApi } from './web-client.ts';

/** Who does something, as one of the bot's people. */
export interface Actor {
  tenant: string;
  user: string;
  person: Person;
}

export interface InteractionDeps {
  bot(): BotPort;
  asks: Asks;
  apiOf(tenant: string): SlackApi;
  actorOf(tenant: string, user: string, home: string | null): Promise<Actor>;
  /** The person's memory or settings changed: what they have open elsewhere is out of date. */
  changed(actor: Actor): void;
  /** Work that goes on after the acknowledgement. */
  background(work: Promise<unknown>): void;
  log: Log;
}

const command = z.looseObject({ user_id: z.string(), team_id: z.string(), text: z.string().default('') });

const press = z.looseObject({
  user: z.looseObject({ id: z.string(), team_id: z.string().nullish() }),
  trigger_id: z.string().optional(),
  view: z.looseObject({ id: z.string(), type: z.string(), hash: z.string().optional() }).optional(),
  container: z.looseObject({ thread_ts: z.string().optional() }).optional(),
  actions: z.array(z.looseObject({ action_id: z.string(), value: z.string().optional() })).min(1),
});

type Press = z.infer<typeof press>;

const pressAnswer = z.object({ sentence: z.string().nullable() }).nullable();
const noticeValue = z.object({ notice: z.string(), owner: z.string() });
const tenantOf = z.object({ tenant: z.string() });
const SORRY = "I can't reach your memory right now. Please try again in a moment.";

/** Commands, buttons and forms: each is acknowledged first, and answered when the memory has answered. */
export function registerInteractions(app: App, deps: InteractionDeps): void {
  const { asks, log } = deps;

  app.command('/preferences', async ({ ack, body, context, respond }) => {
    await ack();
    const it = command.parse(body);
    deps.background(answerCommand(it, tenantOf.parse(context).tenant, respond));
  });

  app.action(/^(?:memory|ask)_|^feedback$/, async ({ ack, body, context, respond }) => {
    await ack();
    const it = press.parse(body);
    deps.background(answerPress(it, tenantOf.parse(context).tenant, respond));
  });

  /** To the person alone, where they typed or pressed. */
  function whisper(respond: RespondFn, content: MessageContent, thread?: string): Promise<unknown> {
    const place = thread === undefined ? {} : { thread_ts: thread };
    return respond({ response_type: 'ephemeral', replace_original: false, ...place, ...content, ...QUIET });
  }

  async function answerCommand(
    it: z.infer<typeof command>,
    tenant: string,
    respond: RespondFn,
  ): Promise<void> {
    try {
      const actor = await deps.actorOf(tenant, it.user_id, it.team_id);
      const [verb = '', mode = '', ...rest] = it.text.trim().toLowerCase().split(/\s+/);
      if (verb === 'help') return void (await whisper(respond, helpMessage()));
      if (verb === '' && rest.length === 0) {
        return void (await whisper(respond, viewMessage(await run(actor, { type: 'view' }))));
      }
      const view = verb === 'notices' && rest.length === 0 ? await setNotices(actor, mode) : null;
      await whisper(respond, view === null ? helpMessage() : viewMessage(view));
    } catch (error) {
      await whisper(respond, sentenceMessage(sentenceFor(error)));
    }
  }

  /** "on" is as it was set up here; where that is off, to the person alone. */
  async function setNotices(actor: Actor, word: string): Promise<PreferencesView | null> {
    const modes: Record<string, NoticeMode | 'default'> = {
      on: 'default',
      default: 'default',
      off: 'off',
      private: 'private',
      thread: 'thread',
    };
    const mode = modes[word];
    if (mode === undefined) return null;
    const outcome = await run(actor, { type: 'notices', mode });
    if (word !== 'on') return outcome;
    const now = await run(actor, { type: 'view' });
    const stillOff = now.type === 'memory' && now.notices === 'off';
    return stillOff ? run(actor, { type: 'notices', mode: 'private' }) : outcome;
  }

  async function run(actor: Actor, action: CommandAction): Promise<PreferencesView> {
    const view = await deps.bot().command({ person: actor.person, action });
    if (action.type !== 'view' && action.type !== 'show') deps.changed(actor);
    return view;
  }

  async function answerPress(it: Press, tenant: string, respond: RespondFn): Promise<void> {
    const [action] = it.actions;
    if (action === undefined) return;
    const value = action.value ?? '';
    const pressed = { tenant, user: it.user.id };
    const thread = it.container?.thread_ts;
    if (action.action_id === FEEDBACK_ACTION) {
      const [verdict = '', message = ''] = value.split(' ', 2);
      log.info({ event: 'slack.feedback', tenant, verdict, message }, 'feedback on a reply');
      await whisper(respond, sentenceMessage('Thank you.'), thread);
      return;
    }
    if (action.action_id === ACTIONS.allow || action.action_id === ACTIONS.deny) {
      const sentence = await answerQuestion({
        ...pressed,
        key: value,
        allow: action.action_id === ACTIONS.allow,
      });
      if (sentence !== null) await whisper(respond, sentenceMessage(sentence), thread);
      return;
    }
    const surface = surfaceOf(it, tenant, respond);
    try {
      await surface.begin();
      const actor = await deps.actorOf(tenant, it.user.id, it.user.team_id ?? null);
      await answerMemory(action.action_id, value, actor, surface);
    } catch (error) {
      log.warn(
        { event: 'slack.action_failed', action: action.action_id, tenant, err: error },
        'a button could not be answered',
      );
      await surface.say(sentenceFor(error));
    }
  }

  /** The question may be one that another process asks. */
  async function answerQuestion(pressed: Pressed): Promise<string | null> {
    const relay = async () =>
      pressAnswer.parse(await deps.bot().relay(PLATFORM, { type: 'press', ...pressed }));
    const answer = asks.press(pressed) ?? (await relay());
    return answer === null ? 'That question is no longer open.' : answer.sentence;
  }

  async function answerMemory(id: string, value: string, actor: Actor, surface: Surface): Promise<void> {
    if (id.startsWith(ACTIONS.notices)) {
      const mode = z.enum(['thread', 'private', 'off']).parse(value);
      const outcome = await run(actor, { type: 'notices', mode });
      return surface.memory(await run(actor, { type: 'view' }), sentenceIn(outcome));
    }
    switch (id) {
      case ACTIONS.show:
        return surface.file(await run(actor, { type: 'show', memoryId: value }));
      case ACTIONS.forget: {
        const outcome = await run(actor, { type: 'forget', memoryId: value });
        return surface.memory(await run(actor, { type: 'view' }), sentenceIn(outcome));
      }
      case ACTIONS.all: {
        const notice = noticeIn(value);
        if (notice !== null && notice.owner !== actor.user) return surface.say(NOT_YOURS);
        return surface.file(await run(actor, { type: 'view' }));
      }
      case ACTIONS.undo:
      case ACTIONS.keep:
      case ACTIONS.leave: {
        const notice = noticeIn(value);
        if (notice === null || notice.owner !== actor.user) return surface.say(NOT_YOURS);
        if (id === ACTIONS.leave) return surface.settle('Left out of your memory.', true);
        const type = id === ACTIONS.undo ? 'undo' : 'keep';
        const outcome = await run(actor, { type, noticeId: notice.notice });
        return surface.settle(sentenceIn(outcome) ?? '', outcome.type === 'outcome' && outcome.ok);
      }
      default:
        log.warn({ event: 'slack.unknown_action', action: id }, 'an unknown button was pressed');
    }
  }

  /** Where the answer to a button appears: in the modal or Home tab it was on, or beside its message. */
  interface Surface {
    /** Opens what must be opened within three seconds of the press. */
    begin(): Promise<void>;
    file(view: PreferencesView): Promise<void>;
    memory(view: PreferencesView, sentence: string | undefined): Promise<void>;
    settle(sentence: string, ok: boolean): Promise<void>;
    say(sentence: string): Promise<void>;
  }

  function surfaceOf(it: Press, tenant: string, respond: RespondFn): Surface {
    const api = deps.apiOf(tenant);
    const id = it.actions[0]?.action_id ?? '';
    const thread = it.container?.thread_ts;
    const opens = id === ACTIONS.show || id === ACTIONS.all;
    const modal = it.view?.type === 'modal' ? it.view : null;
    const home = it.view?.type === 'home';
    let opened: string | null = null;

    /** In the modal that was opened for it, or the one that the button is in; on the Home tab in a new one. */
    async function inModal(view: Record<string, unknown>): Promise<boolean> {
      const target = opened ?? modal?.id ?? null;
      if (target === null) return false;
      const hash = opened === null && modal?.hash !== undefined ? { hash: modal.hash } : {};
      await api.call('views.update', { view_id: target, view, ...hash });
      return true;
    }

    return {
      async begin() {
        // A trigger works once and for three seconds; the memory may take longer than that.
        if (!opens || it.trigger_id === undefined) return;
        const notice = noticeIn(it.actions[0]?.value ?? '');
        if (notice !== null && notice.owner !== it.user.id) return;
        const method = modal === null ? 'views.open' : 'views.push';
        const answer = await api.call(method, { trigger_id: it.trigger_id, view: waitingModal() });
        opened = z.looseObject({ view: z.looseObject({ id: z.string() }) }).parse(answer).view.id;
      },
      async file(view) {
        await inModal(modalView(view));
      },
      async memory(view, sentence) {
        if (await inModal(modalView(view, sentence))) return;
        // The Home tab is published anew; a message that only the person sees is replaced.
        if (home) return;
        const content = viewMessage(view);
        const top = sentence === undefined ? [] : sentenceMessage(sentence).blocks;
        await respond({
          replace_original: true,
          ...content,
          blocks: [...top, ...content.blocks] as never[],
          ...QUIET,
        });
      },
      async settle(sentence, ok) {
        if (!ok) return void (await whisper(respond, sentenceMessage(sentence), thread));
        await respond({ replace_original: true, ...settledNotice(sentence), ...QUIET });
      },
      async say(sentence) {
        const shown = await inModal(modalView({ type: 'outcome', ok: false, sentence })).catch(() => false);
        if (!shown && it.view === undefined) await whisper(respond, sentenceMessage(sentence), thread);
      },
    };
  }

  function sentenceFor(error: unknown): string {
    if (error instanceof PersonError) return error.message;
    log.warn({ event: 'slack.command_failed', err: error }, 'a command could not be carried out');
    return SORRY;
  }
}

const NOT_YOURS = 'Those buttons are for the person whose memory it is. Yours is in /preferences.';

function sentenceIn(view: PreferencesView): string | undefined {
  return view.type === 'outcome' ? view.sentence : undefined;
}

function noticeIn(value: string): z.infer<typeof noticeValue> | null {
  try {
    return noticeValue.safeParse(JSON.parse(value)).data ?? null;
  } catch {
    return null;
  }
}
