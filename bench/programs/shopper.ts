/** This bot, as `shopper start` runs it: everything durable, with the installations of an earlier day. */

import { createOAuthInstallations } from '../../src/adapters/slack/connection/installations.ts';
import { readConfig } from '../../src/config.ts';
import { openState } from '../../src/core/state/open.ts';
import { createLog } from '../../src/log.ts';
import { run } from '../../src/main.ts';
import { readSetup } from '../contender.ts';
import { serveProgram } from '../program.ts';

const { slack, discord, agentUrl, dataDir, port } = readSetup();
const log = createLog('error');
const config = readConfig({
  SHOPPER_DATA_DIR: dataDir,
  AGENT_FILE: process.env.BENCH_AGENT_FILE,
  ANTHROPIC_API_KEY: 'bench',
  ANTHROPIC_BASE_URL: agentUrl,
  ...(slack === undefined
    ? {}
    : {
        SLACK_API_URL: slack.apiUrl,
        SLACK_SIGNING_SECRET: slack.signingSecret,
        SLACK_CLIENT_ID: slack.clientId,
        SLACK_CLIENT_SECRET: slack.clientSecret,
        SLACK_STATE_SECRET: 'bench',
        SLACK_ENCRYPTION_KEY: process.env.BENCH_ENCRYPTION_KEY,
        PORT: String(port),
      }),
  ...(discord === undefined
    ? {}
    : {
        DISCORD_API_URL: discord.apiUrl,
        DISCORD_TOKEN: discord.token,
        DISCORD_APPLICATION_ID: discord.applicationId,
      }),
});

const install = config.slack?.install;
if (slack !== undefined && install?.type === 'oauth' && process.env.BENCH_INSTALLED === undefined) {
  const state = await openState(config.databaseUrl, config.dataDir);
  const installations = createOAuthInstallations(install, {
    apiUrl: slack.apiUrl,
    state,
    log,
    now: Date.now,
  });
  for (const { team, token, botUserId } of slack.installations) {
    const rest = { orgWide: false, refreshToken: null, expiresAt: null };
    await installations.add?.({ tenant: team, botUser: botUserId, token, ...rest });
  }
  await state.close();
}

const running = await run(config, {}, log);
serveProgram({ stop: () => running.stop() });
