import { defineCommand, EXIT, NotFoundError } from '../command.ts';
import { type Operator, withOperator } from '../operator.ts';
import { nameOf, type OwnedStore, parsePerson, usedStoresOf } from '../people.ts';
import { count, indented, minuteOf, printable, printableLine } from '../text.ts';
import { readFiles } from './content.ts';

export const memoryShow = defineCommand({
  name: 'memory show',
  args: 'PERSON',
  takes: [1, 1],
  summary: 'what the bot remembers about one person',
  options: {
    path: { type: 'string', value: 'PATH', help: 'only this file, as it is stored' },
  },
  details: 'PERSON is platform:workspace:id, for example slack:T1:U1 or terminal:local:ann.',
  run: ({ values, args: [name = ''], json }, io) => {
    const wanted = parsePerson(name);
    return withOperator(io, async operator => {
      const stores = await usedStoresOf(operator, wanted);
      const [{ person, store }] = stores;
      const all = (await Promise.all(stores.map(owned => filesIn(operator, owned)))).flat();
      const { path } = values;
      const files = path === undefined ? all : all.filter(file => file.path === path);
      if (path !== undefined && files.length === 0) {
        throw new NotFoundError(`${nameOf(person)} has no file ${path}.`);
      }
      if (json) {
        io.stdout.write(
          `${JSON.stringify({ person: nameOf(person), name: person.name, store: store.id, files })}\n`,
        );
      } else if (path !== undefined) {
        const content = files[0]?.content ?? '';
        io.stdout.write(io.stdout.isTTY === true ? printable(content) : content);
      } else {
        const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
        const head = [
          nameOf(person),
          printableLine(person.name),
          store.id,
          count(files.length, 'file'),
          count(bytes, 'byte'),
        ];
        io.stdout.write(`${head.join(' · ')}\n`);
        for (const file of files) {
          const where = file.audience === 'shared' ? ' · may be used where others can read' : '';
          const head = `${printableLine(file.path)} · ${minuteOf(file.changedAt)}${where}`;
          io.stdout.write(`
${head}
${indented(file.content)}
`);
        }
      }
      return EXIT.ok;
    });
  },
});

async function filesIn({ client }: Operator, { store, audience }: OwnedStore) {
  return (await readFiles(client, store.id)).map(file => ({ ...file, audience }));
}
