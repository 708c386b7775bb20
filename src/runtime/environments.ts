import type { BetaEnvironment } from '@anthropic-ai/sdk/resources/beta/environments/environments';
import * as z from 'zod';
import { type Clock, timestamp, timestampOrNull } from './clock.ts';
import { Conditions } from './conditions.ts';
import type { Database, Reader, Transaction } from './database.ts';
import { createEndings } from './endings.ts';
import { ApiError, invalid, notFound } from './errors.ts';
import { checkMetadata, metadata, metadataPatch, patchMetadata, text } from './fields.ts';
import { newId } from './ids.ts';
import { decodeCursor, type Page, pageOf, seqPosition } from './pages.ts';

const hostList = z.array(text(255, 1)).nullish();
const packageList = z.array(z.string()).nullish();
const networking = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('unrestricted') }),
  z.strictObject({
    type: z.literal('limited'),
    allowed_hosts: hostList,
    allow_mcp_servers: z.boolean().nullish(),
    allow_package_managers: z.boolean().nullish(),
  }),
]);
const PACKAGE_MANAGERS = ['apt', 'cargo', 'gem', 'go', 'npm', 'pip'] as const;
const packages = z.strictObject({
  type: z.literal('packages').optional(),
  apt: packageList,
  cargo: packageList,
  gem: packageList,
  go: packageList,
  npm: packageList,
  pip: packageList,
});
const config = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('cloud'),
    networking: networking.nullish(),
    packages: packages.nullish(),
  }),
  z.strictObject({ type: z.literal('self_hosted') }),
]);
const scope = z.enum(['organization', 'account']).nullish();
export const environmentCreateParams = z.strictObject({
  name: text(256, 1),
  description: text(2048).nullish(),
  config: config.nullish(),
  metadata: metadata.optional(),
  scope,
});
export const environmentUpdateParams = z.strictObject({
  name: text(256, 1).nullish(),
  description: text(2048).nullish(),
  config: config.nullish(),
  metadata: metadataPatch.optional(),
  scope,
});

type Config = Extract<BetaEnvironment['config'], { type: 'cloud' }>;

export interface Environments {
  create(params: z.infer<typeof environmentCreateParams>): Promise<BetaEnvironment>;
  get(id: string, reader?: Reader): Promise<BetaEnvironment>;
  list(query: {
    limit: number;
    page?: string | undefined;
    include_archived: boolean;
  }): Promise<Page<BetaEnvironment>>;
  update(id: string, params: z.infer<typeof environmentUpdateParams>): Promise<BetaEnvironment>;
  archive(id: string): Promise<BetaEnvironment>;
  remove(id: string): Promise<void>;
}

interface EnvironmentRow {
  seq: number;
  id: string;
  name: string;
  description: string | null;
  config: string;
  metadata: string;
  created_at: number;
  updated_at: number;
  archived_at: number | null;
}

/**
 * Environments are kept so that a client can make and find them; here they promise nothing: every session
 * runs in the same virtual file system, without network.
 */
export function createEnvironments(db: Database, clock: Clock): Environments {
  async function get(id: string, reader: Reader = db): Promise<BetaEnvironment> {
    const row = await reader.first<EnvironmentRow>('SELECT * FROM environments WHERE id = ?', [id]);
    if (!row) throw notFound('environment', id);
    return render(row);
  }

  return {
    get,

    create(params) {
      refuseAccountScope(params.scope);
      const resolved = resolveConfig(params.config ?? { type: 'cloud' });
      const given = checkMetadata(params.metadata ?? {}, 'invalid_metadata');
      return db.write(async tx => {
        await refuseTakenName(tx, params.name, null);
        const id = newId('env');
        const now = clock();
        await tx.run(
          `INSERT INTO environments (id, name, description, config, metadata, created_at, updated_at)
           VALUES (?, ?, ?, ?, ?, ?, ?)`,
          [
            id,
            params.name,
            params.description ?? null,
            JSON.stringify(resolved),
            JSON.stringify(given),
            now,
            now,
          ],
        );
        return get(id, tx);
      });
    },

    async list(query) {
      const list = 'environments desc';
      const conditions = new Conditions();
      if (!query.include_archived) conditions.whereTrue('archived_at IS NULL');
      if (query.page !== undefined) {
        conditions.where('seq < ?', decodeCursor(list, query.page, seqPosition)[0]);
      }
      const rows = await db.all<EnvironmentRow>(
        `SELECT * FROM environments ${conditions.sql} ORDER BY seq DESC LIMIT ?`,
        conditions.params(query.limit + 1),
      );
      return pageOf(list, rows, query.limit, render);
    },

    update(id, params) {
      refuseAccountScope(params.scope);
      return db.write(async tx => {
        const current = await get(id, tx);
        if (current.archived_at !== null) {
          throw invalid(`The environment ${id} is archived; archiving is final.`, 'environment_archived');
        }
        const name = params.name ?? current.name;
        await refuseTakenName(tx, name, id);
        // Environments delete a metadata key by null or by "" (SDK EnvironmentUpdateParams).
        const patch = Object.entries(params.metadata ?? {}).map(([key, value]) => [
          key,
          value === '' ? null : value,
        ]);
        const merged = checkMetadata(
          patchMetadata(current.metadata, Object.fromEntries(patch)),
          'invalid_metadata',
        );
        await tx.run(
          'UPDATE environments SET name = ?, description = ?, config = ?, metadata = ?, updated_at = ? WHERE id = ?',
          [
            name,
            params.description === undefined ? current.description : params.description,
            JSON.stringify(params.config ? resolveConfig(params.config, current.config) : current.config),
            JSON.stringify(merged),
            clock(),
            id,
          ],
        );
        return get(id, tx);
      });
    },

    ...createEndings({ db, clock, table: 'environments', what: 'environment', get }),
  };
}

async function refuseTakenName(tx: Transaction, name: string, exceptId: string | null): Promise<void> {
  const taken = await tx.first<{ id: string }>(
    'SELECT id FROM environments WHERE name = ? AND archived_at IS NULL AND id IS NOT ?',
    [name, exceptId],
  );
  if (taken) {
    throw new ApiError('conflict_error', `There is already an environment named "${name}": ${taken.id}.`);
  }
}

function refuseAccountScope(given: z.infer<typeof scope>): void {
  if (given === 'account') throw invalid('scope: this local runtime knows only "organization".');
}

/** On update, a part that is left out keeps its value. */
function resolveConfig(given: z.infer<typeof config>, current?: BetaEnvironment['config']): Config {
  if (given.type === 'self_hosted') {
    throw invalid(
      current
        ? 'config.type cannot change after creation.'
        : 'config: this local runtime has no self-hosted workers; use type "cloud".',
      current ? 'invalid_config_type_change' : undefined,
    );
  }
  const before = current?.type === 'cloud' ? current : undefined;
  return {
    type: 'cloud',
    networking: given.networking
      ? resolveNetworking(given.networking)
      : (before?.networking ?? { type: 'unrestricted' }),
    packages: resolvePackages(given.packages ?? {}),
  };
}

function resolveNetworking(given: z.infer<typeof networking>): Config['networking'] {
  if (given.type === 'unrestricted') return given;
  return {
    type: 'limited',
    allowed_hosts: given.allowed_hosts ?? [],
    allow_mcp_servers: given.allow_mcp_servers ?? false,
    allow_package_managers: given.allow_package_managers ?? false,
  };
}

function resolvePackages(given: z.infer<typeof packages>): Config['packages'] {
  if (PACKAGE_MANAGERS.some(manager => (given[manager]?.length ?? 0) > 0)) {
    throw invalid(
      'config.packages: this local runtime cannot install packages; leave them out or use the cloud.',
    );
  }
  return { type: 'packages', apt: [], cargo: [], gem: [], go: [], npm: [], pip: [] };
}

function render(row: EnvironmentRow): BetaEnvironment {
  return {
    id: row.id,
    type: 'environment',
    name: row.name,
    description: row.description,
    config: JSON.parse(row.config),
    metadata: JSON.parse(row.metadata),
    scope: 'organization',
    created_at: timestamp(row.created_at),
    updated_at: timestamp(row.updated_at),
    archived_at: timestampOrNull(row.archived_at),
  };
}
