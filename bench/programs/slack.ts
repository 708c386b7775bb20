/** The fake Slack and the people in it, each talking with the bot in a DM. */

import { createFakeSlack } from '../../test/fakes/slack/fake-slack.ts';
import type { JournalEntry } from '../../test/fakes/slack/journal.ts';
import type { PlatformSetup, Work, WorkResult } from '../contender.ts';
import { createPeople } from '../people.ts';
import { serveProgram } from '../program.ts';

const SCOPES = [
  'app_mentions:read',
  'assistant:write',
  'channels:history',
  'chat:write',
  'commands',
  'files:read',
  'groups:history',
  'im:history',
  'im:write',
  'mpim:history',
  'users:read',
];
const EVENTS = [
  'agent_session_stopped',
  'app_context_changed',
  'app_home_opened',
  'app_mention',
  'message.channels',
  'message.groups',
  'message.im',
  'message.mpim',
];

const people = createPeople();
const slack = await createFakeSlack({ app: { scopes: SCOPES, events: EVENTS }, journal: 10, onCall: seen });

function seen({ method, args }: JournalEntry): void {
  const speaks = method.startsWith('chat.');
  people.seen({
    channel: String(args.channel ?? args.channel_id ?? ''),
    name: method,
    isSign: method === 'assistant.threads.setStatus' ? args.status !== '' : speaks,
    text: speaks ? JSON.stringify(args) : '',
  });
}

serveProgram({
  /** Workspaces with people; each has the app. */
  setUp(workspaces: number, count: number): PlatformSetup {
    const installed = Array.from({ length: workspaces }, (_, index) => {
      const workspace = slack.addWorkspace(`Workspace ${index}`);
      const { token, botUserId, botId } = workspace.install();
      return { workspace, team: workspace.id, token, botUserId, botId };
    });
    for (let person = 0; person < count; person += 1) {
      const user = installed[person % workspaces]?.workspace.addUser(`person-${person}`);
      if (user === undefined) continue;
      let thread: string | undefined;
      people.add({
        channel: () => user.dmChannel,
        write(text, again) {
          const posted = user.dm(text, again && thread !== undefined ? { threadTs: thread } : {});
          thread = posted.threadTs ?? posted.ts;
        },
      });
    }
    return {
      slack: {
        apiUrl: slack.apiUrl,
        signingSecret: slack.app.signingSecret,
        clientId: slack.app.clientId,
        clientSecret: slack.app.clientSecret,
        installations: installed.map(({ team, token, botUserId, botId }) => ({
          team,
          token,
          botUserId,
          botId,
        })),
      },
    };
  },
  deliverTo: async (port: number) => void (await slack.useHttp(`http://127.0.0.1:${port}/slack/events`)),
  work: async (work: Work): Promise<WorkResult> => ({
    ...(await people.work(work)),
    limited: slack.rates.limited(),
  }),
});
