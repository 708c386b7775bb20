import type { RespondFn } from '@slack/bolt';
import { z } from 'zod';
import type { CommandAction } from '../../../core/message.ts';
import { findNamed, readTyped, type Typed } from '../../../core/preferences/typed-preferences.ts';
import type { Actors } from '../connection/actors.ts';
import { createSurface, whisper } from '../connection/surfaces.ts';
import type { SlackApi } from '../connection/web-client.ts';
import { readableText } from '../inbound.ts';
import { maybe } from '../maybe.ts';
import type { Latest } from './latest.ts';
import type { MemoryAnswers } from './memory-answers.ts';
import { choicesMessage, helpMessage } from './views.ts';

export interface PreferencesCommandDeps {
  apiOf(tenant: string): SlackApi;
  actorOf: Actors['of'];
  latest: Latest;
  answers: MemoryAnswers;
}

const command = z.looseObject({
  user_id: z.string(),
  team_id: maybe(z.string()),
  channel_id: maybe(z.string()),
  trigger_id: maybe(z.string()),
  text: maybe(z.string()),
});

const BRING_BACK = 'Press “Bring back” next to what you want back.';

/** `/preferences`, typed anywhere; answered to the person alone. `body` is the payload. */
export async function answerPreferences(
  body: unknown,
  tenant: string,
  respond: RespondFn,
  deps: PreferencesCommandDeps,
): Promise<void> {
  const it = command.parse(body);
  // Slack sends `& < >` escaped and names as ids, also in what people type after a command.
  const typed = readTyped(readableText(it.text ?? '', new Map()));
  const surface = createSurface({ api: deps.apiOf(tenant), tenant, respond, trigger: it.trigger_id });
  await deps.answers.guard(surface, async () => {
    if (typed.type === 'help') return whisper(respond, helpMessage());
    if (typed.type === 'unclear') return surface.say(typed.sentence);
    if (typed.type === 'unknown') {
      return whisper(respond, helpMessage(`I don't know “/preferences ${typed.verb}”. Here is what I know:`));
    }
    if (opensForm(typed)) await surface.open();
    const actor = await deps.actorOf(tenant, it.user_id, it.team_id ?? null);
    const conversation = await deps.latest.conversation(actor.person, it.channel_id ?? null);
    const answer = (action: CommandAction) => deps.answers.answer(actor, action, surface, conversation);
    switch (typed.type) {
      case 'do':
        return answer(typed.action);
      case 'named': {
        const view = await deps.answers.run(actor, { type: 'view' });
        const found = findNamed(typed, view.type === 'memory' ? view.sections : []);
        if (found.type === 'do') return answer(found.action);
        return whisper(respond, choicesMessage(found.sentence, found.choices));
      }
      case 'restore':
        return surface.show(await deps.answers.run(actor, { type: 'history' }), BRING_BACK);
    }
  });
}

/** A window has to be opened at once; the memory may take longer than Slack allows. */
function opensForm(typed: Typed): boolean {
  if (typed.type === 'do') return typed.action.type === 'form';
  return typed.type === 'named' && (typed.verb === 'edit' || typed.verb === 'new');
}
