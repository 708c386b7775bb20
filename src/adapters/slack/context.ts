import type { Message, Quote } from '../../core/message.ts';
import { clip } from '../../core/reply/text-split.ts';
import type { State } from '../../core/state/state.ts';
import type { Log } from '../../log.ts';
import type { People } from './connection/people.ts';
import type { SlackApi } from './connection/web-client.ts';
import { isWritten, mentionedIn, readableText, type Said } from './inbound.ts';
import { namesOf, sharedIn } from './shares.ts';
import { createThreadReader, MOST_QUOTES, type Reading, type ThreadMessage } from './thread-reader.ts';

export type Context = Pick<Message, 'context' | 'unquoted'>;

export interface ThreadContext {
  /**
   * What was said in the thread since this person last spoke to the bot, by others or by themself to others: without what
   * `isTaken` says comes to the bot as a message. What Slack does not give, or not in time, is said to be missing.
   */
  since(tenant: string, conversation: string, said: Said, isTaken: (ts: string) => boolean): Promise<Context>;
  /** Somebody wrote in a thread, to the bot or not. */
  passed(tenant: string, said: Said): void;
  /** This person's message is taken; what was said before it is known, whatever becomes of its wording. */
  heard(tenant: string, conversation: string, ts: string): Promise<void>;
  forget(tenant: string): Promise<void>;
}

const MOST_CHARACTERS = 6_000;
const ROOT_CHARACTERS = 2_000;
const LEAST_CHARACTERS = 100;
/** Of a conversation's messages, the newest: one of them may yet be edited, and then says again what came before it. */
const MOST_HEARD = 20;
const REMEMBER_MS = 30 * 24 * 3600_000;

export function createThreadContext(deps: {
  apiOf(tenant: string): SlackApi;
  people: People;
  state: State;
  log: Log;
}): ThreadContext {
  // A row of an earlier version has the newest alone.
  const heards = deps.state.table<string | string[]>('slack-heard');
  const keyOf = (tenant: string, conversation: string) => `${tenant}/${conversation}`;

  const reader = createThreadReader({
    apiOf: deps.apiOf,
    failed: (tenant, err) =>
      deps.log.debug({ event: 'slack.context_failed', tenant, err }, 'a thread could not be read'),
  });

  return {
    async since(tenant, conversation, said, isTaken) {
      if (said.audience === 'private' || said.thread === said.ts) return { context: [] };
      const heard = [(await heards.get(keyOf(tenant, conversation))) ?? []].flat();
      const oldest = heard.findLast(ts => Number(ts) < Number(said.ts));
      const { messages, missing } = await reader.read(tenant, said, oldest);
      // Other bots, and the bot's own words to others, are left out: those may hold what it knows about them.
      const written = messages
        .filter(isByPerson)
        .filter(it => it.user !== said.user || !isTaken(it.ts))
        .flatMap(it => wordsIn(it, said));
      const chosen = chosenOf(written, missing);
      const users = chosen.flatMap(({ user, text }) => [
        ...(user === null ? [] : [user]),
        ...mentionedIn(text),
      ]);
      const names = await deps.people.names(tenant, [...new Set(users)]);
      const context = fitting(
        chosen.map(({ user, author, text, own, isRoot }) => ({
          isRoot,
          quote: {
            author: (user === null ? author : names.get(user)) ?? author,
            text: readableText(text, names).trim(),
            ...(own ? { own: true as const } : {}),
          },
        })),
        missing,
      );
      const unquoted = missing ?? (context.length < written.length ? 'earlier' : null);
      return unquoted === null ? { context } : { context, unquoted };
    },
    passed: reader.passed,
    async heard(tenant, conversation, ts) {
      const key = keyOf(tenant, conversation);
      for (let isKept = false; !isKept; ) {
        const row = await heards.get(key);
        const all = [...new Set([row ?? [], ts].flat())].sort((a, b) => Number(a) - Number(b));
        const newest = all.slice(-MOST_HEARD);
        isKept =
          row === undefined
            ? await heards.insert(key, newest, REMEMBER_MS)
            : await heards.replace(key, row, newest, REMEMBER_MS);
      }
    },
    async forget(tenant) {
      for await (const [key] of heards.entries(`${tenant}/`)) await heards.delete(key);
    },
  };
}

type ByPerson = ThreadMessage & { user: string };

function isByPerson(it: ThreadMessage): it is ByPerson {
  return it.bot_id === undefined && it.user !== undefined && isWritten(it.subtype);
}

interface Words {
  /** Null for what is passed on, whose author is known by name alone. */
  user: string | null;
  author: string;
  /** In Slack's markup. */
  text: string;
  own: boolean;
  isRoot: boolean;
}

/** What a message says, and below it what it passes on, which is never the words of who passes it on. */
function wordsIn(it: ByPerson, { user: speaker, thread }: Said): Words[] {
  const text = [it.text ?? '', namesOf(it.files ?? [])].filter(words => words.trim() !== '').join('\n');
  const shared = sharedIn(it.attachments ?? []).filter(({ text }) => text.trim() !== '');
  const isRoot = it.ts === thread;
  return [
    ...(text === '' ? [] : [{ user: it.user, author: it.user, text, own: it.user === speaker, isRoot }]),
    ...shared.map(({ author, text }) => ({ user: null, author, text, own: false, isRoot })),
  ];
}

/** The newest, below the message that the thread is about; where its end could not be read, how it begins. */
function chosenOf(words: readonly Words[], missing: Reading['missing']): Words[] {
  if (missing === 'later' || words.length <= MOST_QUOTES) return words.slice(0, MOST_QUOTES);
  const roots = words.filter(({ isRoot }) => isRoot).slice(0, MOST_QUOTES / 2);
  return [...roots, ...words.filter(({ isRoot }) => !isRoot).slice(roots.length - MOST_QUOTES)];
}

/** As many as fit, in the same order; what fits in part is cut. */
function fitting(all: readonly { quote: Quote; isRoot: boolean }[], missing: Reading['missing']): Quote[] {
  const [roots, others] = [all.filter(({ isRoot }) => isRoot), all.filter(({ isRoot }) => !isRoot)];
  const kept = new Map<Quote, Quote>();
  let left = MOST_CHARACTERS;
  for (const { quote, isRoot } of [...roots, ...(missing === 'later' ? others : others.reverse())]) {
    if (left < LEAST_CHARACTERS) break;
    const text = clip(quote.text, isRoot ? Math.min(ROOT_CHARACTERS, left) : left);
    kept.set(quote, { ...quote, text });
    left -= text.length;
  }
  return all.flatMap(({ quote }) => kept.get(quote) ?? []);
}
