import { userInfo } from 'node:os';
import { createPairing } from '../../core/people/pairing.ts';
import { defineCommand, EXIT, NotFoundError } from '../command.ts';
import { withOperator } from '../operator.ts';
import { nameOf, parsePerson } from '../people.ts';
import { printableLine } from '../text.ts';

export const accessApprove = defineCommand({
  name: 'access approve',
  args: 'CODE | PERSON',
  takes: [1, 1],
  summary: 'let a new person in, by the code they were given or by name',
  options: {},
  details: 'Takes effect with their next message. PERSON is platform:workspace:id, for example slack:T1:U1.',
  run: ({ args: [given = ''], json }, io) => {
    const named = given.includes(':') ? parsePerson(given) : null;
    return withOperator(io, async ({ client, app }) => {
      const pairing = createPairing({ client, app });
      const by = userInfo().username;
      if (named !== null) await pairing.approvePerson(named, by);
      const person = named ?? (await pairing.approve(given, by));
      if (person === null) {
        throw new NotFoundError(
          'Nobody is waiting with this code. Codes are valid for a day; whoever writes to the bot again gets a new one.',
        );
      }
      io.stdout.write(
        json
          ? `${JSON.stringify({ approved: nameOf(person), name: person.name })}\n`
          : `${nameOf(person)} (${printableLine(person.name)}) may now talk with ${app}.\n`,
      );
      return EXIT.ok;
    });
  },
});
