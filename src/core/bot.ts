import type Anthropic from '@anthropic-ai/sdk';
import type { Log } from '../log.ts';
import type { BotPort, ChatAdapter } from './adapter.ts';
import type { AgentFile } from './agent-file.ts';
import { createHousekeeping } from './housekeeping.ts';
import { createAccounts } from './linking/accounts.ts';
import { createChangeSets } from './memory/change-sets.ts';
import { sourcesOutside } from './memory/foreign-text.ts';
import { createLateNotices } from './memory/late-notices.ts';
import { createMemory } from './memory/memory.ts';
import { createNotices } from './memory/notices.ts';
import { conversationKey, type NoticeMode } from './message.ts';
import { createAccess } from './people/access.ts';
import { createForgetMe } from './people/forget-me.ts';
import { createPrivacy } from './people/privacy.ts';
import { createAuthors } from './preferences/authors.ts';
import { fieldsOf } from './preferences/field-rules.ts';
import { createPreferences } from './preferences/preferences.ts';
import { createLocalDispatcher, type Dispatcher, type Run } from './queue/dispatcher.ts';
import { createHolds } from './queue/holds.ts';
import { createInbox, type InboxLimits } from './queue/inbox.ts';
import { createLeases, type Leases, noLeases } from './queue/leases.ts';
import { createRescue } from './queue/rescue.ts';
import { createLocalSignals, type Signals } from './queue/signals.ts';
import { createKeptStreams } from './session/kept-streams.ts';
import { type Provision, provision } from './session/provision.ts';
import { createSessions } from './session/sessions.ts';
import { createWhereabouts } from './session/whereabouts.ts';
import type { State } from './state/state.ts';
import { type Load, noTelemetry, type Telemetry } from './telemetry.ts';
import { idleTimer, realTimer, type SetTimer } from './timer.ts';
import type { CustomToolRegistry } from './turn/custom-tools.ts';
import { createReplySources } from './turn/reply-sources.ts';
import type { TurnLimits } from './turn/turn.ts';
import { createTurnControl } from './turn/turn-control.ts';
import { createTurns } from './turn/turns.ts';

export interface Bot {
  /** Gets agent and environment ready, starts the platforms, and takes up what an earlier process left. */
  start(): Promise<void>;
  /** Accepts nothing new, lets running turns finish for `graceMs`, leaves the rest for a later process. Safe to call twice. */
  stop(graceMs?: number): Promise<void>;
  /** How much there is to do. Rejects when the state or the queue cannot say. */
  load(): Promise<Load>;
  /** Resolves when the queue that processes share answers; rejects when it cannot be asked. At once where there is none. */
  queueAnswers(): Promise<unknown>;
  /** Resolves when nothing is being answered. */
  idle(): Promise<void>;
}

/** `ingest` receives, answers commands and runs no turns; `worker` runs turns and receives nothing; `all` does both. */
export type Role = 'all' | 'ingest' | 'worker';

export interface BotDeps {
  client: Anthropic;
  state: State;
  file: AgentFile;
  tools: CustomToolRegistry;
  adapters: readonly ChatAdapter[];
  notices: NoticeMode | undefined;
  limits: TurnLimits;
  /** How many messages may wait; absent: what a chat can bear. */
  inbox?: InboxLimits;
  /** Absent: all. The others need a dispatcher and signals that reach other processes. */
  role?: Role;
  /** Finds a process for every turn; `run` is null when it must not be this one. Absent: this one, always. */
  dispatch?: (run: Run | null) => Promise<Dispatcher>;
  signals?: Signals;
  /** Absent: what the state needs. */
  leases?: Leases;
  /** How long the agent service may take for each answer while agent and environment are got ready. Absent: fifteen seconds. */
  startAnswerMs?: number;
  /** Absent: nobody looks. */
  telemetry?: Telemetry;
  log: Log;
  now?: () => number;
  /** For what has its time: how long a turn and a question may take, the hour's housekeeping. */
  setTimer?: SetTimer;
}

const START_ANSWER_MS = 15_000;
const STOP_GRACE_MS = 20_000;

export function createBot(deps: BotDeps): Bot {
  const { client, state, file, tools, log } = deps;
  const now = deps.now ?? Date.now;
  const role = deps.role ?? 'all';
  const telemetry = deps.telemetry ?? noTelemetry;
  const inbox = createInbox(state, now, deps.inbox);
  const accounts = createAccounts(state);
  const memory = createMemory({
    client,
    state,
    app: file.name,
    description: file.memory.description,
    accountsOf: accounts.accountsOf,
    async onLinked(owner, others) {
      for (const other of others) await accounts.join(owner, other);
    },
    log,
    now,
  });
  const adapters = new Map(deps.adapters.map(adapter => [adapter.platform, adapter]));
  const adapterOf = (platform: string) => adapters.get(platform);
  let provisioned: Provision | undefined;
  let stopping: Promise<void> | undefined;
  let dispatcher: Dispatcher | undefined;

  const agent = {
    current(): Provision {
      if (provisioned === undefined) throw new Error('the bot has not been started');
      return provisioned;
    },
    async renew(asking = client): Promise<Provision> {
      provisioned = await provision({ client: asking, state, file, tools, log });
      return provisioned;
    },
  };
  const privacy = createPrivacy(state);
  const forgetting = state.table<unknown>('forget-me');
  const linking = state.table<unknown>('linking');
  const holds = createHolds(
    state.multiProcess
      ? async person =>
          (await Promise.all([forgetting.get(person), linking.get(person)])).some(row => row !== undefined)
      : undefined,
  );
  const whereabouts = createWhereabouts(state, adapterOf);
  const authors = createAuthors({ client, state, whereabouts });
  const changeSets = createChangeSets(state);
  const sources = createReplySources({ client, state });
  const sessions = createSessions({
    client,
    state,
    file,
    memory,
    accounts,
    privacy,
    whereabouts,
    provision: agent,
    holds,
    log,
    now,
  });
  const leases = deps.leases ?? (state.multiProcess ? createLeases(state, log) : noLeases);
  const access = createAccess({ client, state, file, now });
  const kept = createKeptStreams();
  const notices = createNotices({
    client,
    state,
    authors,
    changeSets,
    afterTurn: (person, sessionId) => preferences.afterTurn(person, sessionId),
    mend: (person, stories) => preferences.mend(person, stories),
    onWritten: (person, conversation, writer) => sessions.memoryWritten(person, conversation, writer),
    checkStore: (person, storeId) => sessions.checkStore(person, storeId),
    notices: deps.notices,
  });
  const sourceOf = sourcesOutside(file, tools);
  const late = createLateNotices({
    client,
    state,
    notices,
    sourceOf,
    inbox,
    accounts,
    adapterOf,
    tell: (account, sentence) => sessions.tell(account, sentence),
    log,
    now,
  });
  const turns = createTurns({
    client,
    state,
    inbox,
    access,
    sessions,
    memory,
    tools,
    sourceOf,
    file,
    adapterOf,
    notices,
    late,
    sources,
    kept,
    holds,
    leases,
    limits: deps.limits,
    telemetry,
    log,
    now,
    setTimer: deps.setTimer ?? realTimer,
  });
  const signals = deps.signals ?? createLocalSignals();
  const control = createTurnControl({ state, inbox, turns, signals, leases, adapterOf });
  const forgetMe = createForgetMe({ client, state, memory, accounts, holds, halt: control.halt, log });
  const preferences = createPreferences({
    client,
    state,
    memory,
    accounts,
    sessions,
    privacy,
    whereabouts,
    authors,
    changeSets,
    sources,
    forgetMe,
    holds,
    halt: control.halt,
    lookAtTurns: late.tryFor,
    fields: fieldsOf(deps.file.memory.form),
    notices: deps.notices,
    log,
    now,
  });
  const rescue = createRescue({
    state,
    inbox,
    adapterOf,
    wake: conversation => dispatcher?.wake(conversation),
    log,
  });
  const housekeeping = createHousekeeping({
    state,
    sessions,
    preferences,
    late,
    log,
    setTimer: deps.setTimer ?? idleTimer,
  });

  const port: BotPort = {
    receive: message =>
      telemetry.receive(message.conversation.person.platform, async trace => {
        // Also when it came before, or nobody knows whether it was kept: whoever kept it may not have come to this.
        const wake = () => dispatcher?.wake(conversationKey(message.conversation));
        try {
          const verdict = await inbox.accept(message, trace);
          if (typeof verdict === 'string') wake();
          return verdict;
        } catch (error) {
          wake();
          throw error;
        }
      }),
    command: command => preferences.run(command),
    interrupt: control.interrupt,
    withdraw: control.withdraw,
    relay: (platform, payload) => signals.ask({ type: 'relay', platform, payload }),
    knows: conversation => sessions.known(conversation),
    async prepare(person) {
      if (await access.isAdmitted(person)) await sessions.prepare(person);
    },
  };

  return {
    async start() {
      // Whoever starts a bot waits for it: a service that says nothing is told soon.
      await agent.renew(
        client.withOptions({ timeout: deps.startAnswerMs ?? START_ANSWER_MS, maxRetries: 1 }),
      );
      const mapped = await memory.discover();
      if (mapped > 0)
        log.info({ event: 'memory.rebuilt', people: mapped }, 'found the stores of people known before');
      await housekeeping.resume();
      control.listen();
      const run = role === 'ingest' ? null : turns.run;
      dispatcher = await (deps.dispatch ?? (async () => createLocalDispatcher(turns.run)))(run);
      for (const adapter of adapters.values()) await adapter.start(port, role === 'worker' ? 'send' : 'both');
      await rescue.all();
      housekeeping.begin();
      rescue.begin();
    },

    stop(graceMs = STOP_GRACE_MS) {
      stopping ??= (async () => {
        rescue.stop();
        late.stop();
        turns.drain();
        dispatcher?.drain();
        await Promise.all([...adapters.values()].map(adapter => adapter.stop()));
        const giveUp = setTimeout(() => turns.abandon(), graceMs);
        await dispatcher?.stop();
        clearTimeout(giveUp);
        kept.close();
        await housekeeping.stop();
        await leases.stop();
        await signals.stop();
      })();
      return stopping;
    },

    async load() {
      const conversations = await dispatcher?.load();
      return { running: 0, waiting: 0, ...conversations, messages: await inbox.count() };
    },

    queueAnswers: async () => dispatcher?.answers?.(),
    idle: async () => dispatcher?.idle(),
  };
}
