import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { createLog } from '../../src/log.ts';
import { type Running, run } from '../../src/main.ts';
import { asInManifest } from '../adapters/slack/harness.ts';
import { createFakeDiscord, type FakeDiscord } from '../fakes/discord/fake-discord.ts';
import { createFakeSlack, type FakeSlack } from '../fakes/slack/fake-slack.ts';
import { AGENT } from '../helpers/bench.ts';
import { startProgram, temporaryFolder } from '../helpers/cli.ts';

const PATIENCE_MS = 20_000;

/** One process on both platforms at the default level, while people talk to it and Slack is in trouble. */
describe('a process on Slack and Discord', () => {
  let dir: string;
  let slack: FakeSlack;
  let discord: FakeDiscord;
  let running: Running;
  let log = '';
  /** What must never be in it, by what it is. */
  const secrets: Record<string, string> = {
    'a word of a person': 'mohair',
    'a number of a person': '$1234',
    'a word of the memory': 'avoids',
  };

  const get = async (path: string) => {
    const response = await fetch(`${running.healthUrl}${path}`);
    return { status: response.status, text: await response.text() };
  };
  const metric = async (series: string) => {
    const line = (await get('/metrics')).text.split('\n').find(each => each.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  };

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'shopper-process-'));
    slack = await createFakeSlack({ app: asInManifest() });
    discord = await createFakeDiscord({
      rateLimits: false,
      identifyWindowMs: 0,
      privileged: { messageContent: true },
    });
    const workspace = slack.addWorkspace('Acme');
    const { token } = workspace.install();
    await writeFile(join(dir, 'agent.yml'), AGENT);
    const config = readConfig({
      SHOPPER_DATA_DIR: join(dir, 'data'),
      AGENT_FILE: join(dir, 'agent.yml'),
      SLACK_BOT_TOKEN: token,
      SLACK_APP_TOKEN: slack.appToken,
      SLACK_API_URL: slack.apiUrl,
      DISCORD_TOKEN: discord.token,
      DISCORD_APPLICATION_ID: discord.applicationId,
      DISCORD_API_URL: discord.apiUrl,
      HEALTH_PORT: '0',
    });
    const write = (line: string) => {
      log += line;
    };
    running = await run(config, {}, createLog('info', { write }));
    const { key } = JSON.parse(await readFile(join(dir, 'data', 'runtime.json'), 'utf8')) as { key: string };
    Object.assign(secrets, {
      "Slack's bot token": token,
      "Slack's app token": slack.appToken,
      "Discord's token": discord.token,
      "the runtime's key": key,
    });

    slack.fail('chat.postMessage', { type: 'rate_limited', retryAfter: 1 });
    slack.fail('chat.update', { type: 'error', error: 'cant_update_message' });
    const ann = workspace.addUser('ann', { displayName: 'Ann' });
    const asked = ann.dm('My budget is $1234 and I hate mohair');
    const noticed = () =>
      ann.sees(asked.channel, asked.ts).some(({ text }) => text.includes('Memory updated'));
    await slack.until(noticed, "Slack's notice", PATIENCE_MS);

    const ana = discord.world.addUser('Ana');
    const guild = discord.world.addGuild('Shop', { members: [ana.id] });
    const channel = discord.world.addChannel(guild.id, 'general');
    const said = discord
      .as(ana.id)
      .say(channel.id, `<@${discord.botId}> My budget is $1234, and I hate mohair`);
    const told = () =>
      discord.state.channels.has(said.id) &&
      discord.messages(said.id).some(({ content }) => content.includes('updated my memory'));
    await discord.until(told, "Discord's notice");
  }, 60_000);

  afterAll(async () => {
    await running.stop();
    await slack.stop();
    await discord.stop();
    await rm(dir, { recursive: true, force: true });
  });

  it('says nothing in its log of what was said or remembered, and no secret', () => {
    const events = log.split('\n').flatMap(line => (line === '' ? [] : [JSON.parse(line).event as unknown]));
    expect(events).toContain('turn.done');
    expect(events).toContain('slack.rate_limited');
    expect(events).not.toContain(undefined);
    for (const [what, secret] of Object.entries(secrets)) expect(log.includes(secret), what).toBe(false);
  });

  it('counts both platforms, and what Slack made it wait', async () => {
    for (const platform of ['slack', 'discord']) {
      // A turn is over a moment after its notice is shown.
      await expect
        .poll(() => metric(`shopper_turns_total{platform="${platform}",ending="answered"}`))
        .toBe(1);
      expect(await metric(`shopper_turn_stage_seconds_count{platform="${platform}",stage="visible"}`)).toBe(
        1,
      );
    }
    const waits = 'by="platform"}';
    expect(await metric(`shopper_rate_limit_waits_total{platform="slack",${waits}`)).toBe(1);
    expect(await metric(`shopper_rate_limit_wait_seconds_total{platform="slack",${waits}`)).toBe(1);
  });

  it('is ready once both platforms are connected, and not while one is lost', async () => {
    expect(await get('/readyz')).toEqual({ status: 200, text: '{"status":"ready"}' });
    for (const check of ['state', 'agent_service', 'slack', 'discord', 'process']) {
      expect(await metric(`shopper_ready{check="${check}"}`), check).toBe(1);
    }
    slack.fail('apps.connections.open', { type: 'http', status: 500 }, { times: 1_000 });
    slack.socket.cut();
    await expect
      .poll(() => get('/readyz'), { timeout: PATIENCE_MS })
      .toEqual({ status: 503, text: '{"status":"not ready","not_ready":{"slack":"not connected"}}' });
    slack.clearFaults();
    await expect.poll(async () => (await get('/readyz')).status, { timeout: PATIENCE_MS }).toBe(200);
  });
});

it('listens from the command line when it is told to, says where, and lets go when it is told to go', async () => {
  const folder = await temporaryFolder();
  const env = { SHOPPER_DATA_DIR: folder.path, HEALTH_PORT: '0', LOG_LEVEL: 'info' };
  const program = startProgram('src/cli.ts', ['start'], env);
  const [, url] = await program.says(/"url":"(http:[^"]+)"/);
  await program.says(/runtime\.request/);
  await expect.poll(async () => (await fetch(`${url}/readyz`)).status, { timeout: PATIENCE_MS }).toBe(200);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  program.child.kill('SIGTERM');
  expect((await program.finished).code).toBe(0);
  await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  await folder.remove();
});
