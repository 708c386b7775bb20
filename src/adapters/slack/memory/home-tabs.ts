import type { BotPort } from '../../../core/adapter.ts';
import type { Actor } from '../connection/actors.ts';
import type { SlackApi } from '../connection/web-client.ts';
import { addNewest } from '../newest.ts';
import { homeView } from './views.ts';

/** The Home tabs that people have looked at: published when they are opened, and again when they are out of date. */
export interface HomeTabs {
  /** The person looks at theirs; it is published. */
  opened(actor: Actor): void;
  /** The person has theirs open. */
  seen(actor: Actor): void;
  /** The person's memory or settings changed. */
  refresh(actor: Actor): void;
}

/** Whoever has not looked for so long has it published when they open it. */
const MOST_SEEN = 10_000;

export function createHomeTabs(deps: {
  bot(): BotPort;
  apiOf(tenant: string): SlackApi;
  background(work: Promise<unknown>): void;
}): HomeTabs {
  const seen = new Set<string>();
  const keyOf = ({ tenant, user }: Actor) => `${tenant} ${user}`;
  const note = (actor: Actor) => addNewest(seen, keyOf(actor), MOST_SEEN);

  async function publish(actor: Actor): Promise<void> {
    const view = await deps.bot().command({ person: actor.person, action: { type: 'view' } });
    await deps.apiOf(actor.tenant).call('views.publish', { user_id: actor.user, view: homeView(view) });
  }

  return {
    opened(actor) {
      note(actor);
      deps.background(publish(actor));
    },
    seen: note,
    refresh(actor) {
      if (seen.has(keyOf(actor))) deps.background(publish(actor));
    },
  };
}
