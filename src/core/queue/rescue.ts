import type { Log } from '../../log.ts';
import type { ChatAdapter } from '../adapter.ts';
import { conversationKey } from '../message.ts';
import type { State } from '../state/state.ts';
import type { Inbox } from './inbox.ts';

/** Wakes the conversations in which something waits that nobody was woken for. */
export interface Rescue {
  /** Everything that waits: after a start. */
  all(): Promise<void>;
  /** From now on, again and again, what waits for so long that its wake may have been lost, or the process it went to. */
  begin(): void;
  stop(): void;
}

const EVERY_MS = 20_000;

export function createRescue(deps: {
  state: State;
  inbox: Inbox;
  adapterOf(platform: string): ChatAdapter | undefined;
  wake(conversation: string): void;
  log: Log;
}): Rescue {
  const { state, inbox } = deps;
  const claims = state.table<1>('rescue');
  let timer: NodeJS.Timeout | undefined;
  /** A ticket of the last look: what came before it and still waits has done so for as long. */
  let last: number | undefined;

  async function wake(before?: number): Promise<void> {
    for (const conversation of await inbox.conversations(before)) {
      const { person } = conversation;
      const adapter = deps.adapterOf(person.platform);
      if (adapter !== undefined && adapter.serves?.(person) !== false)
        deps.wake(conversationKey(conversation));
    }
  }

  async function look(): Promise<void> {
    try {
      const before = last;
      last = await state.ticket();
      if (before === undefined) return;
      // Of the processes that share a state, one looks at a time.
      if (state.multiProcess && !(await claims.insert('claim', 1, EVERY_MS - 1_000))) return;
      await wake(before);
    } catch (error) {
      deps.log.error({ event: 'inbox.unread', err: error }, 'could not look for messages that still wait');
    }
  }

  return {
    all: () => wake(),
    begin() {
      timer = setInterval(() => void look(), EVERY_MS);
      timer.unref();
    },
    stop: () => clearInterval(timer),
  };
}
