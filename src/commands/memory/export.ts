import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type Anthropic from '@anthropic-ai/sdk';
import { SetupError } from '../../core/errors.ts';
import type { Audience } from '../../core/memory/store-owner.ts';
import { personKey } from '../../core/message.ts';
import { titleOfPath } from '../../core/views.ts';
import { makeFolder } from '../../folders.ts';
import { defineCommand, EXIT, type Io, UsageError } from '../command.ts';
import { type Operator, withOperator } from '../operator.ts';
import {
  nameOf,
  type OwnedStore,
  ownedStores,
  type PeopleFilter,
  parsePerson,
  usedStoresOf,
} from '../people.ts';
import { eachOf } from '../pool.ts';
import { createProgress } from '../progress.ts';
import { count, printableLine } from '../text.ts';
import { type Author, authorText, readFiles, readVersions, type ShownVersion } from './content.ts';

/** One person's memory, whole; as `/preferences export` has it, with ids where that has words. */
export interface Exported {
  format: 'shopper-memory-export';
  version: 1;
  exportedAt: string;
  person: { platform: string; workspace: string; id: string; name: string };
  /** `audience`: `shared` is what may be used where others read. */
  store: { id: string; createdAt: string; audience: Audience };
  /** As they stand, by path. */
  memories: {
    id: string;
    path: string;
    title: string;
    updatedAt: string;
    sha256: string;
    content: string;
  }[];
  /** Every change the API still has, oldest first, each with what it wrote. */
  history: {
    versionId: string;
    memoryId: string;
    at: string;
    by: Author;
    operation: ShownVersion['operation'];
    path: string | null;
    content: string | null;
  }[];
}

const FORMATS = ['json', 'markdown'] as const;
const AT_ONCE = 4;

export const memoryExport = defineCommand({
  name: 'memory export',
  args: 'PERSON | --all',
  takes: [0, 1],
  summary: 'everything the bot remembers about one person or everyone, with its history',
  options: {
    all: { type: 'boolean', help: 'everyone' },
    platform: { type: 'string', value: 'NAME', help: 'with --all: only this platform' },
    workspace: { type: 'string', value: 'ID', help: 'with --all: only this workspace' },
    out: {
      type: 'string',
      short: 'o',
      value: 'DIR',
      help: 'one .json and one .md per person, in this folder',
    },
    format: { type: 'string', value: 'FORMAT', help: 'json (default) or markdown, on standard output' },
  },
  details:
    'On standard output, JSON is one object per line. Files in a folder are readable only by you; existing ones are replaced.',
  run: ({ values, args: [name], json }, io) => {
    if ((name === undefined) === (values.all !== true))
      throw new UsageError('Name one person, or use --all.');
    const who = name === undefined ? undefined : parsePerson(name);
    const format = FORMATS.find(known => known === (values.format ?? 'json'));
    if (format === undefined) throw new UsageError('--format must be json or markdown.');
    return withOperator(io, async operator => {
      const stores = await chosen(operator, who, { platform: values.platform, workspace: values.workspace });
      const { out } = values;
      if (out !== undefined) return toFolder(operator.client, stores, out, json, io);
      for (const owned of stores) {
        if (io.signal.aborted) return EXIT.interrupted;
        const exported = await exportOf(operator.client, owned);
        io.stdout.write(format === 'json' ? `${JSON.stringify(exported)}\n` : `${markdownOf(exported)}\n`);
      }
      return EXIT.ok;
    });
  },
});

async function chosen(
  operator: Operator,
  who: ReturnType<typeof parsePerson> | undefined,
  filter: PeopleFilter,
): Promise<OwnedStore[]> {
  if (who !== undefined) return usedStoresOf(operator, who);
  const all: OwnedStore[] = [];
  for await (const owned of ownedStores(operator.client, operator.app, filter)) all.push(owned);
  return all;
}

async function toFolder(
  client: Anthropic,
  stores: readonly OwnedStore[],
  folder: string,
  json: boolean,
  io: Io,
): Promise<number> {
  const write = await writerFor(folder);
  const progress = createProgress(io.stderr, 'Exporting', stores.length);
  const people = new Set<string>();
  const work = async (owned: OwnedStore) => {
    const exported = await exportOf(client, owned);
    await write(exported);
    people.add(personKey(owned.person));
    progress.tick();
  };
  try {
    await eachOf(stores, AT_ONCE, work, io.signal);
  } finally {
    progress.end();
  }
  io.stdout.write(
    json
      ? `${JSON.stringify({ people: people.size, folder })}\n`
      : `Exported ${count(people.size, 'person', 'people')} to ${folder}\n`,
  );
  return io.signal.aborted ? EXIT.interrupted : EXIT.ok;
}

/** Writes a person's two files. Names are made from ids, and told apart where a file system would not. */
async function writerFor(folder: string): Promise<(exported: Exported) => Promise<void>> {
  const refuse = (cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SetupError(
      `Cannot write to the folder ${folder} (${reason}). Name one that you may write to: --out DIR`,
      { cause },
    );
  };
  await makeFolder(folder, 0o700).catch(refuse);
  const taken = new Set<string>();
  return async exported => {
    const { platform, workspace, id } = exported.person;
    const base = [platform, workspace, id].map(part => part.replace(/[^A-Za-z0-9-]/g, '-')).join('_');
    let name = base;
    for (let n = 2; taken.has(name.toLowerCase()); n += 1) name = `${base}_${n}`;
    taken.add(name.toLowerCase());
    const json = `${JSON.stringify(exported, null, 2)}\n`;
    await writePrivately(join(folder, `${name}.json`), json).catch(refuse);
    await writePrivately(join(folder, `${name}.md`), markdownOf(exported)).catch(refuse);
  };
}

async function writePrivately(path: string, content: string): Promise<void> {
  await writeFile(path, content, { mode: 0o600 });
  // An existing file keeps its mode when it is written.
  await chmod(path, 0o600);
}

async function exportOf(client: Anthropic, { person, store, audience }: OwnedStore): Promise<Exported> {
  const history: Exported['history'] = [];
  for await (const version of readVersions(client, store.id, { content: true })) {
    const { id, memory, at, by, operation, path, content = null } = version;
    history.unshift({ versionId: id, memoryId: memory, at, by, operation, path, content });
  }
  const files = await readFiles(client, store.id);
  const { platform, workspace, id, name } = person;
  return {
    format: 'shopper-memory-export',
    version: 1,
    exportedAt: new Date().toISOString(),
    person: { platform, workspace, id, name },
    store: { id: store.id, createdAt: store.created_at, audience },
    memories: files.map(file => ({
      id: file.id,
      path: file.path,
      title: titleOfPath(file.path),
      updatedAt: file.changedAt,
      sha256: file.sha256,
      content: file.content,
    })),
    history,
  };
}

function markdownOf(exported: Exported): string {
  const { person, memories, history, store } = exported;
  return [
    `# Memory of ${printableLine(person.name)} (${nameOf(person)})`,
    '',
    `Store ${store.id}${store.audience === 'shared' ? ' (may be used where others can read)' : ''}, exported ${exported.exportedAt}.`,
    ...memories.flatMap(memory => ['', `## ${memory.path}`, '', fenced(memory.content)]),
    '',
    '## History',
    '',
    ...history.flatMap(change => [
      `### ${change.at} · ${change.operation} ${change.path ?? '(redacted)'} · ${authorText(change.by)}`,
      '',
      ...(change.content === null ? [] : [fenced(change.content), '']),
    ]),
  ].join('\n');
}

/** Stored text as a block that nothing in it can close. */
function fenced(content: string): string {
  const longest = Math.max(2, ...[...content.matchAll(/`+/g)].map(run => run[0].length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}markdown\n${content.replace(/\n$/, '')}\n${fence}`;
}
