/** The floor: Bolt, nothing kept, nothing checked. It shows words as it gets them, at the pace that Slack allows. */

import { App, LogLevel } from '@slack/bolt';
import { plainTokens, readSetup, slackOf } from '../contender.ts';
import { serveProgram } from '../program.ts';

const setup = readSetup();
const { agentUrl, port } = setup;
const slack = slackOf(setup);
const tokens = new Map(slack.installations.map(installation => [installation.team, installation]));
/** Appending is allowed about as often as this. */
const APPEND_EVERY_MS = 1_000;

const app = new App({
  signingSecret: slack.signingSecret,
  endpoints: '/slack/events',
  authorize: async ({ teamId }) => {
    const found = tokens.get(teamId ?? '');
    if (found === undefined) throw new Error('not installed');
    return { botToken: found.token, botId: found.botId, botUserId: found.botUserId };
  },
  clientOptions: { slackApiUrl: slack.apiUrl },
  logLevel: LogLevel.ERROR,
});

app.message(async ({ message, client }) => {
  if (message.subtype !== undefined || message.text === undefined) return;
  const { channel } = message;
  const thread = message.thread_ts ?? message.ts;
  void client.assistant.threads.setStatus({ channel_id: channel, thread_ts: thread, status: 'is thinking…' });
  let ts: string | undefined;
  let waiting = '';
  let appendedAt = 0;
  for await (const token of plainTokens(agentUrl, message.text)) {
    waiting += token;
    if (ts === undefined) {
      ({ ts } = await client.chat.startStream({ channel, thread_ts: thread, markdown_text: waiting }));
    } else if (performance.now() - appendedAt >= APPEND_EVERY_MS) {
      await client.chat.appendStream({ channel, ts, markdown_text: waiting });
    } else continue;
    appendedAt = performance.now();
    waiting = '';
  }
  if (ts !== undefined) {
    await client.chat.stopStream({ channel, ts, ...(waiting === '' ? {} : { markdown_text: waiting }) });
  }
});

await app.start(port);
serveProgram({});
