import type Anthropic from '@anthropic-ai/sdk';
import type { Log } from '../log.ts';
import type { BotPort, ChatAdapter } from './adapter.ts';
import type { AgentFile } from './agent-file.ts';
import type { CustomToolRegistry } from './custom-tools.ts';
import { createLocalDispatcher } from './dispatcher.ts';
import { createHolds } from './holds.ts';
import { createInbox } from './inbox.ts';
import { createLeases, noLeases } from './leases.ts';
import { createMemory } from './memory.ts';
import { conversationKey, type NoticeMode } from './message.ts';
import { createNotices } from './notices.ts';
import { createPreferences } from './preferences.ts';
import { createPrivacy } from './privacy.ts';
import { type Provision, provision } from './provision.ts';
import { createSessions } from './sessions.ts';
import type { State } from './state.ts';
import type { TurnLimits } from './turn.ts';
import { createTurns } from './turns.ts';
import { createWhereabouts } from './whereabouts.ts';

export interface Bot {
  /** Gets agent and environment ready, starts the platforms, and takes up what an earlier process left. */
  start(): Promise<void>;
  /** Accepts nothing new, lets running turns finish for `graceMs`, leaves the rest for a later process. Safe to call twice. */
  stop(graceMs?: number): Promise<void>;
  /** Resolves when nothing is being answered. */
  idle(): Promise<void>;
}

export interface BotDeps {
  client: Anthropic;
  state: State;
  file: AgentFile;
  tools: CustomToolRegistry;
  adapters: readonly ChatAdapter[];
  notices: NoticeMode | undefined;
  limits: TurnLimits;
  log: Log;
  now?: () => number;
}

const SWEEP_EVERY_MS = 3600_000;
const STOP_GRACE_MS = 20_000;

export function createBot(deps: BotDeps): Bot {
  const { client, state, file, tools, log } = deps;
  const clock = deps.now === undefined ? {} : { now: deps.now };
  const inbox = createInbox(state, deps.now);
  const memory = createMemory({
    client,
    state,
    app: file.name,
    description: file.memory.description,
    log,
    ...clock,
  });
  const adapters = new Map(deps.adapters.map(adapter => [adapter.platform, adapter]));
  let provisioned: Provision | undefined;
  let stopping: Promise<void> | undefined;
  let sweeper: NodeJS.Timeout | undefined;

  const agent = {
    current(): Provision {
      if (provisioned === undefined) throw new Error('the bot has not been started');
      return provisioned;
    },
    async renew(): Promise<Provision> {
      provisioned = await provision({ client, state, file, tools, log });
      return provisioned;
    },
  };
  const privacy = createPrivacy(state);
  const holds = createHolds();
  const whereabouts = createWhereabouts(state, platform => adapters.get(platform));
  const sessions = createSessions({
    client,
    state,
    file,
    memory,
    privacy,
    whereabouts,
    provision: agent,
    holds,
    log,
    ...clock,
  });
  const leases = state.shared ? createLeases(state, log) : noLeases;
  const turns = createTurns({
    client,
    state,
    inbox,
    sessions,
    memory,
    tools,
    file,
    adapterOf: platform => adapters.get(platform),
    notices: createNotices({ client, state, notices: deps.notices }),
    holds,
    leases,
    limits: deps.limits,
    log,
    ...clock,
  });
  const dispatcher = createLocalDispatcher(turns.run);
  const preferences = createPreferences({ client, state, memory, notices: deps.notices });

  const port: BotPort = {
    async receive(message) {
      const verdict = await inbox.accept(message);
      if (verdict === 'accepted') dispatcher.wake(conversationKey(message.conversation));
      return verdict;
    },
    command: command => preferences.run(command),
    interrupt: async conversation => turns.interrupt(conversationKey(conversation)),
    async withdraw(conversation, messageId) {
      const key = conversationKey(conversation);
      const id = inbox.idOf(conversation, messageId);
      if (turns.interruptEntry(key, id)) return 'running';
      const waiting = (await inbox.pending(key)).some(entry => entry.id === id);
      await inbox.done([{ id }]);
      return waiting ? 'waiting' : 'answered';
    },
    relay: async () => null,
    knows: conversation => sessions.known(conversation),
    prepare: person => sessions.prepare(person),
  };

  return {
    async start() {
      await agent.renew();
      const mapped = await memory.discover();
      if (mapped > 0)
        log.info({ event: 'memory.rebuilt', people: mapped }, 'found the stores of people known before');
      await state.sweep();
      sweeper = setInterval(() => {
        state
          .sweep()
          .catch((error: unknown) =>
            log.error({ event: 'state.sweep_failed', err: error }, 'sweeping failed'),
          );
      }, SWEEP_EVERY_MS);
      sweeper.unref();
      for (const adapter of adapters.values()) await adapter.start(port);
      for (const conversation of await inbox.conversations()) {
        const { person } = conversation;
        const adapter = adapters.get(person.platform);
        if (adapter !== undefined && adapter.serves?.(person) !== false)
          dispatcher.wake(conversationKey(conversation));
      }
    },

    stop(graceMs = STOP_GRACE_MS) {
      stopping ??= (async () => {
        clearInterval(sweeper);
        turns.drain();
        await Promise.all([...adapters.values()].map(adapter => adapter.stop()));
        const giveUp = setTimeout(() => turns.abandon(), graceMs);
        await dispatcher.stop();
        clearTimeout(giveUp);
        await leases.stop();
      })();
      return stopping;
    },

    idle: () => dispatcher.idle(),
  };
}
