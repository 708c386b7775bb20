import type { BotPort } from '../../../core/adapter.ts';
import type { Actor } from '../connection/actors.ts';
import type { SlackApi } from '../connection/web-client.ts';
import type { Inbound } from '../inbound.ts';
import type { HomeTabs } from '../memory/home-tabs.ts';
import type { Latest } from '../memory/latest.ts';

const PREPARE_EVERY_MS = 10 * 60_000;
const MOST_PROMPTS = 4;

/** A person opens the app: their Home tab is shown, or prompts to begin with, and a session is made ready. */
export function createOpenings(deps: {
  bot(): BotPort;
  apiOf(tenant: string): SlackApi;
  homes: HomeTabs;
  latest: Latest;
  suggestedPrompts: readonly { title: string; message: string }[];
  background(work: Promise<unknown>): void;
  now: () => number;
}): { opened(it: Extract<Inbound, { type: 'opened' }>, actor: Actor): Promise<void> } {
  /** When a person's session was last prepared, the longest ago first. */
  const prepared = new Map<string, number>();
  const prompts = deps.suggestedPrompts.slice(0, MOST_PROMPTS);

  async function suggest(tenant: string, channel: string): Promise<void> {
    if (prompts.length === 0) return;
    // With a thread_ts Slack would say ok and show nothing.
    const args = { channel_id: channel, prompts };
    await deps.apiOf(tenant).call('assistant.threads.setSuggestedPrompts', args);
  }

  function isPrepared(person: string): boolean {
    for (const [other, at] of prepared) {
      if (deps.now() - at < PREPARE_EVERY_MS) break;
      prepared.delete(other);
    }
    return prepared.has(person);
  }

  return {
    async opened(it, actor) {
      if (it.tab === 'home') return deps.homes.opened(actor);
      deps.background(suggest(actor.tenant, it.channel));
      const key = `${actor.tenant} ${actor.user}`;
      if (isPrepared(key)) return;
      prepared.set(key, deps.now());
      await deps.latest.opened(actor.person, it.channel);
      deps.background(deps.bot().prepare(actor.person));
    },
  };
}
