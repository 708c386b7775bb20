/** The servers that some tests want; null where one is not reachable, and those tests are reported as skipped. */

import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';

export const POSTGRES = await reachable(
  process.env.TEST_DATABASE_URL ?? 'postgres://root@127.0.0.1:5432/test',
  5432,
);
export const REDIS = await reachable(process.env.TEST_REDIS_URL ?? 'redis://127.0.0.1:6379', 6379);

/** A name nobody else uses, so that runs side by side do not meet. */
export function uniqueName(): string {
  return `test_${randomBytes(6).toString('hex')}`;
}

function reachable(url: string, usualPort: number): Promise<string | null> {
  const { hostname, port } = new URL(url);
  return new Promise(resolve => {
    const socket = connect({ host: hostname, port: port === '' ? usualPort : Number(port), timeout: 1_000 });
    const settle = (found: boolean) => {
      socket.destroy();
      resolve(found ? url : null);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
    socket.once('timeout', () => settle(false));
  });
}
