import { constants } from 'node:fs';
import { access, readdir, stat, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Config } from '../../config.ts';
import { isOfAnother, quoted } from '../../core/state/state-owner.ts';
import { type Check, fine, problem, warning } from './findings.ts';
import type { Network } from './network.ts';
import { checkRedis, withRedis } from './redis-health.ts';
import { readRows, withPostgres, withSqlite } from './stored-rows.ts';

const MB = 1024 * 1024;
const DISK_WARNING = 1024 * MB;
const DISK_PROBLEM = 100 * MB;
/** Files that are named at a time. */
const NAMED = 3;
/** Generated columns (core/state/postgres). */
const OLDEST_POSTGRES = 12;

/**
 * Whether the bot could keep its state. Opens nothing for writing, and takes nothing from a bot that runs. `bot`: the name
 * in agent.yml, where that can be read.
 */
export async function checkState(
  config: Config,
  bot: string | undefined,
  network: Network,
): Promise<Check[]> {
  const checks = await checkStore(config, network);
  const reachable = checks.every(({ level }) => level !== 'problem');
  return reachable && bot !== undefined ? [...checks, ...(await checkOwner(config, bot, network))] : checks;
}

/** Another bot's state would give this one its people (core/state/state-owner). */
async function checkOwner(config: Config, bot: string, network: Network): Promise<Check[]> {
  const bots = [...(await readRows(config, 'provision', network)).keys()];
  if (!isOfAnother(bots, bot)) return [];
  return [
    problem(
      'state.another_bot',
      `The state belongs to the bot ${quoted(bots)}, and the name in agent.yml is "${bot}"`,
      `Give "${bot}" a SHOPPER_DATA_DIR or DATABASE_URL of its own, or keep the name if it is the same bot.`,
    ),
  ];
}

async function checkStore(config: Config, network: Network): Promise<Check[]> {
  const url = config.databaseUrl;
  // The local runtime and journals of seeding are kept in the data directory in any case.
  const folder = await checkFolder(config.dataDir);
  if (url === undefined || url === 'sqlite' || url === 'sqlite://') {
    return [...folder, ...(await checkLock(config.dataDir))];
  }
  const scheme = URL.canParse(url) ? new URL(url).protocol : '';
  const own = config.api.type === 'local' ? folder : [];
  switch (scheme) {
    case 'postgres:':
    case 'postgresql:':
      return [...own, ...(await checkPostgres(url, network))];
    case 'redis:':
    case 'rediss:':
      return [...own, ...(await checkRedisState(url, network))];
    default:
      return [
        problem(
          'state.unreachable',
          'DATABASE_URL does not name a database the bot supports',
          'It must begin with postgres://, redis:// or rediss://. Leave it out for SQLite in the data directory.',
        ),
      ];
  }
}

async function checkFolder(dataDir: string): Promise<Check[]> {
  const mend =
    'Give the user that runs the bot the right to write there, or set SHOPPER_DATA_DIR to another folder.';
  const path = await nearest(resolve(dataDir));
  const there = await stat(path);
  if (!there.isDirectory()) {
    return [
      problem(
        'state.not_writable',
        `The data directory ${dataDir} cannot be created: ${path} is a file`,
        mend,
      ),
    ];
  }
  try {
    await access(path, constants.W_OK | constants.X_OK);
  } catch {
    const what =
      path === resolve(dataDir) ? `The data directory ${dataDir}` : `${path}, for the data directory,`;
    return [problem('state.not_writable', `${what} is not writable`, mend)];
  }
  const foreign = await notOurs(dataDir);
  if (foreign.length > 0) {
    const more = foreign.length > NAMED ? ', …' : '';
    return [
      problem(
        'state.not_writable',
        `The user running this may not write to these in ${dataDir}: ${foreign.slice(0, NAMED).join(', ')}${more}`,
        `Give them to the user that runs the bot: chown -R USER ${dataDir}. A command or a bot run as another user left them there.`,
      ),
    ];
  }
  const { bavail, bsize } = await statfs(path);
  return [checkDisk(bavail * bsize, dataDir)];
}

/** What the bot and the local runtime write to in place; anything else there is replaced as a whole. */
const WRITTEN = /^(state\.(lock|sqlite)|runtime$|runtime[\\/]|seeds$)/;

async function notOurs(dataDir: string): Promise<string[]> {
  const names = await readdir(dataDir, { recursive: true }).catch(() => []);
  const refused: string[] = [];
  for (const name of names.filter(name => WRITTEN.test(name)).sort()) {
    await access(join(dataDir, name), constants.W_OK).catch(() => refused.push(name));
  }
  return refused;
}

/** The folder itself, or the one above it that exists. */
async function nearest(path: string): Promise<string> {
  const there = await stat(path).catch(() => null);
  return there !== null || dirname(path) === path ? path : nearest(dirname(path));
}

export function checkDisk(freeBytes: number, dataDir: string): Check {
  const left = `${freeBytes < 10 * 1024 * MB ? `${Math.floor(freeBytes / MB)} MB` : `${Math.floor(freeBytes / MB / 1024)} GB`} free`;
  const text = `The data directory ${dataDir} has ${left}`;
  const mend = 'Make room. With a full disk no message can be accepted.';
  if (freeBytes < DISK_PROBLEM) return problem('state.disk_low', text, mend);
  if (freeBytes < DISK_WARNING) return warning('state.disk_low', text, mend);
  return fine(`${text} and is writable`);
}

/** A running bot holds a lock that even reading meets (core/state/sqlite). */
async function checkLock(dataDir: string): Promise<Check[]> {
  const path = join(dataDir, 'state.lock');
  if ((await stat(path).catch(() => null)) === null)
    return [fine('State will be kept in SQLite there; no bot has run yet')];
  try {
    await withSqlite(pathToFileURL(path).href, 'SELECT count(*) FROM sqlite_master');
    return [fine('State is in SQLite there; no bot is running on it')];
  } catch (error) {
    if (error instanceof Error && error.message.includes('SQLITE_BUSY')) {
      return [fine('State is in SQLite there; a bot is running on it')];
    }
    return [
      problem(
        'state.not_writable',
        `The state in ${dataDir} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
        'Check who owns the files there; it must be the user that runs the bot.',
      ),
    ];
  }
}

async function checkPostgres(url: string, network: Network): Promise<Check[]> {
  // Never the URL itself: it carries a password.
  const { host, pathname } = new URL(url);
  try {
    return await withPostgres(url, network, async query => {
      const [it] = await query(
        `SELECT current_setting('server_version_num')::int AS version, pg_is_in_recovery() AS replica,
           made.oid IS NOT NULL AS made, coalesce(pg_has_role(made.relowner, 'USAGE'), true) AS ours,
           has_schema_privilege('public', 'CREATE') AS creatable
         FROM (SELECT to_regclass('public.shopper_state') AS oid) AS it LEFT JOIN pg_class AS made USING (oid)`,
      );
      const version = Math.floor(Number(it?.version) / 10_000);
      if (version < OLDEST_POSTGRES) {
        return [
          problem(
            'state.too_old',
            `The state is in PostgreSQL ${version}`,
            `It needs ${OLDEST_POSTGRES} or later.`,
          ),
        ];
      }
      if (it?.replica === true) {
        return [
          problem(
            'state.read_only',
            'DATABASE_URL names a replica, which takes no writes',
            'Name the primary.',
          ),
        ];
      }
      // Every start makes sure of the table and its index; PostgreSQL wants these rights also where both are there.
      if (it?.creatable !== true || it.ours !== true) {
        return [
          problem(
            'state.not_writable',
            `The user of DATABASE_URL ${it?.creatable === true ? 'does not own the table shopper_state' : 'may not create tables'} in ${pathname.slice(1)}`,
            'As the owner of the database: GRANT USAGE, CREATE ON SCHEMA public TO that user; and if somebody else created the table: ALTER TABLE shopper_state OWNER TO that user, the same for SEQUENCE shopper_ticket.',
          ),
        ];
      }
      const made = it.made === true ? '' : '; the first start creates its table';
      return [fine(`The state is in PostgreSQL ${version}, database ${pathname.slice(1)} at ${host}${made}`)];
    });
  } catch (error) {
    return [unreachable(`The PostgreSQL database ${pathname.slice(1)} at ${host}`, error, network)];
  }
}

async function checkRedisState(url: string, network: Network): Promise<Check[]> {
  const { host } = new URL(url);
  const use = { group: 'state', variable: 'DATABASE_URL', what: 'The state', oldest: [6, 2] } as const;
  try {
    return await withRedis(url, network, redis => checkRedis(redis, host, use));
  } catch (error) {
    return [unreachable(`The Redis at ${host}`, error, network)];
  }
}

function unreachable(what: string, error: unknown, network: Network): Check {
  return problem(
    'state.unreachable',
    `${what} ${whyNot(error, network)}`,
    'Check DATABASE_URL: host, port, user, password and database, and that the server is running.',
  );
}

/** A server that answered has said why in words of its own; they hold no password. */
export function whyNot(error: unknown, network: Network): string {
  const said = error instanceof Error ? error.message : '';
  const spoke = /password|authenticat|does not exist|no pg_hba|WRONGPASS|NOAUTH|NOPERM|SSL|too many/i.test(
    said,
  );
  return spoke ? `refuses the connection: ${said}` : network.reason(error);
}
