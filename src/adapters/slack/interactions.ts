import type { App, RespondFn } from '@slack/bolt';
import { z } from 'zod';
import type { BotPort } from '../../core/adapter.ts';
import { PersonError } from '../../core/errors.ts';
import type { CommandAction, Conversation, Person } from '../../core/message.ts';
import type { PreferencesView } from '../../core/views.ts';
import type { Log } from '../../log.ts';
import type { Asks, Pressed } from './asks.ts';
import { PLATFORM } from './inbound.ts';
import { MEMORY_BUTTON, readMemoryButton } from './memory-buttons.ts';
import { EDITOR_WINDOW, FORM_WINDOW, readSubmission } from './memory-forms.ts';
import { NOTICE_BUTTONS, QUESTION_BUTTONS } from './notices.ts';
import { readPreferencesCommand } from './preferences-command.ts';
import { FEEDBACK_ACTION } from './reply-blocks.ts';
import { createSurface, type Surface, whisper } from './surfaces.ts';
import { helpMessage, waitingModal } from './views.ts';
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
  /** The conversation this person was last heard in, in a channel or anywhere. */
  lastConversation(person: Person, channel: string | null): Conversation | null;
  /** The person's memory or settings changed: what they have open elsewhere is out of date. */
  changed(actor: Actor): void;
  /** The person has their Home tab open. */
  atHome(actor: Actor): void;
  /** Work that goes on after the acknowledgement. */
  background(work: Promise<unknown>): void;
  log: Log;
}

const command = z.looseObject({
  user_id: z.string(),
  team_id: z.string(),
  channel_id: z.string().optional(),
  trigger_id: z.string().optional(),
  text: z.string().default(''),
});

const user = z.looseObject({ id: z.string(), team_id: z.string().nullish() });
const press = z.looseObject({
  user,
  trigger_id: z.string().optional(),
  view: z.looseObject({ id: z.string(), type: z.string(), hash: z.string().optional() }).optional(),
  container: z
    .looseObject({ channel_id: z.string().optional(), thread_ts: z.string().optional() })
    .optional(),
  actions: z.array(z.looseObject({ action_id: z.string(), value: z.string().optional() })).min(1),
});
export type Press = z.infer<typeof press>;
const submitted = z.looseObject({ user, view: z.looseObject({ id: z.string() }) });

const noticeValue = z.object({ notice: z.string(), owner: z.string() });
const pressAnswer = z.object({ sentence: z.string().nullable() }).nullable();
const tenantOf = z.object({ tenant: z.string() });

/** Read again after these, so that other places show them. */
const LOOKING: readonly CommandAction['type'][] = [
  'view',
  'show',
  'form',
  'editor',
  'history',
  'export',
  'why',
];
const SORRY = "I can't reach your memory right now. Please try again in a moment.";
const NOT_YOURS = 'Those buttons are for the person whose memory it is. Yours is in /preferences.';

/** Commands, buttons and forms: each is acknowledged first, and answered when the memory has answered. */
export function registerInteractions(app: App, deps: InteractionDeps): void {
  const { asks, log } = deps;

  app.command('/preferences', async ({ ack, body, context, respond }) => {
    await ack();
    deps.background(answerCommand(command.parse(body), tenantOf.parse(context).tenant, respond));
  });

  app.action(/^(?:memory|notice|ask)_|^feedback$/, async ({ ack, body, context, respond }) => {
    await ack();
    deps.background(answerPress(press.parse(body), tenantOf.parse(context).tenant, respond));
  });

  app.view(new RegExp(`^(?:${FORM_WINDOW}|${EDITOR_WINDOW})$`), async ({ ack, body, context }) => {
    await ack({ response_action: 'update', view: waitingModal() as never });
    deps.background(answerForm(body, tenantOf.parse(context).tenant));
  });

  async function run(
    actor: Actor,
    action: CommandAction,
    conversation: Conversation | null = null,
  ): Promise<PreferencesView> {
    const where = conversation === null ? {} : { conversation };
    const view = await deps.bot().command({ person: actor.person, ...where, action });
    if (!LOOKING.includes(action.type)) deps.changed(actor);
    return view;
  }

  /** What was done, said above the memory as it now is; anything else speaks for itself. */
  async function show(view: PreferencesView, actor: Actor, surface: Surface): Promise<void> {
    if (view.type !== 'outcome') return surface.show(view);
    return surface.show(await run(actor, { type: 'view' }), view.sentence);
  }

  async function answerCommand(
    it: z.infer<typeof command>,
    tenant: string,
    respond: RespondFn,
  ): Promise<void> {
    const action = readPreferencesCommand(it.text);
    if (action === null) return void (await whisper(respond, helpMessage()));
    const surface = createSurface({ api: deps.apiOf(tenant), respond, trigger: it.trigger_id });
    try {
      if (action.type === 'form') await surface.open();
      const actor = await deps.actorOf(tenant, it.user_id, it.team_id);
      if (action.type === 'notices-on') return await surface.show(await turnNoticesOn(actor));
      const conversation = deps.lastConversation(actor.person, it.channel_id ?? null);
      await surface.show(await run(actor, action, conversation));
    } catch (error) {
      await surface.say(sentenceFor(error));
    }
  }

  /** As it was set up here; where that is off, to the person alone. */
  async function turnNoticesOn(actor: Actor): Promise<PreferencesView> {
    const outcome = await run(actor, { type: 'notices', mode: 'default' });
    const now = await run(actor, { type: 'view' });
    const stillOff = now.type === 'memory' && now.notices === 'off';
    return stillOff ? run(actor, { type: 'notices', mode: 'private' }) : outcome;
  }

  async function answerPress(it: Press, tenant: string, respond: RespondFn): Promise<void> {
    const [{ action_id: id = '', value = '' } = {}] = it.actions;
    const surface = createSurface({
      api: deps.apiOf(tenant),
      respond,
      trigger: it.trigger_id,
      onMessage: it.view === undefined,
      view: it.view,
      thread: it.container?.thread_ts,
    });
    try {
      if (id === FEEDBACK_ACTION) await noteFeedback(value, tenant, surface);
      else if (id === QUESTION_BUTTONS.allow || id === QUESTION_BUTTONS.deny) {
        const allow = id === QUESTION_BUTTONS.allow;
        const sentence = await answerQuestion({ key: value, tenant, user: it.user.id, allow });
        if (sentence !== null) await surface.say(sentence);
      } else if (MEMORY_BUTTON.test(id)) await answerMemory(it, value, tenant, surface);
      else await answerNotice(id, it, value, tenant, surface);
    } catch (error) {
      await surface.say(sentenceFor(error));
    }
  }

  async function noteFeedback(value: string, tenant: string, surface: Surface): Promise<void> {
    const [verdict = '', message = ''] = value.split(' ', 2);
    log.info({ event: 'slack.feedback', tenant, verdict, message }, 'feedback on a reply');
    await surface.say('Thank you.');
  }

  /** The question may be one that another process asks. */
  async function answerQuestion(pressed: Pressed): Promise<string | null> {
    const relay = async () =>
      pressAnswer.parse(await deps.bot().relay(PLATFORM, { type: 'press', ...pressed }));
    const answer = asks.press(pressed) ?? (await relay());
    return answer === null ? 'That question is no longer open.' : answer.sentence;
  }

  async function answerMemory(it: Press, value: string, tenant: string, surface: Surface): Promise<void> {
    const action = readMemoryButton(value);
    if (action === null) throw new Error('a button with no action of ours');
    // What is only looked at, or asked about, gets a window; what is done is shown where the button was.
    const looks = LOOKING.includes(action.type) || action.type === 'forget-me';
    if (looks && !surface.isWindow) await surface.open();
    const actor = await deps.actorOf(tenant, it.user.id, it.user.team_id ?? null);
    if (it.view?.type === 'home') deps.atHome(actor);
    await show(await run(actor, action, deps.lastConversation(actor.person, null)), actor, surface);
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
    if (id === NOTICE_BUTTONS.all) return surface.show(await run(actor, { type: 'view' }));
    const type = id === NOTICE_BUTTONS.keep ? 'keep' : 'undo';
    const view = await run(actor, { type, noticeId: notice });
    if (view.type === 'outcome' && view.ok) return surface.settle(view.sentence);
    // What happened, beside the notice, which keeps its buttons.
    return view.type === 'outcome' ? surface.say(view.sentence) : surface.whisper(view);
  }

  async function answerForm(body: unknown, tenant: string): Promise<void> {
    const it = submitted.parse(body);
    const surface = createSurface({
      api: deps.apiOf(tenant),
      view: { id: it.view.id, type: 'modal' },
    });
    try {
      const actor = await deps.actorOf(tenant, it.user.id, it.user.team_id ?? null);
      await show(await run(actor, readSubmission(it.view)), actor, surface);
    } catch (error) {
      await surface.say(sentenceFor(error));
    }
  }

  function sentenceFor(error: unknown): string {
    if (error instanceof PersonError) return error.message;
    log.warn({ event: 'slack.command_failed', err: error }, 'a command could not be carried out');
    return SORRY;
  }
}
