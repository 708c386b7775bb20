import { z } from 'zod';
import type { Quote } from '../../core/message.ts';
import type { State } from '../../core/state/state.ts';
import type { Log } from '../../log.ts';
import { type People, within } from './connection/people.ts';
import type { SlackApi } from './connection/web-client.ts';
import { isWritten, mentionedIn, readableText, type Said } from './inbound.ts';
import { namesOf, sharedIn, slackFiles } from './shares.ts';

export interface ThreadContext {
  /**
   * What was said in the thread since this person last spoke to the bot, by others or by themself to others: without what
   * `isTaken` says comes to the bot as a message. Empty when Slack does not say in time.
   */
  since(tenant: string, conversation: string, said: Said, isTaken: (ts: string) => boolean): Promise<Quote[]>;
  /** This person's message is taken; what was said before it is known, whatever becomes of its wording. */
  heard(tenant: string, conversation: string, ts: string): Promise<void>;
  forget(tenant: string): Promise<void>;
}

const page = z.looseObject({
  messages: z.array(
    z.looseObject({
      ts: z.string(),
      user: z.string().optional(),
      bot_id: z.string().optional(),
      subtype: z.string().optional(),
      text: z.string().nullish(),
      files: slackFiles.nullish().catch(null),
      attachments: z.array(z.unknown()).nullish(),
    }),
  ),
  response_metadata: z.looseObject({ next_cursor: z.string().nullish() }).nullish(),
});

type Found = z.infer<typeof page>['messages'][number];
type ByPerson = Found & { user: string };

function isByPerson(it: Found): it is ByPerson {
  return it.bot_id === undefined && it.user !== undefined && isWritten(it.subtype);
}

const MOST_QUOTES = 20;
const MOST_CHARACTERS = 6_000;
const MOST_PAGES = 3;
const PATIENCE_MS = 1_500;
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

  async function read(
    tenant: string,
    said: Said,
    oldest: string | undefined,
    isTaken: (ts: string) => boolean,
  ): Promise<Quote[]> {
    const messages: Found[] = [];
    let cursor: string | undefined;
    for (let count = 0; count < MOST_PAGES; count += 1) {
      const answer = await deps.apiOf(tenant).call(
        'conversations.replies',
        {
          channel: said.channel,
          ts: said.thread,
          latest: said.ts,
          inclusive: false,
          limit: 200,
          ...(oldest === undefined ? {} : { oldest }),
          ...(cursor === undefined ? {} : { cursor }),
        },
        { now: { reserve: 0 } },
      );
      const found = page.parse(answer);
      messages.push(...found.messages);
      cursor = found.response_metadata?.next_cursor ?? '';
      if (cursor === '') break;
    }
    // The oldest come first: better nothing than what was said long before this.
    if (cursor !== '') return [];
    // Other bots, and the bot's own words to others, are left out: those may hold what it knows about them.
    const written = messages
      .filter(isByPerson)
      .filter(it => Number(it.ts) < Number(said.ts) && Number(it.ts) > Number(oldest ?? 0))
      .filter(it => it.user !== said.user || !isTaken(it.ts))
      .flatMap(it => wordsIn(it, said.user))
      .slice(-MOST_QUOTES);
    const users = written.flatMap(({ user, text }) => [
      ...(user === null ? [] : [user]),
      ...mentionedIn(text),
    ]);
    const names = await deps.people.names(tenant, [...new Set(users)]);
    return clipped(
      written.map(({ user, author, text, own }) => ({
        author: (user === null ? author : names.get(user)) ?? author,
        text: readableText(text, names).trim(),
        ...(own ? { own: true as const } : {}),
      })),
    );
  }

  return {
    async since(tenant, conversation, said, isTaken) {
      if (said.audience === 'private' || said.thread === said.ts) return [];
      const heard = [(await heards.get(keyOf(tenant, conversation))) ?? []].flat();
      const oldest = heard.findLast(ts => Number(ts) < Number(said.ts));
      const reading = read(tenant, said, oldest, isTaken).catch((error: unknown) => {
        deps.log.debug({ event: 'slack.context_failed', tenant, err: error }, 'a thread could not be read');
        return [];
      });
      return within(PATIENCE_MS, reading, []);
    },
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

interface Words {
  /** Null for what is passed on, whose author is known by name alone. */
  user: string | null;
  author: string;
  /** In Slack's markup. */
  text: string;
  own: boolean;
}

/** What a message says, and below it what it passes on, which is never the words of who passes it on. */
function wordsIn(it: ByPerson, speaker: string): Words[] {
  const text = [it.text ?? '', namesOf(it.files ?? [])].filter(words => words.trim() !== '').join('\n');
  const shared = sharedIn(it.attachments ?? []).filter(({ text }) => text.trim() !== '');
  return [
    ...(text === '' ? [] : [{ user: it.user, author: it.user, text, own: it.user === speaker }]),
    ...shared.map(({ author, text }) => ({ user: null, author, text, own: false })),
  ];
}

/** The newest quotes that fit. */
function clipped(quotes: Quote[]): Quote[] {
  let characters = 0;
  const kept = quotes.reverse().filter(quote => {
    characters += quote.text.length;
    return characters <= MOST_CHARACTERS;
  });
  return kept.reverse();
}
