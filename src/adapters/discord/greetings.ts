import type { DiscordApi } from './api.ts';

/** The first sign of life: a typing mark from before a message is written down. It promises nothing, and goes by itself. */
export interface Greetings {
  /** Never waits and never throws. */
  greet(channelId: string, messageId: string): void;
  /** True where the mark of this message was set just now, the first time that is asked. */
  greeted(messageId: string): boolean;
}

/** Whoever comes to answer later than this sets the mark anew. */
const FRESH_MS = 1_000;
const REMEMBER = 1_000;

export function createGreetings(deps: { api: Pick<DiscordApi, 'typing'>; now: () => number }): Greetings {
  const greetings = new Map<string, number>();
  return {
    greet(channelId, messageId) {
      // It comes again when it could not be written down.
      if (greetings.has(messageId)) return;
      greetings.set(messageId, deps.now());
      if (greetings.size > REMEMBER) greetings.delete(greetings.keys().next().value ?? '');
      deps.api.typing(channelId).catch(() => {});
    },
    greeted(messageId) {
      const at = greetings.get(messageId);
      greetings.delete(messageId);
      return at !== undefined && deps.now() - at < FRESH_MS;
    },
  };
}
