import type { DiscordApi } from '../connection/api.ts';

/** The first sign of life: a typing mark from before a message is written down. It promises nothing, and goes by itself. */
export interface Typing {
  /** Never waits and never throws. */
  show(channelId: string, messageId: string): void;
  /** True where the mark of this message was set just now, the first time that is asked. */
  isFresh(messageId: string): boolean;
}

/** Whoever comes to answer later than this sets the mark anew. */
const FRESH_MS = 1_000;
const REMEMBER = 1_000;

export function createTyping(deps: { api: Pick<DiscordApi, 'typing'>; now: () => number }): Typing {
  const shown = new Map<string, number>();
  return {
    show(channelId, messageId) {
      // It comes again when it could not be written down.
      if (shown.has(messageId)) return;
      shown.set(messageId, deps.now());
      if (shown.size > REMEMBER) shown.delete(shown.keys().next().value ?? '');
      deps.api.typing(channelId).catch(() => {});
    },
    isFresh(messageId) {
      const at = shown.get(messageId);
      shown.delete(messageId);
      return at !== undefined && deps.now() - at < FRESH_MS;
    },
  };
}
