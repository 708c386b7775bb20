import type { RespondFn } from '@slack/bolt';
import { z } from 'zod';
import type { Conversation } from '../../../core/message.ts';
import type { Actor, Actors } from '../connection/actors.ts';
import { createSurface, type Surface } from '../connection/surfaces.ts';
import type { SlackApi } from '../connection/web-client.ts';
import { originOfReply, slackMessage } from '../reply/reply-origin.ts';
import type { MemoryAnswers } from './memory-answers.ts';

export interface WhyShortcutDeps {
  apiOf(tenant: string): SlackApi;
  actorOf: Actors['of'];
  answers: MemoryAnswers;
}

const shortcut = z.looseObject({
  user: z.looseObject({ id: z.string(), team_id: z.string().nullish() }),
  trigger_id: z.string(),
  channel: z.looseObject({ id: z.string() }),
  message: slackMessage,
});

const NOT_AN_ANSWER = 'That only works on my answers. Choose it in the menu of one of them.';
const NOT_YOURS = 'That answer was for somebody else; only they can see what it was based on.';

/** "Why this answer?" in a message's menu, shown to who chose it in a window. `body` is the payload. */
export async function answerWhyShortcut(
  body: unknown,
  { tenant, botUser }: { tenant: string; botUser: string },
  respond: RespondFn,
  deps: WhyShortcutDeps,
): Promise<void> {
  const { user, trigger_id: trigger, channel, message } = shortcut.parse(body);
  const surface = createSurface({ api: deps.apiOf(tenant), tenant, respond, trigger });
  await deps.answers.guard(surface, async () => {
    await surface.open();
    const origin = await originOfReply(deps.apiOf(tenant), channel.id, message, botUser);
    if (origin === null) return surface.say(NOT_AN_ANSWER);
    if (origin.owner !== null && origin.owner !== user.id) return surface.say(NOT_YOURS);
    const actor = await deps.actorOf(tenant, user.id, user.team_id ?? null);
    const conversation = conversationAt(actor, channel.id, message.thread_ts ?? message.ts);
    await why(actor, origin.messageId, conversation, surface, deps.answers);
  });
}

export function conversationAt({ person }: Actor, channel: string, thread: string): Conversation {
  return { person, channel, thread, audience: channel.startsWith('D') ? 'private' : 'shared' };
}

async function why(
  actor: Actor,
  messageId: string,
  conversation: Conversation,
  surface: Surface,
  answers: MemoryAnswers,
): Promise<void> {
  const view = await answers.run(actor, { type: 'why', messageId }, conversation);
  // What cannot be said is a sentence, and nothing was done that would be shown above the memory.
  return surface.show(view);
}
