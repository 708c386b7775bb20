import type { BotPort, Reply, ReplySink } from '../../src/core/adapter.ts';
import {
  type Command,
  type Conversation,
  conversationKey,
  type Json,
  type Message,
} from '../../src/core/message.ts';
import type { PreferencesView } from '../../src/core/views.ts';

/** Stands where the core stands: keeps what it is given, and lets the test decide what comes of it. */
export interface ScriptedBot extends BotPort {
  readonly received: Message[];
  readonly commands: Command[];
  readonly interrupted: Conversation[];
  readonly withdrawn: { conversation: Conversation; messageId: string }[];
  readonly prepared: string[];
  /** What a command is answered with. */
  onCommand: (command: Command) => PreferencesView | Promise<PreferencesView>;
  /** Runs before a message is taken in; rejects to refuse it. */
  beforeReceive: (message: Message) => Promise<void>;
  /** Called for each accepted message. */
  onMessage: (message: Message) => void;
  withdrawAnswer: 'waiting' | 'running' | 'answered';
  /** A bot of a later process: knows what this one knew. */
  successor(): ScriptedBot;
}

export function createScriptedBot(
  memory = { seen: new Set<string>(), known: new Set<string>() },
): ScriptedBot {
  const { seen, known } = memory;
  const bot: ScriptedBot = {
    received: [],
    commands: [],
    interrupted: [],
    withdrawn: [],
    prepared: [],
    onCommand: () => memoryView(),
    beforeReceive: async () => {},
    onMessage: () => {},
    withdrawAnswer: 'answered',
    successor: () => createScriptedBot(memory),
    async receive(message) {
      await bot.beforeReceive(message);
      const key = conversationKey(message.conversation);
      const id = `${key}/${message.id}`;
      if (seen.has(id)) return 'duplicate';
      seen.add(id);
      known.add(key);
      bot.received.push(structuredClone(message));
      bot.onMessage(message);
      return 'accepted';
    },
    async command(command) {
      bot.commands.push(command);
      return bot.onCommand(command);
    },
    async interrupt(conversation) {
      bot.interrupted.push(conversation);
      return known.has(conversationKey(conversation));
    },
    async withdraw(conversation, messageId) {
      bot.withdrawn.push({ conversation, messageId });
      return bot.withdrawAnswer;
    },
    knows: async conversation => known.has(conversationKey(conversation)),
    async relay() {
      return null;
    },
    async prepare(person) {
      bot.prepared.push(person.id);
    },
  };
  return bot;
}

/** An empty memory, with what the test says otherwise. */
export function memoryView(more: Partial<MemoryView> = {}): MemoryView {
  return {
    type: 'memory',
    sections: [],
    notices: 'thread',
    noticesAreDefault: true,
    paused: false,
    privateHere: null,
    linked: [],
    held: null,
    hasForm: true,
    ...more,
  };
}

type MemoryView = Extract<PreferencesView, { type: 'memory' }>;

/** A reply as the core gives it, with what does not matter filled in. */
export function reply(text: string, more: Partial<Reply> = {}): Reply {
  return { state: 'working', text, status: null, activities: [], ...more };
}

export function done(text: string, more: Partial<Reply> = {}): Reply {
  return reply(text, { state: 'done', ...more });
}

/** What a sink asked to keep, as the state would keep it. */
export function keeper(): { handle: Json; save(handle: Json): Promise<void> } {
  const kept: { handle: Json; save(handle: Json): Promise<void> } = {
    handle: null,
    async save(handle) {
      kept.handle = structuredClone(handle);
    },
  };
  return kept;
}

/** Says a text piece by piece, then finishes. */
export async function speak(sink: ReplySink, text: string, pieces: number): Promise<void> {
  const step = Math.max(1, Math.ceil(text.length / pieces));
  for (let end = step; end < text.length; end += step) {
    sink.show(reply(text.slice(0, end)));
    await new Promise(resolve => setImmediate(resolve));
  }
  await sink.finish(done(text));
}
