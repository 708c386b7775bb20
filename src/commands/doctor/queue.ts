import { Queue } from 'bullmq';
import type { Config } from '../../config.ts';
import { TURNS } from '../../core/queue/dispatcher-bullmq.ts';
import { redisPrefix } from '../../core/queue/redis-connection.ts';
import { count } from '../text.ts';
import { type Check, fine, problem, warning } from './findings.ts';
import type { Network } from './network.ts';
import { checkRedis, withRedis } from './redis-health.ts';
import { whyNot } from './state.ts';

/** Whether turns can be shared among processes, and whether anybody takes them up. */
export async function checkQueue(
  config: Config,
  bot: string | undefined,
  network: Network,
): Promise<Check[]> {
  const url = config.redisUrl;
  if (url === undefined) return [fine('Turns run in the process that accepted them')];
  if (config.api.type === 'local') {
    return [
      problem(
        'queue.needs_service',
        'REDIS_URL is for several processes, and each would have a local runtime of its own',
        'Set ANTHROPIC_API_KEY, or ANTHROPIC_BASE_URL to one runtime for all (npm run runtime).',
      ),
    ];
  }
  const { host } = new URL(url);
  const use = { group: 'queue', variable: 'REDIS_URL', what: 'The queue of turns', oldest: [6, 2] } as const;
  try {
    return await withRedis(url, network, async redis => {
      const checks = await checkRedis(redis, host, use);
      // Each bot has a queue of its own.
      if (bot === undefined) return checks;
      const queue = new Queue(TURNS, {
        connection: redis,
        prefix: redisPrefix(bot),
        // Otherwise making the object writes.
        skipMetasUpdate: true,
        skipVersionCheck: true,
      });
      queue.on('error', () => {});
      const jobs = await network.within(queue.getJobCounts('waiting', 'prioritized', 'delayed', 'active'));
      const workers = workersOn(redis.options.db ?? 0, await network.within(queue.getWorkers()));
      return [...checks, checkWorkers(jobs, workers)];
    });
  } catch (error) {
    return [
      problem(
        'queue.unreachable',
        `The Redis at ${host} ${whyNot(error, network)}`,
        'Check REDIS_URL: host, port and password, and that the server is running.',
      ),
    ];
  }
}

/** Clients are listed for the whole server; null where a hosted Redis does not list them (BullMQ, getWorkers). */
function workersOn(database: number, clients: readonly Record<string, string>[]): number | null {
  if (clients.some(({ db }) => db === undefined)) return null;
  return clients.filter(({ db }) => Number(db) === database).length;
}

function checkWorkers(jobs: Record<string, number>, workers: number | null): Check {
  const waiting = (jobs.waiting ?? 0) + (jobs.prioritized ?? 0) + (jobs.delayed ?? 0);
  const line = `${count(waiting, 'conversation')} waiting, ${jobs.active ?? 0} being answered`;
  if (workers === 0 && waiting > 0) {
    return warning(
      'queue.no_worker',
      `${line}, and no worker is connected`,
      'Start one: npm start -- --role worker (or --role all).',
    );
  }
  return fine(workers === null ? `The queue: ${line}` : `${count(workers, 'worker')} connected; ${line}`);
}
