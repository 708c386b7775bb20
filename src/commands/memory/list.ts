import type Anthropic from '@anthropic-ai/sdk';
import type { Audience } from '../../core/memory/store-owner.ts';
import { personKey } from '../../core/message.ts';
import { defineCommand, EXIT, wholeNumber } from '../command.ts';
import { withOperator } from '../operator.ts';
import { nameOf, type OwnedStore, ownedStores } from '../people.ts';
import { eachOf } from '../pool.ts';
import { count, minuteOf, tableOf } from '../text.ts';

/** As one line of `--json`. The last three are absent with --brief. */
interface Line {
  person: string;
  name: string;
  store: string;
  /** `shared`: may be used where others read. Who has both has a line for each. */
  audience: Audience;
  createdAt: string;
  files?: number;
  bytes?: number;
  /** Null while nothing is remembered. */
  changedAt?: string | null;
}

/** People whose files are counted at the same time. */
const AT_ONCE = 8;
const PAGE = 100;

export const memoryList = defineCommand({
  name: 'memory list',
  summary: 'whom the bot remembers, newest first',
  options: {
    platform: { type: 'string', value: 'NAME', help: 'only this platform: slack, discord, terminal' },
    workspace: { type: 'string', value: 'ID', help: 'only this workspace' },
    limit: { type: 'string', value: 'N', help: 'at most this many people (default: all)' },
    brief: { type: 'boolean', help: 'names and stores only: one request per hundred people' },
  },
  details: 'With --json, one object per line. Files are counted as they are read, person by person.',
  run: ({ values, json }, io) =>
    withOperator(io, async ({ client, app }) => {
      const { platform, workspace } = values;
      const limit = wholeNumber('limit', values.limit, Number.POSITIVE_INFINITY);
      const people = new Set<string>();
      let batch: OwnedStore[] = [];
      const flush = async () => {
        const lines = await describe(client, batch, values.brief === true);
        io.stdout.write(json ? lines.map(line => `${JSON.stringify(line)}\n`).join('') : tableOfLines(lines));
        batch = [];
      };
      for await (const owned of ownedStores(client, app, { platform, workspace })) {
        if (io.signal.aborted) break;
        const key = personKey(owned.person);
        if (people.size === limit && !people.has(key)) break;
        people.add(key);
        batch.push(owned);
        if (batch.length === PAGE) await flush();
      }
      await flush();
      if (!json) io.stdout.write(`${count(people.size, 'person', 'people')}\n`);
      return io.signal.aborted ? EXIT.interrupted : EXIT.ok;
    }),
});

async function describe(client: Anthropic, batch: readonly OwnedStore[], brief: boolean): Promise<Line[]> {
  const lines = batch.map(
    ({ person, store, audience }): Line => ({
      person: nameOf(person),
      name: person.name,
      store: store.id,
      audience,
      createdAt: store.created_at,
    }),
  );
  if (brief) return lines;
  await eachOf(lines, AT_ONCE, async line => {
    let files = 0;
    let bytes = 0;
    let changedAt: string | null = null;
    for await (const item of client.beta.memoryStores.memories.list(line.store, { limit: 100 })) {
      if (item.type !== 'memory') continue;
      files += 1;
      bytes += item.content_size_bytes;
      if (changedAt === null || item.updated_at > changedAt) changedAt = item.updated_at;
    }
    Object.assign(line, { files, bytes, changedAt });
  });
  return lines;
}

function tableOfLines(lines: readonly Line[]): string {
  return tableOf(
    ['PERSON', 'NAME', 'FILES', 'BYTES', 'LAST CHANGE', 'STORE'],
    lines.map(line => [
      line.person,
      line.name,
      String(line.files ?? ''),
      String(line.bytes ?? ''),
      line.changedAt === undefined ? '' : minuteOf(line.changedAt),
      line.audience === 'shared' ? `${line.store} (shared)` : line.store,
    ]),
  );
}
