import type { BetaManagedAgentsFileResource } from '@anthropic-ai/sdk/resources/beta/sessions/resources';
import * as z from 'zod';
import { type Clock, timestamp } from './clock.ts';
import type { Database, Transaction } from './database.ts';
import { invalid, notFound } from './errors.ts';
import { text } from './fields.ts';
import type { Files } from './files.ts';
import { newId } from './ids.ts';
import { mountPath } from './memory/mount.ts';
import { pathProblem } from './memory/path.ts';
import type { MemoryStores } from './memory/stores.ts';
import { type Page, pageOfArray } from './pages.ts';
import { findSession, resourcesOf, type SessionResource } from './session-rows.ts';
import { MAX_UPLOADED_BYTES, UPLOADS } from './uploads.ts';

const MAX_STORES = 8;
const MAX_FILES = 500;

export const fileResourceParam = z.strictObject({
  type: z.literal('file'),
  file_id: z.string(),
  mount_path: z.string().nullish(),
});
const storeResourceParam = z.strictObject({
  type: z.literal('memory_store'),
  memory_store_id: z.string(),
  access: z.enum(['read_write', 'read_only']).nullish(),
  instructions: text(4096).nullish(),
});
export const resourceParam = z.discriminatedUnion('type', [
  fileResourceParam,
  storeResourceParam,
  z.looseObject({ type: z.literal('github_repository') }),
]);

export interface SessionResources {
  /** What a new session mounts. Throws 400 or 404 for what cannot be mounted. */
  resolve(tx: Transaction, params: readonly z.infer<typeof resourceParam>[]): Promise<SessionResource[]>;
  list(
    sessionId: string,
    query: { limit: number; page?: string | undefined },
  ): Promise<Page<SessionResource>>;
  /** Memory stores have no resource id, so only files are found. */
  get(sessionId: string, id: string): Promise<SessionResource>;
  add(sessionId: string, param: z.infer<typeof fileResourceParam>): Promise<BetaManagedAgentsFileResource>;
  remove(sessionId: string, id: string): Promise<void>;
}

export function createSessionResources(deps: {
  db: Database;
  files: Files;
  stores: MemoryStores;
  clock: Clock;
}): SessionResources {
  const { db, files, stores, clock } = deps;

  async function resolve(
    tx: Transaction,
    params: readonly z.infer<typeof resourceParam>[],
  ): Promise<SessionResource[]> {
    const resources: SessionResource[] = [];
    for (const param of params) {
      switch (param.type) {
        case 'memory_store':
          resources.push(await resolveStore(tx, param));
          break;
        case 'file':
          resources.push(await resolveFile(tx, param));
          break;
        case 'github_repository':
          throw invalid(
            'resources: this local runtime cannot check out repositories; leave them out or use the cloud.',
          );
        default:
          param satisfies never;
      }
    }
    checkTogether(resources);
    await checkSize(tx, resources);
    return resources;
  }

  async function checkSize(tx: Transaction, resources: readonly SessionResource[]): Promise<void> {
    const ids = resources.flatMap(resource => (resource.type === 'file' ? [resource.file_id] : []));
    const row = await tx.first<{ size: number }>(
      'SELECT total(size_bytes) AS size FROM files WHERE id IN (SELECT value FROM json_each(?))',
      [JSON.stringify(ids)],
    );
    if ((row?.size ?? 0) > MAX_UPLOADED_BYTES) {
      const megabytes = MAX_UPLOADED_BYTES / 1024 / 1024;
      throw invalid(`resources: this local runtime mounts at most ${megabytes} MB of files per session.`);
    }
  }

  /** Name and description are snapshots: later edits of the store do not reach the session. */
  async function resolveStore(
    tx: Transaction,
    param: z.infer<typeof storeResourceParam>,
  ): Promise<SessionResource> {
    const store = await stores.get(param.memory_store_id, tx);
    if (store.archived_at !== null) {
      throw invalid(`The memory store ${store.id} is archived and cannot be attached to a new session.`);
    }
    const path = mountPath(store.name);
    if (path === null) {
      throw invalid(
        `The memory store ${store.id} cannot be mounted: its name "${store.name}" has no letter a-z or digit to name a directory by.`,
      );
    }
    return {
      type: 'memory_store',
      memory_store_id: store.id,
      access: param.access ?? 'read_write',
      name: store.name,
      description: store.description,
      instructions: param.instructions ?? null,
      mount_path: path,
    };
  }

  async function resolveFile(
    tx: Transaction,
    param: z.infer<typeof fileResourceParam>,
  ): Promise<BetaManagedAgentsFileResource> {
    const file = await files.get(param.file_id, tx);
    const now = timestamp(clock());
    return {
      id: newId('sesrsc'),
      type: 'file',
      file_id: file.id,
      mount_path: uploadPath(param.mount_path ?? file.id),
      created_at: now,
      updated_at: now,
    };
  }

  async function get(sessionId: string, id: string): Promise<SessionResource> {
    const found = resourcesOf(await findSession(db, sessionId)).find(resource => hasId(resource, id));
    if (!found) throw notFound('session resource', id);
    return found;
  }

  async function store(tx: Transaction, sessionId: string, resources: SessionResource[]): Promise<void> {
    await tx.run('UPDATE sessions SET resources = ?, updated_at = ? WHERE id = ?', [
      JSON.stringify(resources),
      clock(),
      sessionId,
    ]);
  }

  return {
    resolve,
    get,

    async list(sessionId, query) {
      const resources = resourcesOf(await findSession(db, sessionId));
      return pageOfArray(`sessions/${sessionId}/resources`, resources, query);
    },

    add(sessionId, param) {
      return db.write(async tx => {
        const session = await findSession(tx, sessionId);
        if (session.archived_at !== null)
          throw invalid(`The session ${sessionId} is archived; archiving is final.`);
        const added = await resolveFile(tx, param);
        const resources = [...resourcesOf(session), added];
        checkTogether(resources);
        await checkSize(tx, resources);
        await store(tx, sessionId, resources);
        return added;
      });
    },

    remove(sessionId, id) {
      return db.write(async tx => {
        const session = await findSession(tx, sessionId);
        if (session.archived_at !== null)
          throw invalid(`The session ${sessionId} is archived; archiving is final.`);
        const before = resourcesOf(session);
        const after = before.filter(resource => !hasId(resource, id));
        if (after.length === before.length) throw notFound('session resource', id);
        await store(tx, sessionId, after);
      });
    },
  };
}

function hasId(resource: SessionResource, id: string): boolean {
  return resource.type !== 'memory_store' && resource.id === id;
}

/** Uploads are read-only under one directory; a path elsewhere is taken as a path inside it. */
function uploadPath(given: string): string {
  const absolute = given.startsWith('/') ? given : `/${given}`;
  const path = absolute.startsWith(`${UPLOADS}/`) ? absolute : `${UPLOADS}${absolute}`;
  const problem = pathProblem(path);
  if (problem) throw invalid(`mount_path: ${problem}.`);
  return path;
}

function checkTogether(resources: readonly SessionResource[]): void {
  const mounted = resources.filter(resource => resource.type === 'memory_store');
  if (mounted.length > MAX_STORES)
    throw invalid(`resources: at most ${MAX_STORES} memory stores per session.`);
  if (resources.filter(resource => resource.type === 'file').length > MAX_FILES) {
    throw invalid(`resources: at most ${MAX_FILES} files per session.`);
  }
  const ids = new Set(mounted.map(resource => resource.memory_store_id));
  if (ids.size < mounted.length) throw invalid('resources: a memory store may be attached only once.');
  const paths = new Set<string>();
  for (const { mount_path } of resources) {
    if (mount_path === null || mount_path === undefined) continue;
    if (paths.has(mount_path)) {
      throw invalid(`resources: two of them would be mounted at ${mount_path}; rename one.`);
    }
    paths.add(mount_path);
  }
}
