import { z } from 'zod';
import { inTime } from '../../core/patience.ts';
import type { SlackApi } from './connection/web-client.ts';
import type { Said } from './inbound.ts';
import { maybe } from './maybe.ts';
import { slackFiles } from './shares.ts';

/** What stands in a thread, as far as Slack gives it in the time there is. Slack gives the oldest first. */
export interface ThreadReader {
  /** Somebody wrote in a thread, to the bot or not: where its end begins need not be asked then. */
  passed(tenant: string, said: Said): void;
  /** After `oldest` (a Slack timestamp), before `said`. Never rejects. */
  read(tenant: string, said: Said, oldest: string | undefined): Promise<Reading>;
}

export interface Reading {
  /** In the order in which they were written. The root is the first of a thread of which nothing was read before. */
  messages: ThreadMessage[];
  /** What of the thread is not among them. */
  missing: 'earlier' | 'later' | 'all' | null;
}

const page = z.looseObject({
  messages: z.array(
    z.looseObject({
      ts: z.string(),
      user: maybe(z.string()),
      bot_id: maybe(z.string()),
      subtype: maybe(z.string()),
      text: z.string().nullish(),
      files: slackFiles.nullish().catch(null),
      attachments: z.array(z.unknown()).nullish(),
    }),
  ),
  response_metadata: z.looseObject({ next_cursor: z.string().nullish() }).nullish(),
});

export type ThreadMessage = z.infer<typeof page>['messages'][number];

/** Of people's messages at the end of a thread, as many as are worth quoting. */
export const MOST_QUOTES = 20;
/** Where Slack gives fifteen at a time; bots write too. */
const FEW_QUOTES = 11;
/** With the root. */
const SMALL_PAGE = 16;
/** The first page is all there is, nearly always; the others are as large as Slack makes them. */
const PAGE_SIZES = [200, 999, 999];
/** An event must be acknowledged within three seconds, and this is only a part of it. */
const PATIENCE_MS = 1_200;
const MOST_THREADS = 5_000;

export function createThreadReader(deps: {
  apiOf(tenant: string): SlackApi;
  failed(tenant: string, error: unknown): void;
}): ThreadReader {
  /** When people wrote last in the threads of the last while; times only. */
  const recent = new Map<string, string[]>();
  /** Where an app is sold outside of Slack's Marketplace it is given fifteen messages, once a minute. */
  const smallPages = new Set<string>();

  const keyOf = (tenant: string, { channel, thread }: Said) => `${tenant} ${channel} ${thread}`;

  /** Where the part of the thread begins that is worth asking for; undefined when nobody knows. */
  function endOf(tenant: string, said: Said): string | undefined {
    const before = (recent.get(keyOf(tenant, said)) ?? []).filter(ts => Number(ts) < Number(said.ts));
    return before.at(-1 - (smallPages.has(tenant) ? FEW_QUOTES : MOST_QUOTES));
  }

  async function pageOf(
    tenant: string,
    query: Record<string, unknown>,
    patienceMs: number,
  ): Promise<z.infer<typeof page> | null> {
    const call = deps.apiOf(tenant).call('conversations.replies', query, { now: { reserve: 0 } });
    const asking = call.then(answer => page.parse(answer));
    const failing = asking.catch((error: unknown) => {
      deps.failed(tenant, error);
      return null;
    });
    return inTime(failing, patienceMs, null);
  }

  return {
    passed(tenant, said) {
      const key = keyOf(tenant, said);
      const times = new Set(recent.get(key)).add(said.ts);
      recent.delete(key);
      recent.set(key, [...times].sort((a, b) => Number(a) - Number(b)).slice(-MOST_QUOTES - 2));
      if (recent.size > MOST_THREADS) recent.delete(recent.keys().next().value ?? '');
    },

    async read(tenant, said, oldest) {
      const end = endOf(tenant, said);
      const skips = end !== undefined && Number(end) > Number(oldest ?? 0);
      const from = skips ? end : oldest;
      const messages: ThreadMessage[] = [];
      let cursor: string | undefined;
      const over = Date.now() + PATIENCE_MS;
      for (const limit of PAGE_SIZES) {
        const query = {
          channel: said.channel,
          ts: said.thread,
          latest: said.ts,
          inclusive: false,
          limit,
          ...(from === undefined ? {} : { oldest: from }),
          ...(cursor === undefined ? {} : { cursor }),
        };
        const left = over - Date.now();
        const found = left > 0 ? await pageOf(tenant, query, left) : null;
        if (found === null) break;
        messages.push(...found.messages);
        cursor = found.response_metadata?.next_cursor ?? '';
        if (cursor === '') break;
        if (found.messages.length <= SMALL_PAGE) smallPages.add(tenant);
      }
      const isIn = ({ ts }: ThreadMessage) =>
        Number(ts) < Number(said.ts) &&
        (Number(ts) > Number(from ?? 0) || (ts === said.thread && oldest === undefined));
      // Slack puts the root before every page.
      const unique = new Map(messages.filter(isIn).map(message => [message.ts, message]));
      const missing = cursor === undefined ? 'all' : cursor !== '' ? 'later' : skips ? 'earlier' : null;
      return { messages: [...unique.values()], missing };
    },
  };
}
