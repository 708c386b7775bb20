import { basename } from 'node:path';
import type { BetaFileMetadata } from '@anthropic-ai/sdk/resources/beta/files';
import { type Clock, timestamp, timestampOrNull } from './clock.ts';
import { Conditions } from './conditions.ts';
import type { Database, Reader } from './database.ts';
import { ApiError, notFound } from './errors.ts';
import { newId } from './ids.ts';
import { decodeCursor, type Page, pageOf, seqPosition } from './pages.ts';

export interface Files {
  upload(
    file: { name: string; mimeType: string; data: Uint8Array },
    expiresInSeconds: number | null,
  ): Promise<BetaFileMetadata>;
  get(id: string, reader?: Reader): Promise<BetaFileMetadata>;
  /** 404 `file_expired` once the file's time is over. */
  content(id: string): Promise<{ mediaType: string; data: Uint8Array }>;
  list(query: ListQuery): Promise<Page<BetaFileMetadata>>;
  remove(id: string): Promise<void>;
}

interface ListQuery {
  limit: number;
  page?: string | undefined;
  ids?: string[] | undefined;
  scope_id?: string | undefined;
}

interface FileRow {
  seq: number;
  id: string;
  filename: string;
  mime_type: string;
  size_bytes: number;
  scope_id: string | null;
  created_at: number;
  expires_at: number | null;
}

/**
 * Files live in the database, so that an answered upload is as durable as everything else. Unlike the cloud,
 * which lets only files made by tools be downloaded, an upload can be read back: both ends are this machine.
 */
export function createFiles(db: Database, clock: Clock): Files {
  async function find(reader: Reader, id: string): Promise<FileRow> {
    const row = await reader.first<FileRow>('SELECT * FROM files WHERE id = ?', [id]);
    if (!row) throw notFound('file', id);
    return row;
  }

  return {
    async get(id, reader = db) {
      return render(await find(reader, id));
    },

    upload(file, expiresInSeconds) {
      return db.write(async tx => {
        const id = newId('file');
        const now = clock();
        const expiresAt = expiresInSeconds === null ? null : now + expiresInSeconds * 1000;
        await tx.run(
          `INSERT INTO files (id, filename, mime_type, size_bytes, created_at, expires_at)
           VALUES (?, ?, ?, ?, ?, ?)`,
          [id, filename(file.name), file.mimeType, file.data.byteLength, now, expiresAt],
        );
        await tx.run('INSERT INTO file_contents VALUES (?, ?)', [id, file.data]);
        await tx.run(
          'DELETE FROM file_contents WHERE file_id IN (SELECT id FROM files WHERE expires_at <= ?)',
          [now],
        );
        return render(await find(tx, id));
      });
    },

    async content(id) {
      const row = await find(db, id);
      const stored = await db.first<{ data: Uint8Array }>(
        'SELECT data FROM file_contents WHERE file_id = ?',
        [id],
      );
      if (!stored || (row.expires_at !== null && row.expires_at <= clock())) {
        throw new ApiError('not_found_error', `The file ${id} has expired; its content is gone.`, {
          errorCode: 'file_expired',
        });
      }
      return { mediaType: row.mime_type, data: stored.data };
    },

    async list(query) {
      const list = `files ${query.scope_id ?? ''} desc`;
      const conditions = new Conditions().where('scope_id = ?', query.scope_id);
      if (query.ids) {
        conditions.where('id IN (SELECT value FROM json_each(?))', JSON.stringify(query.ids));
      } else if (query.page !== undefined) {
        conditions.where('seq < ?', decodeCursor(list, query.page, seqPosition)[0]);
      }
      const limit = query.ids ? query.ids.length : query.limit;
      const rows = await db.all<FileRow>(
        `SELECT * FROM files ${conditions.sql} ORDER BY seq DESC LIMIT ?`,
        conditions.params(limit + 1),
      );
      return pageOf(list, rows, limit, render);
    },

    remove(id) {
      return db.write(async tx => {
        const { changes } = await tx.run('DELETE FROM files WHERE id = ?', [id]);
        if (changes === 0) throw notFound('file', id);
        tx.scrub();
      });
    },
  };
}

/** Only the last part of a path is kept, and a file without a name is "unnamed" (SDK FileUploadParams). */
function filename(given: string): string {
  return basename(given.replaceAll('\\', '/')) || 'unnamed';
}

function render(row: FileRow): BetaFileMetadata {
  return {
    id: row.id,
    type: 'file',
    filename: row.filename,
    mime_type: row.mime_type,
    size_bytes: row.size_bytes,
    downloadable: true,
    scope: row.scope_id === null ? null : { type: 'session', id: row.scope_id },
    created_at: timestamp(row.created_at),
    expires_at: timestampOrNull(row.expires_at),
  };
}
