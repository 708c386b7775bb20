import { defineCommand, EXIT, momentOf, UsageError } from '../command.ts';
import { type Operator, withOperator } from '../operator.ts';
import { groupOf, nameOf, type OwnedStore, ownedStores, parsePerson, usedStoresOf } from '../people.ts';
import { eachOf } from '../pool.ts';
import { count, indented, minuteOf, printableLine, tableOf } from '../text.ts';
import { authorText, readVersions, type ShownVersion, type VersionFilter } from './content.ts';

const AT_ONCE = 8;
const ACTORS = ['agent', 'key', 'user', 'service-account'] as const;

type Entry = { person: string; store: string } & ShownVersion;

export const memoryAudit = defineCommand({
  name: 'memory audit',
  args: '[PERSON]',
  takes: [0, 1],
  summary: 'who changed what and when, newest first, for one person or everyone',
  options: {
    since: { type: 'string', value: 'WHEN', help: 'a date, a time, or a span back: 2026-03-14, 12h, 7d' },
    actor: {
      type: 'string',
      value: 'WHO',
      help: 'agent, key, user or service-account; or an id: sesn_…, apikey_…, svac_…',
    },
    platform: { type: 'string', value: 'NAME', help: 'only people of this platform' },
    workspace: { type: 'string', value: 'ID', help: 'only people of this workspace' },
    content: { type: 'boolean', help: 'show what each change wrote' },
  },
  details: [
    'The agent acts through sessions; the bot (for /preferences) and these commands act through their API key.',
    'With --json, one object per line. The API keeps versions for at least 30 days.',
  ].join('\n'),
  run: ({ values, args: [name], json }, io) => {
    const who = name === undefined ? undefined : parsePerson(name);
    const filter = filterOf(values.actor, values.content === true);
    if (values.since !== undefined) filter.since = momentOf('since', values.since);
    const { platform, workspace } = values;
    return withOperator(io, async operator => {
      const entries: Entry[] = [];
      const stores =
        who === undefined
          ? ownedStores(operator.client, operator.app, { platform, workspace })
          : await both(operator, who);
      const work = async ({ person, store }: OwnedStore) => {
        for await (const version of readVersions(operator.client, store.id, filter)) {
          if (filter.type !== undefined && version.by.type !== filter.type) continue;
          entries.push({ person: nameOf(person), store: store.id, ...version });
        }
      };
      await eachOf(stores, AT_ONCE, work, io.signal);
      entries.sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
      if (json) for (const entry of entries) io.stdout.write(`${JSON.stringify(entry)}\n`);
      else if (values.content === true) for (const entry of entries) io.stdout.write(paragraphOf(entry));
      else io.stdout.write(tableOf(['WHEN', 'PERSON', 'CHANGE', 'FILE', 'BY'], entries.map(rowOf)));
      if (!json) io.stdout.write(`${count(entries.length, 'change')}\n`);
      return io.signal.aborted ? EXIT.interrupted : EXIT.ok;
    });
  },
});

async function both(operator: Operator, who: ReturnType<typeof parsePerson>): Promise<OwnedStore[]> {
  const { stores } = await groupOf(operator, who, { archived: true });
  return stores.length > 0 ? stores : usedStoresOf(operator, who);
}

function filterOf(
  actor: string | undefined,
  content: boolean,
): VersionFilter & { type?: (typeof ACTORS)[number] } {
  if (actor === undefined) return { content };
  const type = ACTORS.find(known => known === actor);
  if (type !== undefined) return { content, type };
  if (actor.startsWith('sesn_')) return { content, session: actor };
  if (actor.startsWith('apikey_')) return { content, key: actor };
  if (actor.startsWith('svac_')) return { content, serviceAccount: actor };
  throw new UsageError(`--actor must be ${ACTORS.join(', ')}, or an id (sesn_…, apikey_…, svac_…).`);
}

function rowOf(entry: Entry): string[] {
  return [minuteOf(entry.at), entry.person, entry.operation, fileOf(entry), authorText(entry.by)];
}

function paragraphOf(entry: Entry): string {
  const text = indented(entry.content ?? '');
  return `${printableLine(rowOf(entry).join(' · '))}\n${text === '' ? '' : `${text}\n`}\n`;
}

function fileOf(entry: Entry): string {
  return entry.path ?? (entry.redactedAt === null ? '–' : '(redacted)');
}
