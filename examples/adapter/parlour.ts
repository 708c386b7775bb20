import { type Log, RetryLater, z } from '../../src/extending.ts';

/** Parlour is a made-up chat: rooms over HTTP, and a webhook for what happens in them. */

const person = z.object({ id: z.string(), name: z.string(), bot: z.boolean() });

const message = z.object({
  id: z.string(),
  room: z.string(),
  /** Between the author and the bot alone. */
  direct: z.boolean(),
  author: person,
  text: z.string(),
  /** How often it was edited. */
  revision: z.int(),
});

export const event = z.discriminatedUnion('type', [
  z.object({ type: z.literal('message'), message }),
  z.object({ type: z.literal('edited'), message }),
  z.object({ type: z.literal('removed'), message }),
  z.object({
    type: z.literal('pressed'),
    room: z.string(),
    message: z.string(),
    button: z.string(),
    by: person,
  }),
]);

export type ParlourMessage = z.infer<typeof message>;
export type ParlourPerson = z.infer<typeof person>;

export interface Draft {
  text: string;
  buttons?: { id: string; label: string }[];
  /** The id of the one person who sees it. */
  onlyFor?: string;
}

export interface Parlour {
  setWebhook(url: string): Promise<void>;
  /** Posting again with the same key brings the first message back. Resolves with its id. */
  post(room: string, draft: Draft, key?: string): Promise<string>;
  edit(id: string, draft: Draft): Promise<void>;
  remove(id: string): Promise<void>;
  typing(room: string): Promise<void>;
}

const AGAIN_AFTER_MS = 1_000;

/** Rejects with RetryLater where trying again may help, which is what createPaced waits for. */
export function createParlour(baseUrl: string, token: string, log: Log): Parlour {
  async function call(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(new URL(path, baseUrl), {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(15_000),
    }).catch((cause: unknown) => {
      throw new RetryLater(AGAIN_AFTER_MS, { cause });
    });
    if (response.status === 429 || response.status >= 500) {
      throw new RetryLater(Number(response.headers.get('retry-after') ?? 1) * 1_000 || AGAIN_AFTER_MS);
    }
    // The status and the path say enough; bodies hold what people wrote.
    if (!response.ok) throw new Error(`Parlour answered ${method} ${path} with ${response.status}`);
    return response.status === 204 ? null : response.json();
  }

  return {
    async setWebhook(url) {
      await call('PUT', '/webhook', { url });
      log.info({ event: 'parlour.ready' }, 'Parlour is connected');
    },
    async post(room, draft, key) {
      const posted = await call('POST', `/rooms/${room}/messages`, { ...draft, key });
      return z.object({ id: z.string() }).parse(posted).id;
    },
    edit: async (id, draft) => void (await call('PUT', `/messages/${id}`, draft)),
    remove: async id => void (await call('DELETE', `/messages/${id}`)),
    typing: async room => void (await call('POST', `/rooms/${room}/typing`)),
  };
}
