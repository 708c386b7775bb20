import type { App, RespondFn } from '@slack/bolt';
import { z } from 'zod';
import type { Conversation } from '../../core/message.ts';
import type { Asks, Pressed } from './asks.ts';
import type { Actor } from './connection/actors.ts';
import { WHY_SHORTCUT } from './connection/scopes.ts';
import { createSurface, type Surface, whisper } from './connection/surfaces.ts';
import { PLATFORM } from './inbound.ts';
import { maybe } from './maybe.ts';
import {
  createMemoryAnswers,
  type MemoryAnswers,
  type MemoryAnswersDeps,
  needsWindow,
} from './memory/memory-answers.ts';
import { isLeaving, MEMORY_BUTTON, readMemoryAction, readPart } from './memory/memory-buttons.ts';
import { EDITOR_WINDOW, FORM_WINDOW, LINK_WINDOW, readSubmission } from './memory/memory-forms.ts';
import { answerPreferences, type PreferencesCommandDeps } from './memory/preferences-command.ts';
import { waitingModal } from './memory/views.ts';
import { answerWhyShortcut, conversationAt } from './memory/why-shortcut.ts';
import { NOTICE_BUTTONS, QUESTION_BUTTONS, thanksMessage } from './notices.ts';
import { FEEDBACK_ACTION, readVerdict } from './reply/reply-blocks.ts';

export interface InteractionDeps extends MemoryAnswersDeps, Omit<PreferencesCommandDeps, 'answers'> {
  asks: Asks;
  /** Work that goes on after the acknowledgement. */
  background(work: Promise<unknown>): void;
}

const user = z.looseObject({ id: z.string(), team_id: z.string().nullish() });
const press = z.looseObject({
  user,
  trigger_id: maybe(z.string()),
  view: maybe(z.looseObject({ id: z.string(), type: z.string(), hash: maybe(z.string()) })),
  container: maybe(z.looseObject({ channel_id: maybe(z.string()), thread_ts: maybe(z.string()) })),
  actions: z
    .array(
      z.looseObject({
        action_id: z.string(),
        value: maybe(z.string()),
        selected_date: z.string().nullish(),
      }),
    )
    .min(1),
});
type Press = z.infer<typeof press>;
const submitted = z.looseObject({ user, view: z.looseObject({ id: z.string() }) });

const noticeValue = z.object({ notice: z.string(), owner: z.string() });
const pressAnswer = z.object({ sentence: z.string().nullable() }).nullable();
const authorized = z.object({ tenant: z.string(), botUser: z.string() });

const NOT_YOURS = 'Those buttons are for the person whose memory it is. Yours is in /preferences.';
const WINDOWS = new RegExp(`^(?:${[FORM_WINDOW, EDITOR_WINDOW, LINK_WINDOW].join('|')})$`);

/** Commands, buttons, forms and shortcuts: each is acknowledged first, and answered when the memory has answered. */
export function registerInteractions(app: App, deps: InteractionDeps): void {
  const { asks, log, latest } = deps;
  const answers: MemoryAnswers = createMemoryAnswers(deps);

  app.command('/preferences', async ({ ack, body, context, respond }) => {
    await ack();
    const { tenant } = authorized.parse(context);
    deps.background(answerPreferences(body, tenant, respond, { ...deps, answers }));
  });

  app.shortcut(
    { type: 'message_action', callback_id: WHY_SHORTCUT },
    async ({ ack, body, context, respond }) => {
      await ack();
      deps.background(answerWhyShortcut(body, authorized.parse(context), respond, { ...deps, answers }));
    },
  );

  app.action(/^(?:memory|notice|ask)_|^feedback$/, async ({ ack, body, context, respond }) => {
    await ack();
    deps.background(answerPress(press.parse(body), authorized.parse(context).tenant, respond));
  });

  app.view(WINDOWS, async ({ ack, body, context }) => {
    await ack({ response_action: 'update', view: waitingModal() });
    deps.background(answerForm(body, authorized.parse(context).tenant));
  });

  async function answerPress(it: Press, tenant: string, respond: RespondFn): Promise<void> {
    const [{ action_id: id = '', value = '' } = {}] = it.actions;
    const surface = createSurface({
      api: deps.apiOf(tenant),
      tenant,
      respond,
      trigger: it.trigger_id,
      onMessage: it.view === undefined,
      view: it.view,
      thread: it.container?.thread_ts,
    });
    await answers.guard(surface, async () => {
      if (id === FEEDBACK_ACTION) return noteFeedback(value, it, tenant, respond);
      if (id === QUESTION_BUTTONS.allow || id === QUESTION_BUTTONS.deny) {
        const allow = id === QUESTION_BUTTONS.allow;
        const sentence = await answerQuestion({ key: value, tenant, user: it.user.id, allow });
        return sentence === null ? undefined : surface.say(sentence);
      }
      return MEMORY_BUTTON.test(id)
        ? answerMemory(it, tenant, surface)
        : answerNotice(id, it, value, tenant, surface);
    });
  }

  /** Who was answered is offered to see what the answer was based on. */
  async function noteFeedback(value: string, it: Press, tenant: string, respond: RespondFn): Promise<void> {
    const { verdict, messageId, owner } = readVerdict(value);
    log.info({ event: 'slack.feedback', tenant, verdict, message: messageId }, 'feedback on a reply');
    const theirs = owner === it.user.id ? messageId : null;
    await whisper(respond, thanksMessage(tenant, theirs), it.container?.thread_ts);
  }

  /** The question may be one that another process asks. */
  async function answerQuestion(pressed: Pressed): Promise<string | null> {
    const relay = async () =>
      pressAnswer.parse(await deps.bot().relay(PLATFORM, { type: 'press', ...pressed }));
    const answer = asks.press(pressed) ?? (await relay());
    return answer === null ? 'That question is no longer open.' : answer.sentence;
  }

  async function answerMemory(it: Press, tenant: string, surface: Surface): Promise<void> {
    const [element] = it.actions;
    const action = element === undefined ? null : readMemoryAction(element);
    if (element === undefined || action === null) throw new Error('a button with no action of ours');
    if (needsWindow(action) && !isLeaving(element.action_id)) await surface.open();
    const actor = await deps.actorOf(tenant, it.user.id, it.user.team_id ?? null);
    if (it.view?.type === 'home') deps.homes.seen(actor);
    const { from } = readPart(element);
    await answers.answer(actor, action, surface, await conversationOf(it, actor), from);
  }

  /**
   * The thread that the button stands in; else where the person was last heard in that channel. Anywhere only from a window or the
   * Home tab: what "here" is must not be another place.
   */
  async function conversationOf({ container }: Press, actor: Actor): Promise<Conversation | null> {
    const { channel_id: channel, thread_ts: thread } = container ?? {};
    if (channel !== undefined && thread !== undefined) return conversationAt(actor, channel, thread);
    return latest.conversation(actor.person, channel ?? null);
  }

  async function answerNotice(
    id: string,
    it: Press,
    value: string,
    tenant: string,
    surface: Surface,
  ): Promise<void> {
    const { notice, owner } = noticeValue.parse(JSON.parse(value));
    if (owner !== it.user.id) return surface.say(NOT_YOURS);
    if (id === NOTICE_BUTTONS.all) await surface.open();
    const actor = await deps.actorOf(tenant, it.user.id, it.user.team_id ?? null);
    if (id === NOTICE_BUTTONS.all) return surface.show(await answers.run(actor, { type: 'view' }));
    const type = id === NOTICE_BUTTONS.keep ? 'keep' : 'undo';
    const view = await answers.run(actor, { type, noticeId: notice });
    if (view.type === 'outcome' && view.ok) return surface.settle(view.sentence);
    // What happened, beside the notice, which keeps its buttons.
    return view.type === 'outcome' ? surface.say(view.sentence) : surface.whisper(view);
  }

  async function answerForm(body: unknown, tenant: string): Promise<void> {
    const it = submitted.parse(body);
    const view = { id: it.view.id, type: 'modal' };
    const surface = createSurface({ api: deps.apiOf(tenant), tenant, view });
    await answers.guard(surface, async () => {
      const actor = await deps.actorOf(tenant, it.user.id, it.user.team_id ?? null);
      await answers.answer(actor, readSubmission(it.view), surface);
    });
  }
}
