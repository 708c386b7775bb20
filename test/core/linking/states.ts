/** Every kind of state, for what has to hold in all of them; `another` is a second process on the same data. */

import { Redis } from 'ioredis';
import pg from 'pg';
import { openPostgresState } from '../../../src/core/state/postgres.ts';
import { openRedisState } from '../../../src/core/state/redis.ts';
import { openSqliteState } from '../../../src/core/state/sqlite.ts';
import type { State, Table } from '../../../src/core/state/state.ts';
import { temporaryFolder } from '../../helpers/cli.ts';
import { POSTGRES, REDIS, uniqueName } from '../../helpers/servers.ts';

export interface Opened {
  state: State;
  /** On SQLite, which one process holds, the same one. */
  another: State;
  close(): Promise<void>;
}

export const STATES: { label: string; reachable: boolean; open(): Promise<Opened> }[] = [
  {
    label: 'SQLite',
    reachable: true,
    async open() {
      const folder = await temporaryFolder();
      const state = await openSqliteState(folder.path);
      return {
        state,
        another: state,
        async close() {
          await state.close();
          await folder.remove();
        },
      };
    },
  },
  {
    label: 'PostgreSQL',
    reachable: POSTGRES !== null,
    async open() {
      const url = POSTGRES ?? '';
      const schema = uniqueName();
      const state = await openPostgresState(url, { schema });
      const another = await openPostgresState(url, { schema });
      return {
        state,
        another,
        async close() {
          await Promise.all([state.close(), another.close()]);
          const client = new pg.Client(url);
          await client.connect();
          await client.query(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`);
          await client.end();
        },
      };
    },
  },
  {
    label: 'Redis',
    reachable: REDIS !== null,
    async open() {
      const url = REDIS ?? '';
      const prefix = `{${uniqueName()}}`;
      const state = await openRedisState(url, { prefix });
      const another = await openRedisState(url, { prefix });
      return {
        state,
        another,
        async close() {
          await Promise.all([state.close(), another.close()]);
          const client = new Redis(url);
          const keys = await client.keys(`${prefix}*`);
          if (keys.length > 0) await client.del(keys);
          await client.quit();
        },
      };
    },
  },
];

/** A state whose process dies before its `nth` write from now (counted from 1) and writes nothing after that. */
export function dyingAt(state: State, nth: number): State {
  let writes = 0;
  const write = <R>(work: () => Promise<R>): Promise<R> => {
    writes += 1;
    return writes >= nth ? Promise.reject(new Error('killed')) : work();
  };
  return {
    ...state,
    table<T>(name: string): Table<T> {
      const table = state.table<T>(name);
      // The claim of a killed process runs out; waiting for that is not what is tested here.
      if (name === 'link-claim') return table;
      return {
        ...table,
        set: (key, value, ttlMs) => write(() => table.set(key, value, ttlMs)),
        delete: key => write(() => table.delete(key)),
        insert: (key, value, ttlMs) => write(() => table.insert(key, value, ttlMs)),
        replace: (key, expected, value, ttlMs) => write(() => table.replace(key, expected, value, ttlMs)),
      };
    },
  };
}
