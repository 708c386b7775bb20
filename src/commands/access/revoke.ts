import { createPairing } from '../../core/people/pairing.ts';
import { defineCommand, EXIT, NotFoundError } from '../command.ts';
import { withOperator } from '../operator.ts';
import { nameOf, parsePerson } from '../people.ts';

export const accessRevoke = defineCommand({
  name: 'access revoke',
  args: 'PERSON',
  takes: [1, 1],
  summary: 'withdraw an approval',
  options: {},
  details: 'Takes effect within a minute. What the bot remembers stays: see "memory forget".',
  run: ({ args: [name = ''], json }, io) => {
    const person = parsePerson(name);
    return withOperator(io, async ({ client, app }) => {
      if (!(await createPairing({ client, app }).revoke(person))) {
        throw new NotFoundError(`${nameOf(person)} was neither approved nor waiting.`);
      }
      io.stdout.write(
        json
          ? `${JSON.stringify({ revoked: nameOf(person) })}\n`
          : `${nameOf(person)} may no longer talk with ${app}.\n`,
      );
      return EXIT.ok;
    });
  },
});
