import type Anthropic from '@anthropic-ai/sdk';
import { z } from 'zod';
import { failureOf } from '../errors.ts';
import { isSamePerson, type Person } from '../message.ts';
import { APP_KEY } from '../session/provision-wanted.ts';
import { newOneTimeCode, plainCode } from './one-time-codes.ts';

/** A person who asked to be let in. */
export interface Waiting {
  code: string;
  person: Person;
  /** ISO 8601; afterwards the code is worth nothing. */
  until: string;
}

export interface Approved {
  person: Person;
  at: string;
  /** Who let them in, as that operator's machine knows them. */
  by: string;
}

/**
 * Who was let in, kept where the bot and an operator's command can both reach it: in a memory store of its own,
 * at the API. The bot's state cannot serve for this (SQLite is held by the bot alone, a data directory by one
 * machine), and the store's versions say who was let in when. It has no owner, so it is nobody's memory and is
 * never mounted.
 */
export interface Pairing {
  isApproved(person: Person): Promise<boolean>;
  /** The code this person shows to an operator, the same one while it is valid; null: too many are waiting. */
  codeFor(person: Person): Promise<string | null>;
  waiting(): Promise<Waiting[]>;
  approved(): Promise<Approved[]>;
  /** Who the code was for; null: nobody is waiting with it (any longer). */
  approve(code: string, by: string): Promise<Person | null>;
  approvePerson(person: Person, by: string): Promise<void>;
  /** False when there was nothing to take back. Also ends what the person waits for. */
  revoke(person: Person): Promise<boolean>;
}

const personShape = z.object({
  platform: z.string(),
  workspace: z.string(),
  id: z.string(),
  name: z.string(),
});
const waitingShape = z.object({ code: z.string(), person: personShape, until: z.string() });
const approvedShape = z.object({ person: personShape, at: z.string(), by: z.string() });

const ROLE_KEY = 'shopper_role';
const ROLE = 'access';
const CODE_VALID_MS = 24 * 3600_000;
/** Nobody can fill the store by writing from many accounts. */
const MAX_WAITING = 200;

interface Kept<T> {
  id: string;
  value: T;
}

export function createPairing(deps: { client: Anthropic; app: string; now?: () => number }): Pairing {
  const { app } = deps;
  const { memoryStores } = deps.client.beta;
  const { memories } = memoryStores;
  const now = deps.now ?? Date.now;
  let storeId: string | undefined;
  const asking = new Map<string, Promise<string | null>>();

  /** The oldest, should two processes have made one at the same time. */
  async function findStore(): Promise<string | undefined> {
    let oldest: string | undefined;
    for await (const store of memoryStores.list({ limit: 100 })) {
      if (store.metadata[APP_KEY] === app && store.metadata[ROLE_KEY] === ROLE) oldest = store.id;
    }
    return oldest;
  }

  async function madeStore(): Promise<string> {
    const made = await memoryStores.create(
      {
        name: `Access to ${app}`.slice(0, 255),
        description: 'Who may talk with the bot. Kept by the bot and its operators.',
        metadata: { [APP_KEY]: app, [ROLE_KEY]: ROLE },
      },
      { maxRetries: 0 },
    );
    const oldest = (await findStore()) ?? made.id;
    if (oldest !== made.id) await memoryStores.delete(made.id);
    return oldest;
  }

  /** What `work` finds in the store; `none` where there is no store, or no longer. */
  async function reading<T>(none: T, work: (store: string) => Promise<T>): Promise<T> {
    storeId ??= await findStore();
    if (storeId === undefined) return none;
    try {
      return await work(storeId);
    } catch (error) {
      if (failureOf(error).type !== 'gone') throw error;
      storeId = undefined;
      return none;
    }
  }

  async function create(path: string, value: unknown): Promise<'created' | 'taken'> {
    storeId ??= (await findStore()) ?? (await madeStore());
    try {
      await memories.create(storeId, { path, content: `${JSON.stringify(value)}\n` }, { maxRetries: 0 });
      return 'created';
    } catch (error) {
      const failure = failureOf(error);
      if (failure.type === 'refused' && failure.reason === 'conflict') return 'taken';
      if (failure.type === 'gone') storeId = undefined;
      throw error;
    }
  }

  function all<T>(folder: string, shape: z.ZodType<T>): Promise<Kept<T>[]> {
    return reading<Kept<T>[]>([], async store => {
      const found: Kept<T>[] = [];
      for await (const item of memories.list(store, { path_prefix: folder, view: 'full', limit: 20 })) {
        if (item.type !== 'memory') continue;
        const parsed = shape.safeParse(jsonOf(item.content ?? ''));
        if (parsed.success) found.push({ id: item.id, value: parsed.data });
      }
      return found;
    });
  }

  async function remove(id: string): Promise<void> {
    await reading<unknown>(null, store => memories.delete(id, { memory_store_id: store }));
  }

  /** Who still waits. Codes that ran out are cleared away. */
  async function stillWaiting(): Promise<Kept<Waiting>[]> {
    const valid: Kept<Waiting>[] = [];
    for (const entry of await all('/waiting/', waitingShape)) {
      if (Date.parse(entry.value.until) > now()) valid.push(entry);
      else await remove(entry.id);
    }
    return valid;
  }

  async function ask(person: Person): Promise<string | null> {
    const others = await stillWaiting();
    const mine = others.find(({ value }) => isSamePerson(value.person, person));
    if (mine !== undefined) return mine.value.code;
    if (others.length >= MAX_WAITING) return null;
    for (;;) {
      const code = newOneTimeCode();
      const until = new Date(now() + CODE_VALID_MS).toISOString();
      const { platform, workspace, id, name } = person;
      const entry: Waiting = { code, person: { platform, workspace, id, name }, until };
      if ((await create(`/waiting/${code}.json`, entry)) === 'created') return code;
    }
  }

  async function approvePerson({ platform, workspace, id, name }: Person, by: string): Promise<void> {
    const person = { platform, workspace, id, name };
    // Taken: they have been let in already.
    await create(`${folderOf(person)}approved.json`, { person, at: new Date(now()).toISOString(), by });
    for (const entry of await stillWaiting()) {
      if (isSamePerson(entry.value.person, person)) await remove(entry.id);
    }
  }

  return {
    approvePerson,

    isApproved: person =>
      reading(false, async store => {
        const found = await memories.list(store, { path_prefix: folderOf(person), limit: 1 });
        return found.data.length > 0;
      }),

    codeFor(person) {
      // Messages in two places at once must not lead to two codes.
      const key = folderOf(person);
      const running = asking.get(key) ?? ask(person).finally(() => asking.delete(key));
      asking.set(key, running);
      return running;
    },

    async waiting() {
      return (await stillWaiting()).map(({ value }) => value);
    },

    async approved() {
      return (await all('/approved/', approvedShape)).map(({ value }) => value);
    },

    async approve(code, by) {
      const wanted = plainCode(code);
      const entry = (await stillWaiting()).find(({ value }) => plainCode(value.code) === wanted);
      if (entry === undefined) return null;
      await approvePerson(entry.value.person, by);
      return entry.value.person;
    },

    async revoke(person) {
      const folder = folderOf(person);
      const given = await reading<string[]>([], async store => {
        const ids: string[] = [];
        for await (const item of memories.list(store, { path_prefix: folder, limit: 100 })) {
          if (item.type === 'memory') ids.push(item.id);
        }
        return ids;
      });
      const asked = (await stillWaiting()).filter(({ value }) => isSamePerson(value.person, person));
      for (const id of [...given, ...asked.map(entry => entry.id)]) await remove(id);
      return given.length + asked.length > 0;
    },
  };
}

/** A folder for each person, because a folder can be listed without knowing what is in it. */
function folderOf({ platform, workspace, id }: Person): string {
  const segment = (part: string) =>
    encodeURIComponent(part).replace(/^\.+$/, dots => dots.replaceAll('.', '%2E'));
  return `/approved/${[platform, workspace, id].map(segment).join('/')}/`;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
