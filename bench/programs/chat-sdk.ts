/** Chat SDK as its documentation has it: signed HTTP events, state in memory, an async iterable posted. */

import { createSlackAdapter } from '@chat-adapter/slack';
import { createMemoryState } from '@chat-adapter/state-memory';
import { serve } from '@hono/node-server';
import { Chat, ConsoleLogger } from 'chat';
import { plainTokens, readSetup, slackOf } from '../contender.ts';
import { serveProgram } from '../program.ts';

const setup = readSetup();
const { agentUrl, port } = setup;
const slack = slackOf(setup);

const logger = new ConsoleLogger('error');
const adapter = createSlackAdapter({
  logger,
  signingSecret: slack.signingSecret,
  clientId: slack.clientId,
  clientSecret: slack.clientSecret,
  apiUrl: slack.apiUrl,
});
const bot = new Chat({
  userName: 'shopper',
  adapters: { slack: adapter },
  state: createMemoryState(),
  logger,
});

bot.onDirectMessage(async (thread, message) => {
  await thread.startTyping('Thinking...');
  await thread.post(plainTokens(agentUrl, message.text));
});

await bot.initialize();
for (const { team, token, botUserId } of slack.installations) {
  await adapter.setInstallation(team, { botToken: token, botUserId });
}

const running = new Set<Promise<unknown>>();
await new Promise<void>(resolve => {
  serve(
    {
      port,
      hostname: '127.0.0.1',
      fetch: request =>
        bot.webhooks.slack(request, {
          waitUntil(task) {
            running.add(task);
            task.finally(() => running.delete(task)).catch(() => {});
          },
        }),
    },
    () => resolve(),
  );
});
serveProgram({});
