import type { ChatAdapter } from '../adapter.ts';
import { type Conversation, conversationKey } from '../message.ts';
import { pause } from '../patience.ts';
import type { Inbox } from '../queue/inbox.ts';
import type { Leases } from '../queue/leases.ts';
import type { Signals } from '../queue/signals.ts';
import type { State } from '../state/state.ts';
import type { Turns } from './turns.ts';

/** Stops what is being answered, in whichever process that is. */
export interface TurnControl {
  /** Lets the other processes ask this one. Called once. */
  listen(): void;
  /** Interrupts the turn of a conversation. False when none is running. */
  interrupt(conversation: Conversation): Promise<boolean>;
  /** Takes a message back: see `BotPort.withdraw`. */
  withdraw(conversation: Conversation, messageId: string): Promise<'waiting' | 'running' | 'answered'>;
  /** Interrupts every turn of a person (by their key), and resolves when they are over, or after half a minute. */
  halt(person: string): Promise<void>;
}

const HALT_MS = 30_000;
const HALT_POLL_MS = 200;

export function createTurnControl(deps: {
  state: State;
  inbox: Inbox;
  turns: Turns;
  signals: Signals;
  leases: Leases;
  adapterOf(platform: string): ChatAdapter | undefined;
}): TurnControl {
  const { inbox, turns, signals, leases } = deps;

  async function interrupt(conversation: string, entry: string | null): Promise<boolean> {
    return (await signals.ask({ type: 'interrupt', conversation, entry })) === true;
  }

  return {
    listen() {
      signals.answer(signal => {
        switch (signal.type) {
          case 'interrupt': {
            const { conversation, entry } = signal;
            const found =
              entry === null ? turns.interrupt(conversation) : turns.interruptEntry(conversation, entry);
            return found ? true : null;
          }
          case 'halt':
            return turns.interruptPerson(signal.person) ? true : null;
          case 'relay':
            return deps.adapterOf(signal.platform)?.relayed?.(signal.payload) ?? null;
        }
      });
    },

    interrupt: conversation => interrupt(conversationKey(conversation), null),

    async withdraw(conversation, messageId) {
      const key = conversationKey(conversation);
      const id = inbox.idOf(conversation, messageId);
      if (await interrupt(key, id)) return 'running';
      const waiting = (await inbox.pending(key)).some(entry => entry.id === id);
      await inbox.done([{ id }]);
      // A turn that took it up in between is already answering it.
      if (waiting && (await interrupt(key, id))) return 'running';
      return waiting ? 'waiting' : 'answered';
    },

    async halt(person) {
      await turns.halt(person);
      for (let waited = 0; deps.state.multiProcess && waited < HALT_MS; waited += HALT_POLL_MS) {
        const isRunning = (await signals.ask({ type: 'halt', person })) === true;
        // One that does not answer may hang, or not be within reach: by its lease it works on.
        if (!isRunning && !(await leases.isElsewhere(person))) return;
        await pause(HALT_POLL_MS);
      }
    },
  };
}
