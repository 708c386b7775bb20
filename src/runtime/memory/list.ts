import type { BetaManagedAgentsMemoryListItem } from '@anthropic-ai/sdk/resources/beta/memory-stores/memories';
import * as z from 'zod';
import type { Reader } from '../database.ts';
import { invalid } from '../errors.ts';
import { decodeCursor, encodeCursor, type Page } from '../pages.ts';
import { descendantRange } from './path.ts';
import { type MemoryRow, renderMemory, requireStore } from './rules.ts';
import type { View } from './versions.ts';

export interface MemoryListQuery {
  limit: number;
  page?: string | undefined;
  view: View;
  depth: 0 | 1;
  path_prefix?: string | undefined;
}

/** A listed line: a memory, or with depth 1 a prefix (`path` null) that stands for all below it. */
type ListRow = { item: string } & (MemoryRow | { path: null });

/** By path. `item` is what a line is called: the path of a memory or the folded prefix with its slash. */
export async function listMemories(
  db: Reader,
  storeId: string,
  query: MemoryListQuery,
): Promise<Page<BetaManagedAgentsMemoryListItem>> {
  const prefix = query.path_prefix ?? '/';
  if (!prefix.startsWith('/') || !prefix.endsWith('/')) {
    throw invalid('path_prefix: must start and end with "/".');
  }
  const limit = query.view === 'full' ? Math.min(query.limit, 20) : query.limit;
  const name = `memory_stores/${storeId}/memories ${query.depth} ${prefix}`;
  const after = query.page === undefined ? '' : decodeCursor(name, query.page, z.tuple([z.string()]))[0];
  const { from, to } = descendantRange(prefix.slice(0, -1));
  // "/a/b/c" below "/a/" is the child "b/", "/a/b" is the child "b".
  const child = `substr(path, length(?1) + 1)`;
  const item =
    query.depth === 0
      ? `?1 || ${child}`
      : `?1 || CASE instr(${child}, '/') WHEN 0 THEN ${child} ELSE substr(${child}, 1, instr(${child}, '/')) END`;
  const content = query.view === 'full' ? 'content' : `'' AS content`;
  const rows = await db.all<ListRow>(
    `WITH lines AS (
       SELECT DISTINCT ${item} AS item FROM memories
       WHERE store_id = ?2 AND path >= ?3 AND path < ?4 AND path > ?5
     )
     SELECT lines.item, id, store_id, path, ${content}, content_sha256, content_size_bytes, version_id,
       created_at, updated_at FROM lines
     LEFT JOIN memories ON memories.store_id = ?2 AND memories.path = lines.item
     WHERE lines.item > ?5 ORDER BY lines.item LIMIT ?6`,
    [prefix, storeId, from, to, after, limit + 1],
  );
  if (rows.length === 0) await requireStore(db, storeId);
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    data: shown.map(row =>
      row.path === null ? { type: 'memory_prefix', path: row.item } : renderMemory(row, query.view),
    ),
    next_page: rows.length > limit && last ? encodeCursor(name, [last.item]) : null,
  };
}
