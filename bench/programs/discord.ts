/** The fake Discord and the people in it, each talking with the bot in a DM. */

import { createFakeDiscord } from '../../test/fakes/discord/fake-discord.ts';
import type { RestEntry } from '../../test/fakes/discord/journal.ts';
import type { PlatformSetup, Work, WorkResult } from '../contender.ts';
import { createPeople } from '../people.ts';
import { serveProgram } from '../program.ts';

const people = createPeople();
const discord = await createFakeDiscord({
  rateLimits: false,
  identifyWindowMs: 0,
  privileged: { messageContent: true },
  journalLimit: 100,
  onCall: seen,
});

function seen({ method, path, body }: RestEntry): void {
  const [, channel = '', kind = ''] = /^\/channels\/(\d+)\/(messages|typing)/.exec(path) ?? [];
  const speaks = kind === 'messages' && (method === 'POST' || method === 'PATCH');
  const isSign = speaks || (kind === 'typing' && method === 'POST');
  people.seen({ channel, name: `${method} ${kind}`, isSign, text: speaks ? JSON.stringify(body) : '' });
}

serveProgram({
  setUp(_servers: number, count: number): PlatformSetup {
    const users = Array.from({ length: count }, (_, person) => discord.world.addUser(`person-${person}`));
    // A bot may write only to those it shares a server with.
    discord.world.addGuild('Shop', { members: users.map(({ id }) => id) });
    for (const { id } of users) {
      const user = discord.as(id);
      people.add({ channel: () => user.dmChannel().id, write: text => void user.dm(text) });
    }
    return {
      discord: { apiUrl: discord.apiUrl, token: discord.token, applicationId: discord.applicationId },
    };
  },
  deliverTo: () => {},
  work: async (work: Work): Promise<WorkResult> => ({ ...(await people.work(work)), limited: 0 }),
});
