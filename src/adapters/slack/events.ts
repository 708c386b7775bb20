import type { BotPort } from '../../core/adapter.ts';
import { type Attachment, type Conversation, conversationKey, type Message } from '../../core/message.ts';
import { RetryLater } from '../../core/reply/paced.ts';
import type { State } from '../../core/state/state.ts';
import type { Log } from '../../log.ts';
import type { Actor, Actors } from './connection/actors.ts';
import type { People, Profile } from './connection/people.ts';
import type { SlackApi } from './connection/web-client.ts';
import type { ThreadContext } from './context.ts';
import { conversationOf, type Inbound, mentionedIn, messageId, type Said, toMessage } from './inbound.ts';
import type { Latest } from './memory/latest.ts';
import { addNewest } from './newest.ts';
import { statusWords } from './reply/status.ts';

/** Where an event came from. */
export interface Origin {
  tenant: string;
  /** The workspace it happened in. */
  team: string;
  /** People of other organisations may be there. */
  guests: boolean;
  /** Slack sent it before and had no answer in time, which does not mean that nobody took it. */
  again: boolean;
}

export interface Events {
  /** Resolves when the event may be acknowledged: what it asks for is kept. Rejects when Slack should send it again. */
  handle(inbound: Exclude<Inbound, { type: 'removed' }>, origin: Origin): Promise<void>;
  /** The status that was shown when this message came in, if it was a moment ago. */
  greeting(messageId: string): string | null;
  forget(tenant: string): Promise<void>;
}

export interface EventsDeps {
  bot(): BotPort;
  state: State;
  apiOf(tenant: string): SlackApi;
  actors: Actors;
  people: People;
  context: ThreadContext;
  latest: Latest;
  /** Finds out what files are of which the event only has the id. */
  identify(tenant: string, attachments: Attachment[]): Promise<Attachment[]>;
  stopped(inbound: Extract<Inbound, { type: 'stopped' }>, actor: Actor): Promise<void>;
  opened(inbound: Extract<Inbound, { type: 'opened' }>, actor: Actor): Promise<void>;
  /** The bot takes no more for now; the sentence goes where the answer would. */
  refused(message: Message, sentence: string): Promise<void>;
  background(work: Promise<unknown>): void;
  log: Log;
}

type Edit = { id: string; pending: string | null };

const REMEMBER_EDIT_MS = 24 * 3600_000;
/** What this process need not ask the state about: deliveries and conversations of the last while. */
const REMEMBER_CONVERSATIONS = 10_000;

export function createEvents(deps: EventsDeps): Events {
  const { log } = deps;
  const edits = deps.state.table<Edit>('slack-edit');
  const taking = new Map<string, Promise<void>>();
  const taken = new Set<string>();
  const happening = new Map<string, Promise<void>>();
  const greetings = new Map<string, string>();
  /** Conversations of this process; the core knows those of earlier ones. */
  const talking = new Set<string>();

  async function isKnown(conversation: Conversation): Promise<boolean> {
    return talking.has(conversationKey(conversation)) || deps.bot().knows(conversation);
  }

  /** The same delivery twice, or a mention that is also a message, waits for the first and shares its fate. */
  function once(key: string, work: () => Promise<void>): Promise<void> {
    if (taken.has(key)) return Promise.resolve();
    const running = taking.get(key) ?? work().finally(() => taking.delete(key));
    taking.set(key, running);
    return running;
  }

  /**
   * What happens to one message, one after the other: what is taken back or worded anew while it is still on its way into the
   * inbox would not be found there, and the old wording answered.
   */
  function inOrder(tenant: string, said: Said, work: () => Promise<void>): Promise<void> {
    const key = `${tenant} ${messageId(said, null)}`;
    const running = (happening.get(key) ?? Promise.resolve()).then(work);
    const tail = running
      .catch(() => {})
      .then(() => {
        if (happening.get(key) === tail) happening.delete(key);
      });
    happening.set(key, tail);
    return running;
  }

  function isTaken(tenant: string, said: Pick<Said, 'channel' | 'ts'>): boolean {
    const key = `${tenant} ${messageId(said, null)}`;
    return taken.has(key) || taking.has(key);
  }

  async function take(said: Said, id: string, address: string, origin: Origin): Promise<void> {
    const { tenant } = origin;
    const conversation = await conversationIn(said, origin);
    // In a thread with several people, most of what is said is not for the bot: no status, no look-ups.
    if (address === 'follow_up' && !(await isKnown(conversation))) return;
    // What comes again may have been answered, and then nothing would remove the status.
    if (!origin.again) greet(said, id, tenant);
    const { person } = conversation;
    const key = conversationKey(conversation);
    const [profile, earlier, names, attachments] = await Promise.all([
      deps.people.profile(tenant, said.user),
      deps.context.since(tenant, key, said, ts => isTaken(tenant, { ...said, ts })),
      deps.people.names(tenant, mentionedIn([said.text, ...said.shared.map(it => it.text)].join(' '))),
      deps.identify(tenant, said.attachments),
    ]);
    const message = toMessage({ ...said, attachments }, id, {
      person: { ...person, name: profile?.name ?? person.name },
      tenant,
      team: teamOf(said, origin, profile),
      names,
      earlier,
    });
    addNewest(talking, key, REMEMBER_CONVERSATIONS);
    const receipt = await deps.bot().receive(message);
    addNewest(taken, `${tenant} ${id}`, REMEMBER_CONVERSATIONS);
    if (receipt === 'accepted') {
      await deps.latest.heard(message.conversation);
      if (said.audience === 'shared') await deps.context.heard(tenant, key, said.ts);
      return;
    }
    greetings.delete(id);
    // The twin of a mention: whoever took the other one answers, in this process or another, and the status is theirs.
    if (receipt !== 'duplicate') deps.background(deps.refused(message, receipt.refused));
  }

  async function conversationIn(said: Said, { tenant, guests }: Origin): Promise<Conversation> {
    // With a file Slack leaves out whose colleague somebody is (slackapi/bolt-js issue 435).
    const home = said.home ?? (guests ? undefined : null);
    return conversationOf(said, await deps.actors.identify(tenant, said.user, home));
  }

  /** The workspace to name as the speaker's. */
  function teamOf({ home }: Said, { guests, team }: Origin, profile: Profile | null): string {
    const isNamed = home !== null && !home.startsWith('E');
    if (isNamed) return home;
    return (guests || home !== null ? profile?.team : null) ?? team;
  }

  /** The first sign of life, before anything that may take time. */
  function greet(said: Said, id: string, tenant: string): void {
    const status = statusWords('Thinking');
    greetings.set(id, status);
    if (greetings.size > REMEMBER_CONVERSATIONS) greetings.delete(greetings.keys().next().value ?? '');
    setStatus(said, tenant, status);
  }

  function setStatus(said: Said, tenant: string, status: string): void {
    const args = { channel_id: said.channel, thread_ts: said.thread, status };
    const call = deps.apiOf(tenant).call('assistant.threads.setStatus', args, { now: { reserve: 0 } });
    deps.background(
      call.catch((error: unknown) => {
        if (error instanceof RetryLater) return;
        log.debug({ event: 'slack.status_failed', tenant, err: error }, 'status not shown');
      }),
    );
  }

  /** The id under which the newest wording of a message was received. */
  async function latestEdit(said: Said, tenant: string): Promise<{ key: string; edit: Edit }> {
    const key = `${tenant}/${messageId(said, null)}`;
    return { key, edit: (await edits.get(key)) ?? { id: messageId(said, null), pending: null } };
  }

  async function takeEdit(inbound: Extract<Inbound, { type: 'edited' }>, origin: Origin): Promise<void> {
    const { said, editedAt, address } = inbound;
    const { tenant } = origin;
    const conversation = await conversationIn(said, origin);
    if (!(await isKnown(conversation))) return;
    const { key, edit } = await latestEdit(said, tenant);
    const id = messageId(said, editedAt);
    if (edit.id === id) return;
    // The intention first: should the process end in between, Slack sends the edit again, and it is known that
    // the old wording was already taken back.
    if (edit.pending !== id) {
      await edits.set(key, { ...edit, pending: id }, REMEMBER_EDIT_MS);
      const verdict = await deps.bot().withdraw(conversation, edit.id);
      if (verdict === 'answered') {
        await edits.set(key, { ...edit, pending: null }, REMEMBER_EDIT_MS);
        return;
      }
    } else await deps.bot().withdraw(conversation, edit.id);
    await take(said, id, address === 'follow_up' ? 'mention' : address, origin);
    await edits.set(key, { id, pending: null }, REMEMBER_EDIT_MS);
  }

  async function takeBack(said: Said, origin: Origin): Promise<void> {
    const conversation = await conversationIn(said, origin);
    if (!(await isKnown(conversation))) return;
    const { edit } = await latestEdit(said, origin.tenant);
    await deps.bot().withdraw(conversation, edit.id);
    // A process that ended in between may have taken the new wording and not written that down.
    if (edit.pending !== null) await deps.bot().withdraw(conversation, edit.pending);
  }

  return {
    async handle(inbound, origin) {
      const { tenant } = origin;
      switch (inbound.type) {
        case 'ignored':
          log.debug({ event: 'slack.ignored', tenant, reason: inbound.reason }, 'event ignored');
          return;
        case 'message': {
          const id = messageId(inbound.said, null);
          if (inbound.said.audience === 'shared') deps.context.passed(tenant, inbound.said);
          return once(`${tenant} ${id}`, () =>
            inOrder(tenant, inbound.said, () => take(inbound.said, id, inbound.address, origin)),
          );
        }
        case 'edited': {
          const id = messageId(inbound.said, inbound.editedAt);
          return once(`${tenant} edit ${id}`, () =>
            inOrder(tenant, inbound.said, () => takeEdit(inbound, origin)),
          );
        }
        case 'deleted':
          return inOrder(tenant, inbound.said, () => takeBack(inbound.said, origin));
        case 'stopped':
          return deps.stopped(inbound, await deps.actors.of(tenant, inbound.user, null));
        case 'opened':
          return deps.opened(inbound, await deps.actors.of(tenant, inbound.user, null));
      }
    },
    greeting(id) {
      const words = greetings.get(id) ?? null;
      greetings.delete(id);
      return words;
    },
    async forget(tenant) {
      for await (const [key] of edits.entries(`${tenant}/`)) await edits.delete(key);
    },
  };
}
