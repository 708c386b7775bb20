// Commands, buttons, menus and forms. The answer in the acknowledgement is applied as Slack does: a command's
// becomes a message, a form's response_action updates, pushes, clears or returns errors
// (docs.slack.dev/surfaces/modals, "Handling and responding to interactions").

import type { Core } from '../core.ts';
import type { Delivery, Envelope } from '../deliveries.ts';
import { isRecord } from '../findings.ts';
import { respondTo } from '../interactions.ts';
import { ApiError } from '../method.ts';
import {
  blocksOfView,
  changeView,
  checkView,
  closeModals,
  createView,
  popModal,
  pushModal,
} from '../modals.ts';
import {
  messageAction,
  messageShortcut,
  slashCommand,
  viewAction,
  viewClosed,
  viewSubmission,
} from '../payloads.ts';
import { blocksOf } from '../rendering.ts';
import {
  type Channel,
  type Installation,
  type Json,
  type Message,
  type Person,
  targetId,
  type View,
} from '../world.ts';
import { actionFor, chosen, elementsIn, type Pick } from './elements.ts';
import type { Seen } from './screen.ts';
import type { Interaction, Outcome } from './sent.ts';

/** What to fill in, by action_id or block_id. Several choices are joined by commas. */
export type Filled = Readonly<Record<string, string>>;

export interface Forms {
  /** Types a command; without `channel`, in the DM with the app. */
  command(command: string, text?: string, channel?: string): Interaction;
  /** Presses a button, or chooses in a menu, on a message the person sees. */
  press(on: Seen | { readonly message: Message }, pick: string | Pick): Interaction;
  /** The same on their Home tab or in the modal they have open. */
  pressInHome(pick: string | Pick): Interaction;
  pressInModal(pick: string | Pick): Interaction;
  /** Feedback buttons under a reply. */
  feedback(on: Seen | { readonly message: Message }, side: 'positive' | 'negative'): Interaction;
  /** Chooses one of the app's entries in the menu of a message, by its callback_id. */
  shortcut(on: Seen | { readonly message: Message }, callbackId: string): Interaction;
  /** Fills in the modal and sends it off. */
  submit(filled?: Filled): Interaction;
  /** Closes the modal; undefined where the app asked for no news of that. `all` closes the whole stack. */
  closeModal(all?: boolean): Delivery | undefined;
}

export function forms(
  core: Core,
  person: Person,
  installation: () => Installation,
  channelOf: (place: string) => Channel,
  direct: () => Channel,
): Forms {
  function send(envelope: Envelope, apply: (body: unknown) => Outcome): Interaction {
    const delivery = core.deliveries.send(envelope);
    const outcome = delivery.settled.then((done): Outcome => {
      const last = done.attempts.at(-1)?.result;
      if (done.state !== 'acked') {
        return { type: 'failed', reason: last === undefined || last.ok ? 'not delivered' : last.reason };
      }
      if (done.response !== undefined) note(done.response);
      const result = apply(done.response);
      core.changes.notify();
      return result;
    });
    return { payload: envelope.body, delivery, outcome };
  }

  /** An acknowledgement's body is something the app told the person: it belongs in the journal. */
  function note(body: unknown): void {
    const args = isRecord(body) ? body : { text: body };
    core.journal.add({
      at: core.clock.now(),
      method: 'ack',
      team: targetId(installation()),
      token: 'none',
      args,
    });
  }

  const pickOf = (pick: string | Pick): Pick => (typeof pick === 'string' ? { actionId: pick } : pick);
  function interactive(body: Json, apply: (body: unknown) => Outcome = done): Interaction {
    if (!core.app.interactivity) throw new Error('the app is not configured to handle interactive responses');
    return send({ kind: 'interactive', body }, apply);
  }

  function press(message: Message, pick: Pick): Interaction {
    const { author, ephemeralTo, channel } = message;
    if (author.type !== 'app') throw new Error('only the app has buttons');
    if (ephemeralTo !== undefined && ephemeralTo !== person.id)
      throw new Error(`${person.name} does not see this message`);
    if (!channel.messages.has(message.ts)) throw new Error('the message is gone');
    channelOf(channel.id);
    return interactive(
      messageAction(core, author.installation, person, message, actionFor(blocksOf(message), pick)),
    );
  }

  function pressInView(view: View | undefined, pick: Pick): Interaction {
    if (view === undefined) throw new Error(`${person.name} has no such view open`);
    return interactive(viewAction(core, person, view, actionFor(blocksOfView(view), pick)));
  }

  const top = (): View | undefined => core.world.modals.get(person.id)?.at(-1);

  return {
    command(command, text = '', place) {
      if (!core.app.commands.includes(command)) throw new Error(`${command} is not a command of the app`);
      const channel = place === undefined ? direct() : channelOf(place);
      const granted = installation();
      if (!granted.scopes.has('commands')) throw new Error('the app may not have commands here');
      const body = slashCommand(core, granted, person, channel, command, text);
      return send({ kind: 'slash_commands', body }, answer => {
        const args = typeof answer === 'string' ? { text: answer } : answer;
        if (!isRecord(args) || Object.keys(args).length === 0) return done(answer);
        try {
          respondTo(core, { installation: granted, channel, user: person, source: undefined }, args);
          return done(answer);
        } catch (error) {
          return failed(error);
        }
      });
    },
    press: ({ message }, pick) => press(message, pickOf(pick)),
    pressInHome: pick => pressInView(core.world.homes.get(person.id), pickOf(pick)),
    pressInModal: pick => pressInView(top(), pickOf(pick)),
    feedback({ message }, side) {
      const buttons = elementsIn(blocksOf(message)).find(
        ({ element }) => element.type === 'feedback_buttons',
      );
      if (buttons === undefined) throw new Error('no feedback buttons on this message');
      return press(message, { actionId: String(buttons.element.action_id), value: side });
    },
    shortcut({ message }, callbackId) {
      if (!core.app.shortcuts.includes(callbackId)) throw new Error(`the app has no shortcut ${callbackId}`);
      if (message.ephemeralTo !== undefined)
        throw new Error('messages for one person alone have no such menu');
      channelOf(message.channel.id);
      return interactive(messageShortcut(core, installation(), person, message, callbackId));
    },
    submit(filled = {}) {
      const view = top();
      if (view === undefined) throw new Error(`${person.name} has no modal open`);
      view.values = fillIn(view, filled);
      return interactive(viewSubmission(core, person, view), body => applySubmission(core, view, body));
    },
    closeModal(all = false) {
      const view = top();
      if (view === undefined) throw new Error(`${person.name} has no modal open`);
      const cleared = all || view.content.clear_on_close === true;
      const body = viewClosed(core, person, view, cleared);
      if (cleared) closeModals(core, person.id);
      else popModal(core, person.id);
      return view.content.notify_on_close === true
        ? core.deliveries.send({ kind: 'interactive', body })
        : undefined;
    },
  };
}

const done = (body: unknown): Outcome => ({ type: 'done', body });

function failed(error: unknown): Outcome {
  if (error instanceof ApiError) return { type: 'failed', reason: error.code };
  throw error;
}

/** The state of a view once filled in. Slack's client does not send a form with a required field empty. */
function fillIn(view: View, filled: Filled): View['values'] {
  const values: Record<string, Record<string, Json>> = {};
  for (const block of blocksOfView(view)) {
    if (block.type !== 'input' || !isRecord(block.element)) continue;
    const { element } = block;
    const blockId = String(block.block_id);
    const actionId = String(element.action_id);
    const initial = typeof element.initial_value === 'string' ? element.initial_value : undefined;
    const value = filled[actionId] ?? filled[blockId] ?? initial;
    if ((value === undefined || value === '') && block.optional !== true && !hasInitial(element)) {
      throw new Error(`the form does not go off: ${actionId} is empty`);
    }
    if (typeof element.max_length === 'number' && (value ?? '').length > element.max_length) {
      throw new Error(`the form does not go off: ${actionId} is longer than ${element.max_length}`);
    }
    values[blockId] = {
      [actionId]: value === undefined && hasInitial(element) ? initialState(element) : chosen(element, value),
    };
  }
  return values;
}

const INITIALS = [
  'initial_option',
  'initial_options',
  'initial_date',
  'initial_time',
  'initial_user',
  'initial_conversation',
];
const hasInitial = (element: Json) =>
  element.type === 'checkboxes' || INITIALS.some(field => element[field] !== undefined);

function initialState(element: Json): Json {
  const selected = INITIALS.flatMap(field =>
    element[field] === undefined ? [] : [[field.replace('initial', 'selected'), element[field]] as const],
  );
  return {
    type: element.type,
    ...(element.type === 'checkboxes' ? { selected_options: [] } : {}),
    ...Object.fromEntries(selected),
  };
}

function applySubmission(core: Core, view: View, body: unknown): Outcome {
  const action = isRecord(body) ? body.response_action : undefined;
  try {
    switch (action) {
      case undefined:
        popModal(core, view.user.id);
        return done(body);
      case 'clear':
        closeModals(core, view.user.id);
        return done(body);
      case 'errors': {
        const errors = isRecord(body) && isRecord(body.errors) ? body.errors : {};
        const blocks = new Set(
          blocksOfView(view)
            .filter(({ type }) => type === 'input')
            .map(({ block_id }) => block_id),
        );
        const known = Object.entries(errors).filter(
          ([block, text]) => blocks.has(block) && typeof text === 'string',
        );
        if (known.length === 0) return { type: 'failed', reason: 'errors name no input block' };
        view.errors = Object.fromEntries(known.map(([block, text]) => [block, String(text)]));
        return { type: 'errors', errors: view.errors };
      }
      case 'update':
      case 'push': {
        const content = isRecord(body) && isRecord(body.view) ? body.view : {};
        checkView(core, content, ['modal']);
        if (action === 'update') changeView(core, view, content, undefined);
        else pushModal(core, createView(core, view.installation, view.user, content, view));
        return done(body);
      }
      default:
        return { type: 'failed', reason: `unknown response_action ${String(action)}` };
    }
  } catch (error) {
    return failed(error);
  }
}
