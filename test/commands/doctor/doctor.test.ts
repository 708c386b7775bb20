import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SCOPES } from '../../../src/adapters/slack/connection/scopes.ts';
import { runCommand } from '../../../src/commands/table.ts';
import { asInManifest } from '../../adapters/slack/harness.ts';
import { createFakeSlack, type FakeSlack } from '../../fakes/slack/fake-slack.ts';
import { openShop, type Shop } from '../../helpers/commands.ts';
import { diagnose } from './running.ts';

let shop: Shop;
let slack: FakeSlack;
let env: Record<string, string>;
beforeEach(async () => {
  shop = await openShop();
  slack = await createFakeSlack({ app: asInManifest() });
  const { token } = slack.addWorkspace('Acme').install();
  env = {
    ...shop.env,
    SLACK_API_URL: slack.apiUrl,
    SLACK_BOT_TOKEN: token,
    SLACK_APP_TOKEN: slack.appToken,
    SLACK_CONFIG_TOKEN: slack.configToken,
  };
});
afterEach(async () => {
  await slack.stop();
  await shop.stop();
});

describe('the report', () => {
  it('in a pipe is plain text, a line for each thing and what to do below it', async () => {
    const good = await shop.run(['doctor'], { env });
    expect(good).toMatchObject({ code: 0, stderr: '' });
    expect(good.stdout).toMatch(
      /^Settings\n {2}✓ Node \d+\.\d+\.\d+\n {2}✓ Settings: Slack in Socket Mode\n/,
    );
    expect(good.stdout).toMatch(/\nSlack\n {2}✓ Slack accepts SLACK_BOT_TOKEN: shopper in Acme/);
    expect(good.stdout).toMatch(/\nAll \d+ checks passed\.\n$/);
    expect(good.stdout).not.toContain('\u001b');
    slack.fail('auth.test', { type: 'error', error: 'invalid_auth' });
    const bad = await shop.run(['doctor'], { env });
    expect(bad.code).toBe(1);
    expect(bad.stdout).toMatch(
      /\nSlack\n {2}✗ Slack refuses SLACK_BOT_TOKEN \(invalid_auth\)\n {4}Copy the Bot User OAuth Token again.*\n {4}\(slack\.token_refused\)\n/,
    );
    expect(bad.stdout).toMatch(/\n1 problem; \d+ fine\. docs\/troubleshooting\.md says more about them\.\n$/);
  });

  it('says once how to mend what is mended in the same way', async () => {
    const { token } = slack.addWorkspace('Other').install({ scopes: ['chat:write', 'im:history'] });
    const { stdout } = await shop.run(['doctor'], { env: { ...env, SLACK_BOT_TOKEN: token } });
    const missing = stdout.split('\n').filter(line => line.includes('✗ The scope'));
    expect(missing).toHaveLength(SCOPES.length - 2);
    expect(stdout.match(/Bot Token Scopes: add it/g)).toHaveLength(1);
    expect(stdout.match(/slack\.scope_missing/g)).toHaveLength(1);
  });

  it('on a terminal has colours and keeps to its width', async () => {
    slack.fail('auth.test', { type: 'error', error: 'invalid_auth' });
    let shown = '';
    await runCommand(['doctor'], {
      env,
      stdout: {
        isTTY: true,
        columns: 60,
        write(text: string) {
          shown += text;
        },
      },
      stderr: { write: () => {} },
      signal: new AbortController().signal,
    });
    expect(shown).toContain('\u001b[31m✗\u001b[0m Slack refuses');
    expect(shown).toContain('\u001b[32m✓\u001b[0m Node');
    const lines = shown.replaceAll(/\u001b\[\d+m/g, '').split('\n');
    expect(
      Math.max(...lines.filter(line => line.startsWith('  ')).map(line => line.length)),
    ).toBeLessThanOrEqual(60);
  });

  it('names of other people’s making cannot reach the terminal', async () => {
    const { token } = slack.addWorkspace('A\u001b[2Jcme\nInc').install();
    const it = await shop.run(['doctor'], { env: { ...env, SLACK_BOT_TOKEN: token } });
    expect(it.stdout).not.toContain('\u001b');
    expect(it.stdout).toMatch(/shopper in A\[2Jcme Inc/);
  });
});

describe('a server that does not answer', () => {
  it('is given up on after the time-out, with a sentence for each', async () => {
    const sockets = new Set<Socket>();
    const silent: Server = createServer(socket => {
      sockets.add(socket.on('error', () => {}));
    });
    await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve));
    const host = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const everywhere = {
      ...env,
      SLACK_API_URL: `http://${host}/api/`,
      DISCORD_API_URL: `http://${host}/api`,
      DISCORD_TOKEN: 'a-token',
      DISCORD_APPLICATION_ID: '123456789012345678',
      ANTHROPIC_BASE_URL: `http://${host}`,
      REDIS_URL: `redis://${host}`,
    };
    for (const scheme of ['postgres', 'redis']) {
      const it = await diagnose(
        { ...everywhere, DATABASE_URL: `${scheme}://u:p@${host}/db` },
        { args: ['--timeout', '1'] },
      );
      expect(it.code).toBe(1);
      expect(it.found).toEqual([
        'slack.unreachable',
        'discord.unreachable',
        'agent.unreachable',
        'state.unreachable',
        'queue.unreachable',
      ]);
      for (const code of it.found) expect(it.of(code).text).toMatch(/did not answer within 1 s$/);
    }
    for (const socket of sockets) socket.destroy();
    await new Promise(resolve => silent.close(resolve));
  });
});

describe('the clock', () => {
  it.each([
    [90_000, 'warning', /\d\d s behind the agent service/],
    [3600_000, 'problem', /60 min behind/],
  ])('that is %i ms off is a %s', async (ahead, level, sentence) => {
    const date = () => new Date(Date.now() + ahead).toUTCString();
    shop.proxy.plan(() => ({ type: 'status', status: 401, headers: { date: date() } }));
    const it = await diagnose(shop.env);
    const found = it.checks.find(({ code }) => code === 'clock.wrong');
    expect(found).toMatchObject({ level, text: expect.stringMatching(sentence) });
    expect(found?.mend).toMatch(/time synchronisation/);
  });

  it('that agrees is fine, and by whom is said', async () => {
    const it = await diagnose(env);
    expect(it.found).toEqual([]);
    const [clock] = it.checks.filter(({ group }) => group === 'clock');
    expect(clock?.text).toMatch(/^The clock agrees with .*Slack/);
  });
});
