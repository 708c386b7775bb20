import type { BetaManagedAgentsMemoryStore } from '@anthropic-ai/sdk/resources/beta/memory-stores/memory-stores';
import * as z from 'zod';
import { type Clock, timestamp, timestampOrNull } from '../clock.ts';
import { Conditions, type CreatedAtRange } from '../conditions.ts';
import type { Database, Reader } from '../database.ts';
import { createEndings } from '../endings.ts';
import { notFound } from '../errors.ts';
import { checkMetadata, metadata, metadataPatch, patchMetadata, text } from '../fields.ts';
import { newId } from '../ids.ts';
import { decodeCursor, type Page, pageOf, seqPosition } from '../pages.ts';
import { MemoryError } from './error.ts';

type Store = BetaManagedAgentsMemoryStore;

const storeName = text(255, 1).refine(name => !/\p{Cc}/u.test(name), 'must not contain control characters');
export const storeCreateParams = z.strictObject({
  name: storeName,
  description: text(1024).nullish(),
  metadata: metadata.optional(),
});
export const storeUpdateParams = z.strictObject({
  name: storeName.nullish(),
  description: text(1024).nullish(),
  metadata: metadataPatch.nullish(),
});

export interface MemoryStores {
  create(params: z.infer<typeof storeCreateParams>): Promise<Store>;
  get(id: string, reader?: Reader): Promise<Store>;
  list(query: ListQuery): Promise<Page<Store>>;
  update(id: string, params: z.infer<typeof storeUpdateParams>): Promise<Store>;
  /** Final: afterwards memories can only be read and deleted, and their versions redacted. */
  archive(id: string): Promise<Store>;
  /** With all its memories and versions. */
  remove(id: string): Promise<void>;
}

interface ListQuery extends CreatedAtRange {
  limit: number;
  page?: string | undefined;
  include_archived: boolean;
}

interface StoreRow {
  seq: number;
  id: string;
  name: string;
  description: string;
  metadata: string;
  created_at: number;
  updated_at: number;
  archived_at: number | null;
}

export function createMemoryStores(db: Database, clock: Clock): MemoryStores {
  async function get(id: string, reader: Reader = db): Promise<Store> {
    const row = await reader.first<StoreRow>('SELECT * FROM memory_stores WHERE id = ?', [id]);
    if (!row) throw notFound('memory store', id);
    return render(row);
  }

  return {
    get,

    create(params) {
      const given = checkMetadata(params.metadata ?? {});
      return db.write(async tx => {
        const id = newId('memstore');
        const now = clock();
        await tx.run(
          `INSERT INTO memory_stores (id, name, description, metadata, created_at, updated_at)
           VALUES (?, ?, ?, ?, ?, ?)`,
          [id, params.name, params.description ?? '', JSON.stringify(given), now, now],
        );
        return get(id, tx);
      });
    },

    async list(query) {
      const list = 'memory_stores desc';
      const conditions = new Conditions().within('created_at', query);
      if (!query.include_archived) conditions.whereTrue('archived_at IS NULL');
      if (query.page !== undefined) {
        conditions.where('seq < ?', decodeCursor(list, query.page, seqPosition)[0]);
      }
      const rows = await db.all<StoreRow>(
        `SELECT * FROM memory_stores ${conditions.sql} ORDER BY seq DESC LIMIT ?`,
        conditions.params(query.limit + 1),
      );
      return pageOf(list, rows, query.limit, render);
    },

    update(id, params) {
      return db.write(async tx => {
        const current = await get(id, tx);
        refuseArchived(current);
        await tx.run(
          'UPDATE memory_stores SET name = ?, description = ?, metadata = ?, updated_at = ? WHERE id = ?',
          [
            params.name ?? current.name,
            params.description ?? current.description,
            JSON.stringify(checkMetadata(patchMetadata(current.metadata, params.metadata))),
            clock(),
            id,
          ],
        );
        return get(id, tx);
      });
    },

    ...createEndings({ db, clock, table: 'memory_stores', what: 'memory store', get }),
  };
}

export function refuseArchived(store: { id: string; archived_at: string | number | null }): void {
  if (store.archived_at !== null) {
    throw new MemoryError('archived', `The memory store ${store.id} is archived; archiving is final.`);
  }
}

function render(row: StoreRow): Store {
  return {
    id: row.id,
    type: 'memory_store',
    name: row.name,
    description: row.description,
    metadata: JSON.parse(row.metadata),
    created_at: timestamp(row.created_at),
    updated_at: timestamp(row.updated_at),
    archived_at: timestampOrNull(row.archived_at),
  };
}
