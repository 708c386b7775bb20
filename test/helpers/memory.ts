import type { Audience } from '../../src/core/memory/store-owner.ts';
import type { CommandAction, Conversation, Person } from '../../src/core/message.ts';
import type { PreferencesView } from '../../src/core/views.ts';
import type { Model } from '../../src/runtime/ports.ts';
import { type Bench, collect, SHOPPER } from './bench.ts';
import { createScriptedModel, lastResults, lastWords, type ScriptedReply } from './scripted-model.ts';

/** What a person does with their memory in a test, and what then stands in it. */
export function memoryOf(bench: Bench, user = 'ann') {
  const conversation = () => bench.adapter.conversation({ user });
  const person = (): Person => conversation().person;
  const { memoryStores } = bench.client.beta;

  /** The newest of its kind; `shared`: what may be used where others read. */
  async function storeId(audience: Audience = 'private'): Promise<string> {
    for (const store of await collect(memoryStores.list())) {
      if (store.metadata.person === user && (store.metadata.audience ?? 'private') === audience)
        return store.id;
    }
    throw new Error(`${user} has no ${audience} store`);
  }

  return {
    person,
    conversation,
    storeId,
    async run<T extends PreferencesView['type']>(
      type: T,
      action: CommandAction,
      where?: Conversation,
    ): Promise<Extract<PreferencesView, { type: T }>> {
      const command = { person: person(), action, ...(where === undefined ? {} : { conversation: where }) };
      const view = await bench.adapter.bot().command(command);
      if (view.type !== type) throw new Error(`a view ${type} was expected, not ${JSON.stringify(view)}`);
      return view as Extract<PreferencesView, { type: T }>;
    },
    async files(audience: Audience = 'private'): Promise<Record<string, string>> {
      const items = await collect(memoryStores.memories.list(await storeId(audience), { view: 'full' }));
      return Object.fromEntries(
        items.flatMap(item => (item.type === 'memory' ? [[item.path, item.content ?? '']] : [])),
      );
    },
    async idOf(path: string, audience: Audience = 'private'): Promise<string> {
      const items = await collect(memoryStores.memories.list(await storeId(audience)));
      for (const item of items) if (item.type === 'memory' && item.path === path) return item.id;
      throw new Error(`nothing at ${path}`);
    },
    /** Every version with its text, oldest first. */
    async versions() {
      const list = await collect(
        memoryStores.memoryVersions.list(await storeId(), { view: 'full', limit: 20 }),
      );
      return list.reverse();
    },
    /** Behind the bot's back, as an operator would. */
    async operate(path: string, content: string): Promise<void> {
      const id = await this.idOf(path).catch(() => null);
      if (id === null) await memoryStores.memories.create(await storeId(), { path, content });
      else await memoryStores.memories.update(id, { memory_store_id: await storeId(), content });
    },
  };
}

/** What the first turn changes in memory cannot be looked at before it is answered, so it is left to be looked at later. */
export function leaveTurnsForLater({ proxy, adapter }: Bench): void {
  proxy.plan(({ path }) =>
    path.endsWith('/memory_versions') && adapter.replies[0]?.closed !== true
      ? { type: 'status', status: 503, headers: { 'retry-after-ms': '1' } }
      : undefined,
  );
}

/**
 * A model that does with its memory folder what the message says, line by line: "write sizes.md <json string>",
 * "read sizes.md", "grep word", "sh mv $M/a.md $M/b.md".
 */
export function obedientModel(): Model & ReturnType<typeof createScriptedModel> {
  return createScriptedModel(request => {
    const mount = /Folder: (\S+) \((?:you can|read-only)/.exec(request.system)?.[1] ?? '/mnt/memory/none';
    if (lastResults(request).length > 0) return { text: ['Done.'] };
    const uses = lastWords(request)
      .split('\n')
      .flatMap(line => useOf(line, mount));
    return uses.length === 0 ? { text: ['Hello.'] } : { uses };
  });
}

function useOf(line: string, mount: string): NonNullable<ScriptedReply['uses']> {
  const [verb, file = '', ...rest] = line.split(' ');
  const file_path = `${mount}/${file}`;
  switch (verb) {
    case 'write':
      return [{ name: 'write', input: { file_path, content: JSON.parse(rest.join(' ')) } }];
    case 'read':
      return [{ name: 'read', input: { file_path } }];
    case 'grep':
      return [{ name: 'grep', input: { pattern: file, path: mount } }];
    case 'sh':
      return [{ name: 'bash', input: { command: [file, ...rest].join(' ').replaceAll('$M', mount) } }];
    default:
      return [];
  }
}

/** An agent that may use a shell as well. */
export const SHELL_AGENT = `${SHOPPER}tools: {bash: allow}\n`;

export function write(path: string, content: string): string {
  return `write ${path} ${JSON.stringify(content)}`;
}
