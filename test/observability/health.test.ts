import { join } from 'node:path';
import KeyvSqlite from '@keyv/sqlite';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { SetupError } from '../../src/core/errors.ts';
import type { State, Table } from '../../src/core/state/state.ts';
import { createLog } from '../../src/log.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { openObservability } from '../../src/observability/observability.ts';
import { createReadiness } from '../../src/observability/readiness.ts';
import { openWatched, type Watched } from './harness.ts';

let watched: Watched | undefined;
const open = async (options: Parameters<typeof openWatched>[0] = {}) => {
  watched = await openWatched(options);
  return watched;
};

afterEach(async () => {
  await watched?.stop();
  watched = undefined;
});

describe('/healthz and /readyz', () => {
  it('say that a starting process is alive, not ready and why, and that a started one is ready', async () => {
    const it = await open({ started: false });
    expect((await it.get('/healthz')).status).toBe(200);
    const before = await it.get('/readyz');
    expect(before.status).toBe(503);
    expect(before.body).toEqual({
      status: 'not ready',
      not_ready: {
        agent_service: 'the agent service has not been reached yet',
        slack: 'not connected',
        process: 'starting',
      },
    });
    await it.bot.start();
    it.observability.started();
    expect(await it.get('/readyz')).toMatchObject({ status: 200, body: { status: 'ready' } });
  });

  it('say which platform is not connected, until it is again', async () => {
    const it = await open();
    it.adapter.connected = () => false;
    expect(await it.get('/readyz')).toMatchObject({
      status: 503,
      body: { not_ready: { slack: 'not connected' } },
    });
    expect(await it.metric('shopper_ready{check="slack"}')).toBe(0);
    expect(await it.metric('shopper_ready{check="state"}')).toBe(1);
    it.adapter.connected = () => true;
    expect((await it.get('/readyz')).status).toBe(200);
  });

  it('say that a process which is told to go is alive and wants nothing new', async () => {
    const it = await open();
    it.observability.draining();
    expect(await it.get('/readyz')).toMatchObject({
      status: 503,
      body: { not_ready: { process: 'draining' } },
    });
    expect((await it.get('/healthz')).status).toBe(200);
  });

  it('say that the state store is gone', async () => {
    const it = await open();
    await it.bot.stop();
    await it.state.close();
    const answer = await it.get('/readyz');
    expect(answer).toMatchObject({ status: 503, body: { not_ready: { state: expect.any(String) } } });
    await it.restart();
    expect((await it.get('/readyz')).status).toBe(200);
  });

  it('say that nothing can be written any more, however often it could be before', async () => {
    const it = await open();
    expect((await it.get('/readyz')).status).toBe(200);
    // Somebody else holds the file, as a disk that hangs would.
    const other = new KeyvSqlite({ uri: `sqlite://${join(it.dataDir, 'state.sqlite')}` });
    await other.query('BEGIN IMMEDIATE');
    expect(await it.get('/readyz')).toMatchObject({
      status: 503,
      body: { not_ready: { state: 'the state store does not answer' } },
    });
    await other.query('ROLLBACK');
    await other.disconnect();
    await expect.poll(async () => (await it.get('/readyz')).status, { timeout: 10_000 }).toBe(200);
  });

  it('do not count a refused key as having reached the agent service', async () => {
    const it = await open({ started: false });
    it.proxy.plan(() => ({ type: 'status', status: 401 }));
    await expect(it.bot.start()).rejects.toThrow();
    expect(await it.get('/readyz')).toMatchObject({
      body: { not_ready: { agent_service: expect.any(String) } },
    });
  });

  it('stay ready while the agent service is away: messages are still taken in', async () => {
    const it = await open();
    it.proxy.plan(() => ({ type: 'status', status: 529 }));
    await it.adapter.bot().receive(it.adapter.message('Hello'));
    await it.adapter.until(() => it.adapter.replies.some(({ snapshots }) => snapshots.length > 0));
    expect((await it.get('/readyz')).status).toBe(200);
  });
});

const hanging: Partial<Table<unknown>> = { set: () => new Promise(() => {}) };
const hangingState = { table: () => hanging } as unknown as State;
const answeringState = { table: () => ({ set: async () => {} }) } as unknown as State;

it('does not wait for a state store that hangs', async () => {
  const readiness = createReadiness({
    state: hangingState,
    adapters: [],
    reached: () => true,
    patienceMs: 1,
  });
  readiness.started();
  expect(await readiness.standing()).toMatchObject({
    ready: false,
    checks: { state: 'the state store does not answer' },
  });
});

describe('the queue that processes share', () => {
  const standing = (answers: () => Promise<unknown>, needed: boolean) => {
    const queue = { answers, needed };
    const deps = { state: answeringState, adapters: [], reached: () => true, patienceMs: 1, queue };
    const readiness = createReadiness(deps);
    readiness.started();
    return readiness.standing();
  };

  it('is a check of its own where there is one', async () => {
    expect(await standing(async () => 'PONG', true)).toMatchObject({ ready: true, checks: { queue: null } });
    const alone = createReadiness({ state: answeringState, adapters: [], reached: () => true });
    expect((await alone.standing()).checks).not.toHaveProperty('queue');
  });

  it('makes a worker unready that cannot reach it, and one whose question is not answered', async () => {
    const refused = await standing(() => Promise.reject(new Error('refused')), true);
    expect(refused).toMatchObject({ ready: false, checks: { queue: 'the queue cannot be reached' } });
    const late = await standing(() => new Promise(() => {}), true);
    expect(late).toMatchObject({ ready: false, checks: { queue: 'the queue does not answer' } });
  });

  it('is reported, and no reason to be sent nothing, where messages can still be taken in', async () => {
    expect(await standing(() => new Promise(() => {}), false)).toMatchObject({
      ready: true,
      checks: { queue: 'the queue does not answer' },
    });
  });
});

it('answers /metrics without what a store or a queue that hangs would say', async () => {
  const { registry, look } = createMetrics({ version: '1', role: 'all' }, 1);
  let looks = 0;
  look({
    load() {
      looks += 1;
      return new Promise(() => {});
    },
    checks: async () => ({ queue: false }),
  });
  const text = await registry.metrics();
  expect(text).toContain('shopper_ready{check="queue"} 0');
  expect(text).not.toContain('shopper_conversations{');
  expect(text).toContain('shopper_inbox_messages Nan');
  await registry.metrics();
  // What hangs is not asked again and again.
  expect(looks).toBe(1);
});

it.each([null, { host: '127.0.0.1', port: 0 }])(
  'requests take the same way with it and without (%o)',
  async health => {
    const spied = vi.spyOn(globalThis, 'fetch');
    const seen = await openObservability(
      { health, traces: false },
      { version: '', role: 'all' },
      createLog('silent'),
    );
    const answer = await seen.fetch(`${(await open()).observability.url}/healthz`);
    expect(answer.status).toBe(200);
    expect(spied).not.toHaveBeenCalled();
    spied.mockRestore();
    await seen.stop();
  },
);

it('says what to do when the port is taken', async () => {
  const { observability } = await open();
  const { port } = new URL(observability.url ?? '');
  const again = openObservability(
    { health: { host: '127.0.0.1', port: Number(port) }, traces: false },
    { version: '', role: 'all' },
    observability.log,
  );
  await expect(again).rejects.toThrow(SetupError);
  await expect(again).rejects.toThrow(`Port ${port} on 127.0.0.1 is in use. Set HEALTH_PORT to another one.`);
});

describe('the settings', () => {
  it('leave everything off by default, and listen on loopback when a port is set', () => {
    expect(readConfig({}).observability).toEqual({ health: null, traces: false });
    expect(readConfig({ HEALTH_PORT: '9464' }).observability.health).toEqual({
      host: '127.0.0.1',
      port: 9464,
    });
    expect(readConfig({ HEALTH_PORT: '1', HEALTH_HOST: '0.0.0.0' }).observability.health?.host).toBe(
      '0.0.0.0',
    );
  });

  it('do not put health where Slack calls from the internet', () => {
    const slack = { SLACK_BOT_TOKEN: 'xoxb-1', SLACK_SIGNING_SECRET: 'secret' };
    expect(() => readConfig({ ...slack, PORT: '3000', HEALTH_PORT: '3000' })).toThrow('HEALTH_PORT');
    expect(readConfig({ ...slack, PORT: '3000', HEALTH_PORT: '9464' }).observability.health?.port).toBe(9464);
  });

  it('export traces when OpenTelemetry’s own variables say where to', () => {
    const traces = (env: NodeJS.ProcessEnv) => readConfig(env).observability.traces;
    const endpoint = 'http://127.0.0.1:4318';
    expect(traces({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })).toBe(true);
    expect(traces({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${endpoint}/v1/traces` })).toBe(true);
    expect(traces({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SDK_DISABLED: 'true' })).toBe(false);
    expect(traces({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_EXPORTER: 'none' })).toBe(false);
  });
});
