import { SetupError } from '../errors.ts';
import type { State } from './state.ts';

/**
 * The state that DATABASE_URL names: SQLite in `dataDir` when it names none, PostgreSQL or Redis when many
 * processes share it. Only the client that is needed is loaded. Rejects with a SetupError that says what to do.
 */
export async function openState(url: string | undefined, dataDir: string): Promise<State> {
  const scheme = url === undefined ? 'sqlite:' : schemeOf(url);
  switch (scheme) {
    case 'sqlite:': {
      const { openSqliteState } = await import('./sqlite.ts');
      return openSqliteState(dataDir);
    }
    case 'postgres:':
    case 'postgresql:': {
      const { openPostgresState } = await import('./postgres.ts');
      return openPostgresState(url ?? '');
    }
    case 'redis:':
    case 'rediss:': {
      const { openRedisState } = await import('./redis.ts');
      return openRedisState(url ?? '');
    }
    default:
      throw new SetupError(
        'DATABASE_URL must begin with postgres://, redis:// or rediss://. Leave it out for SQLite in the data directory.',
      );
  }
}

function schemeOf(url: string): string {
  if (url === 'sqlite' || url === 'sqlite://') return 'sqlite:';
  // A path would be taken for the file's place, which is the data directory's to say.
  if (url.startsWith('sqlite:')) return '';
  return URL.canParse(url) ? new URL(url).protocol : '';
}
