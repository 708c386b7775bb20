import { createPairing } from '../../core/people/pairing.ts';
import { defineCommand, EXIT } from '../command.ts';
import { withOperator } from '../operator.ts';
import { nameOf } from '../people.ts';
import { minuteOf, tableOf } from '../text.ts';

export const accessList = defineCommand({
  name: 'access list',
  summary: 'who is waiting to be let in, and who has been',
  options: {
    waiting: { type: 'boolean', help: 'only who is waiting' },
  },
  details:
    'With --json, one object per line. People on a list in agent.yml need no approval and are not shown.',
  run: ({ values, json }, io) =>
    withOperator(io, async ({ client, app }) => {
      const pairing = createPairing({ client, app });
      const waiting = await pairing.waiting();
      const approved = values.waiting === true ? [] : await pairing.approved();
      if (json) {
        const lines = [
          ...waiting.map(({ code, person, until }) => ({ state: 'waiting', ...shown(person), code, until })),
          ...approved.map(({ person, at, by }) => ({ state: 'approved', ...shown(person), at, by })),
        ];
        for (const line of lines) io.stdout.write(`${JSON.stringify(line)}\n`);
        return EXIT.ok;
      }
      io.stdout.write(
        tableOf(
          ['WAITING', 'NAME', 'CODE', 'VALID UNTIL'],
          waiting.map(({ code, person, until }) => [nameOf(person), person.name, code, minuteOf(until)]),
        ),
      );
      if (waiting.length > 0 && approved.length > 0) io.stdout.write('\n');
      io.stdout.write(
        tableOf(
          ['APPROVED', 'NAME', 'SINCE', 'BY'],
          approved.map(({ person, at, by }) => [nameOf(person), person.name, minuteOf(at), by]),
        ),
      );
      if (waiting.length + approved.length === 0)
        io.stdout.write('Nobody is waiting, and nobody has been approved.\n');
      return EXIT.ok;
    }),
});

function shown(person: Parameters<typeof nameOf>[0] & { name: string }): { person: string; name: string } {
  return { person: nameOf(person), name: person.name };
}
