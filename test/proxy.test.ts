import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { REST } from 'discord.js';
import { type Dispatcher, getGlobalDispatcher, setGlobalDispatcher } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { createReceiver } from '../src/adapters/slack/connection/receiver.ts';
import { apiFetch } from '../src/fetch.ts';
import { createLog } from '../src/log.ts';
import { throughProxy, useProxy } from '../src/proxy.ts';
import { openShop } from './helpers/commands.ts';

/** What is asked of it, by the host that was meant. */
let service: Server;
let proxy: Server;
let url: string;
let direct: string;
let tunnels: { to: string; as: string | undefined }[];
let before: Dispatcher;

const listening = async (server: Server) => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
};

beforeEach(async () => {
  before = getGlobalDispatcher();
  tunnels = [];
  service = createServer((request, response) => {
    const answer =
      request.url === '/api/apps.connections.open' ? 'ws://slack.test/link' : request.headers.host;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ ok: true, url: answer, host: request.headers.host }));
  });
  new WebSocketServer({ server: service }).on('connection', socket => {
    socket.send(JSON.stringify({ type: 'hello', connection_info: { app_id: 'A1' }, num_connections: 1 }));
  });
  direct = await listening(service);
  proxy = createServer((_, response) => response.writeHead(405).end());
  proxy.on('connect', (request, socket) => {
    tunnels.push({ to: request.url ?? '', as: request.headers['proxy-authorization'] });
    const [host, port] = direct.split(':');
    const beyond = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      beyond.pipe(socket).pipe(beyond);
    });
    for (const end of [beyond, socket]) end.on('error', () => {});
  });
  url = `http://${await listening(proxy)}`;
});

afterEach(async () => {
  const used = getGlobalDispatcher();
  setGlobalDispatcher(before);
  if (used !== before) await used.destroy();
  for (const server of [service, proxy]) {
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
  }
});

const to = () => tunnels.map(tunnel => tunnel.to);

describe('with HTTP_PROXY', () => {
  it('the clients of Slack and the agent service, and whatever else fetches, go through it', async () => {
    useProxy({ HTTP_PROXY: url.replace('http://', 'http://ann:secret@') });
    for (const fetching of [apiFetch, fetch]) {
      const response = await fetching('http://agent.test/v1/x', { method: 'POST', body: 'hello' });
      expect(await response.json()).toMatchObject({ host: 'agent.test' });
    }
    const as = `Basic ${Buffer.from('ann:secret').toString('base64')}`;
    expect(tunnels).toEqual([
      { to: 'agent.test:80', as },
      { to: 'agent.test:80', as },
    ]);
  });

  it('Discord is asked and told through it', async () => {
    useProxy({ http_proxy: url });
    const rest = new REST({ api: 'http://discord.test/api', version: '10' }).setToken('token');
    expect(await rest.get('/users/@me')).toMatchObject({ host: 'discord.test' });
    expect(to()).toEqual(['discord.test:80']);
  });

  it('Slack delivers through it, over Socket Mode', async () => {
    useProxy({ HTTP_PROXY: url });
    const receiver = createReceiver({
      transport: { type: 'socket', appToken: 'xapp-1', port: 0 },
      install: { type: 'token', botToken: 'xoxb-1' },
      apiUrl: 'http://slack.test/api/',
      log: createLog('silent'),
    });
    await receiver.start();
    expect(receiver.connected()).toBe(true);
    await receiver.stop();
    expect(to()).toEqual(['slack.test:80', 'slack.test:80']);
  });

  it('what is on this machine, or named in NO_PROXY, is reached directly', async () => {
    useProxy({ HTTP_PROXY: url, NO_PROXY: '.intern, other.test' });
    await (await apiFetch(`http://${direct}/`)).text();
    await (await apiFetch(`http://localhost:${direct.split(':')[1]}/`)).text();
    await expect(apiFetch('http://agent.intern/')).rejects.toThrow('fetch failed');
    expect(to()).toEqual([]);
  });
});

it('a command asks the agent service through it', async () => {
  const shop = await openShop();
  try {
    await shop.person('slack:T1:U1');
    direct = new URL(shop.proxy.url).host;
    const env = { HTTP_PROXY: url, ANTHROPIC_BASE_URL: 'http://agent.test' };
    expect((await shop.run(['memory', 'list', '--json'], { env })).json()).toMatchObject([
      { person: 'slack:T1:U1' },
    ]);
    expect(new Set(to())).toEqual(new Set(['agent.test:80']));
    const refused = await shop.run(['memory', 'list'], { env: { HTTPS_PROXY: 'proxy.test' } });
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/^HTTPS_PROXY must be a URL/) });
  } finally {
    await shop.stop();
  }
});

it('https goes by HTTPS_PROXY, and http then goes directly', async () => {
  useProxy({ HTTPS_PROXY: url });
  // What answers beyond the tunnel speaks no TLS.
  await expect(apiFetch('https://agent.test/')).rejects.toThrow('fetch failed');
  await expect(apiFetch('http://agent.test/')).rejects.toThrow('fetch failed');
  expect(to()).toEqual(['agent.test:443']);
});

it.each([{}, { HTTP_PROXY: ' ' }, { HTTPS_PROXY: 'http://proxy.test:3128', NO_PROXY: '*' }])(
  'nothing changes with %o',
  env => {
    useProxy(env);
    expect(getGlobalDispatcher()).toBe(before);
    expect(throughProxy()).toEqual({});
  },
);

it.each(['proxy.test:3128', 'socks5://ann:secret@proxy.test'])('refuses %s without repeating it', value => {
  expect(() => useProxy({ HTTPS_PROXY: value })).toThrow(
    /^HTTPS_PROXY must be a URL such as http:\/\/proxy\.example:3128\.$/,
  );
  expect(getGlobalDispatcher()).toBe(before);
});
