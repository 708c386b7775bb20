import { describe, expect, it } from 'vitest';
import { readSlackSettings } from '../../../src/adapters/slack/connection/settings.ts';

const SOCKET = { SLACK_BOT_TOKEN: 'xoxb-1', SLACK_APP_TOKEN: 'xapp-1' };
const OAUTH = {
  SLACK_CLIENT_ID: '1.2',
  SLACK_CLIENT_SECRET: 'cs',
  SLACK_STATE_SECRET: 'ss',
  SLACK_ENCRYPTION_KEY: 'ab'.repeat(32),
};

function problemsOf(env: NodeJS.ProcessEnv): string {
  try {
    readSlackSettings(env);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return 'none';
}

describe('Slack settings', () => {
  it('are none where no credential is set', () => {
    expect(readSlackSettings({})).toBeNull();
    expect(
      readSlackSettings({ PORT: '80', SLACK_API_URL: 'http://127.0.0.1/api', SLACK_BOT_TOKEN: ' ' }),
    ).toBeNull();
  });

  it('are for Socket Mode and one workspace', () => {
    expect(readSlackSettings(SOCKET)).toEqual({
      transport: { type: 'socket', appToken: 'xapp-1', port: 3000 },
      install: { type: 'token', botToken: 'xoxb-1' },
      apiUrl: 'https://slack.com/api/',
      linkHosts: [],
    });
  });

  it('are for HTTP and many workspaces, at another address', () => {
    const settings = readSlackSettings({
      ...OAUTH,
      SLACK_SIGNING_SECRET: 'sig',
      PORT: '8080',
      SLACK_API_URL: 'http://127.0.0.1:3001/api',
      SLACK_LINK_HOSTS: 'Shop.example, other.example',
    });
    expect(settings).toMatchObject({
      transport: { type: 'http', signingSecret: 'sig', port: 8080 },
      install: { type: 'oauth', clientId: '1.2', stateSecret: 'ss' },
      apiUrl: 'http://127.0.0.1:3001/api/',
      linkHosts: ['shop.example', 'other.example'],
    });
    expect(settings?.install.type === 'oauth' && settings.install.encryptionKey).toEqual(
      Buffer.alloc(32, 0xab),
    );
  });

  it('use Socket Mode where both transports are set', () => {
    expect(readSlackSettings({ ...SOCKET, SLACK_SIGNING_SECRET: 'sig' })?.transport.type).toBe('socket');
  });

  it('name every problem at once and repeat no value', () => {
    const said = problemsOf({
      SLACK_BOT_TOKEN: 'secret-bot',
      SLACK_APP_TOKEN: 'secret-app',
      SLACK_API_URL: 'secret-url',
      PORT: 'secret-port',
    });
    for (const name of ['SLACK_BOT_TOKEN', 'SLACK_APP_TOKEN', 'SLACK_API_URL', 'PORT'])
      expect(said).toContain(name);
    expect(said).not.toContain('secret');
  });

  it.each([
    [{ SLACK_BOT_TOKEN: 'xoxb-1' }, 'SLACK_APP_TOKEN is needed for Socket Mode, or SLACK_SIGNING_SECRET'],
    [{ SLACK_APP_TOKEN: 'xapp-1' }, 'SLACK_BOT_TOKEN is needed for one workspace, or SLACK_CLIENT_ID'],
    [{ ...SOCKET, ...OAUTH }, 'set one of the two, not both'],
    [
      { SLACK_APP_TOKEN: 'xapp-1', SLACK_CLIENT_ID: '1' },
      'SLACK_STATE_SECRET is needed for installing in many',
    ],
    [{ SLACK_APP_TOKEN: 'xapp-1', ...OAUTH, SLACK_ENCRYPTION_KEY: 'short' }, 'openssl rand -hex 32'],
  ])('say what is missing or wrong: %#', (env, sentence) => {
    expect(problemsOf(env)).toContain(sentence);
  });
});
