import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { routeOf } from '../../src/observability/agent-requests.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { createTelemetry } from '../../src/observability/telemetry.ts';
import { createScriptedModel } from '../helpers/scripted-model.ts';
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

/** Once the bot has put a turn away; its numbers are complete then. */
async function converse(it: Watched, text: string, options: { id?: string } = {}): Promise<void> {
  await it.adapter.say(text, options);
  await it.bot.idle();
}

describe('/metrics', () => {
  it('shows a conversation: deliveries, stages, endings, tokens, notices and requests', async () => {
    const it = await open();
    await converse(it, 'I wear size 9 shoes and hate wool', { id: 'one' });
    const again = it.adapter.message('I wear size 9 shoes and hate wool', { id: 'one' });
    expect(await it.adapter.bot().receive(again)).toBe('duplicate');

    expect(await it.metric('shopper_deliveries_total{platform="slack",outcome="accepted"}')).toBe(1);
    expect(await it.metric('shopper_deliveries_total{platform="slack",outcome="duplicate"}')).toBe(1);
    expect(await it.metric('shopper_turns_total{platform="slack",ending="answered"}')).toBe(1);
    for (const stage of ['queue', 'sign', 'token', 'text', 'done', 'visible']) {
      const series = `shopper_turn_stage_seconds_count{platform="slack",stage="${stage}"}`;
      expect(await it.metric(series), stage).toBe(1);
    }
    expect(await it.metric('shopper_memory_notices_total{platform="slack",kind="told"}')).toBe(1);
    expect(await it.metric('shopper_inbox_messages')).toBe(0);
    expect(
      await it.metric(
        'shopper_agent_request_duration_seconds_count{method="POST",route="/v1/sessions/{id}/events",status="200"}',
      ),
    ).toBe(1);
    expect(await it.metric('shopper_build_info{version="1.2.3",role="all"')).toBeUndefined();
    expect((await it.get('/metrics')).text).toContain(
      'shopper_build_info{version="1.2.3",role="all",node="v',
    );
  });

  it('has what the alerting rules count at 0 before it happens, so that they see the first', async () => {
    const it = await open();
    const rules = readFileSync(join(import.meta.dirname, '../../deploy/prometheus/alerts.yml'), 'utf8');
    const { text } = await it.get('/metrics');
    const asked = [...rules.matchAll(/(shopper_\w+_total)\{(\w+)=~?"([^"]+)"\}/g)];
    expect(asked.length).toBeGreaterThan(2);
    for (const [, name, label, values = ''] of asked) {
      for (const value of values.split('|'))
        expect(text).toMatch(new RegExp(`^${name}\\{.*${label}="${value}".*\\} 0$`, 'm'));
    }
    for (const series of [
      'shopper_turns_total{platform="slack",ending="answered"}',
      'shopper_deliveries_total{platform="slack",outcome="accepted"}',
      'shopper_stream_reconnects_total{reason="broken"}',
      'shopper_memory_notices_total{platform="slack",kind="held"}',
      'shopper_rate_limit_waits_total{platform="slack",by="platform"}',
      'shopper_errors_total{level="error",event="turn.stuck",kind="unknown"}',
    ])
      expect(await it.metric(series), series).toBe(0);
  });

  it('shows what a turn used', async () => {
    const it = await open({ model: createScriptedModel(() => ({ text: ['Hello.'] })) });
    await converse(it, 'Hello');
    expect(await it.metric('shopper_tokens_total{platform="slack",kind="input"}')).toBe(10);
    expect(await it.metric('shopper_tokens_total{platform="slack",kind="output"}')).toBe(5);
    // The local runtime has no prices.
    expect(await it.metric('shopper_list_cost_usd_total{platform="slack"}')).toBeUndefined();
  });

  it('shows what runs and what waits while the agent is at it', async () => {
    let release = () => {};
    const hold = new Promise<void>(resolve => {
      release = resolve;
    });
    const it = await open({ model: createScriptedModel(() => ({ text: ['One moment', '.'], hold })) });
    const saying = it.adapter.say('Hello');
    await it.adapter.until(() => it.adapter.replies[0]?.snapshots.some(({ text }) => text !== '') === true);
    expect(await it.metric('shopper_conversations{state="running"}')).toBe(1);
    expect(await it.metric('shopper_inbox_messages')).toBe(1);
    release();
    await saying;
    await it.bot.idle();
    expect(await it.metric('shopper_conversations{state="running"}')).toBe(0);
  });

  it('counts cut streams, and what was warned of by event and kind', async () => {
    const it = await open();
    it.proxy.plan(({ path, index }) =>
      path.endsWith('/events/stream') && index === 0
        ? { type: 'cut_stream', frames: 2, how: 'destroy' }
        : undefined,
    );
    await converse(it, 'Hello');
    expect(await it.metric('shopper_stream_reconnects_total{reason="unreachable"}')).toBe(1);
    expect(await it.metric('shopper_errors_total{level="warn",event="stream.cut",kind="none"}')).toBe(1);
  });

  it('counts a turn that failed, and what kind of failure it was', async () => {
    const it = await open();
    it.proxy.plan(({ path }) => (path === '/v1/sessions' ? { type: 'status', status: 402 } : undefined));
    await converse(it, 'Hello');
    expect(await it.metric('shopper_turns_total{platform="slack",ending="failed"}')).toBe(1);
    expect(await it.metric('shopper_errors_total{level="error",event="turn.failed",kind="billing"}')).toBe(1);
    expect(
      await it.metric(
        'shopper_agent_request_duration_seconds_count{method="POST",route="/v1/sessions",status="402"}',
      ),
    ).toBe(1);
  });

  it('counts a turn that was carried on after a crash once, and its queue not at all', async () => {
    let release = () => {};
    const hold = new Promise<void>(resolve => {
      release = resolve;
    });
    const it = await open({ model: createScriptedModel(() => ({ text: ['One moment', '.'], hold })) });
    const { adapter } = it;
    await adapter.bot().receive(adapter.message('Hello'));
    await adapter.until(() => adapter.replies[0]?.snapshots.some(({ text }) => text !== '') === true);
    await it.restart();
    release();
    await it.bot.idle();
    expect(await it.metric('shopper_turns_total{platform="slack",ending="left"}')).toBe(1);
    expect(await it.metric('shopper_turns_total{platform="slack",ending="answered"}')).toBe(1);
    expect(await it.metric('shopper_turn_stage_seconds_count{platform="slack",stage="queue"}')).toBe(1);
  });

  it('names nobody: no person, channel, workspace, session or store is a label', async () => {
    const it = await open();
    await it.adapter.say('I wear size 9 shoes', { user: 'U0ANN', channel: 'C0SHOES' });
    await it.adapter.say('My budget is $120', { user: 'U0BEN', channel: 'C0SHOES', audience: 'shared' });
    await it.bot.idle();
    const { text } = await it.get('/metrics');
    const values = [...text.matchAll(/(\w+)="([^"]*)"/g)]
      .filter(([, label]) => label !== 'le')
      .map(([, , value]) => value);
    expect(values).toContain('slack');
    expect(
      values.filter(value => /U0ANN|U0BEN|C0SHOES|W1|^(sesn|memstore|agent|env)_\w*\d/.test(value ?? '')),
    ).toEqual([]);
  });
});

describe('a delivery', () => {
  it('counts as refused or failed when it was, and its refusal and error pass through', async () => {
    const metrics = createMetrics({ version: '1', role: 'all' });
    const telemetry = createTelemetry(metrics);
    const refused = { refused: 'too much' };
    expect(await telemetry.receive('slack', async () => refused)).toBe(refused);
    const failing = telemetry.receive('slack', () => Promise.reject(new Error('disk full')));
    await expect(failing).rejects.toThrow('disk full');
    const text = await metrics.registry.metrics();
    expect(text).toContain('shopper_deliveries_total{platform="slack",outcome="refused"} 1');
    expect(text).toContain('shopper_deliveries_total{platform="slack",outcome="failed"} 1');
    expect(text).toContain('shopper_receive_duration_seconds_count{platform="slack"} 2');
  });
});

describe('what tokens and money are counted as', () => {
  it('is dollars and plain numbers; what a service leaves out is not counted', async () => {
    const metrics = createMetrics({ version: '1', role: 'all' });
    const about = { platform: 'slack', origins: [{ receivedAt: 0 }], resumed: false };
    await createTelemetry(metrics).turn(about, async turn => {
      turn.used({ input: 1, output: 2, cacheRead: 3, cacheWrite: Number.NaN }, 12.5);
    });
    const text = await metrics.registry.metrics();
    expect(text).toContain('shopper_list_cost_usd_total{platform="slack"} 0.125');
    expect(text).toContain('shopper_tokens_total{platform="slack",kind="cache_read"} 3');
    expect(text).not.toContain('cache_write"');
  });
});

it.each([
  ['https://api.anthropic.com/v1/sessions?beta=true', '/v1/sessions'],
  ['http://x/v1/sessions/sesn_1/events/stream?beta=true', '/v1/sessions/{id}/events/stream'],
  ['http://x/v1/memory_stores/memstore_1/memories/mem_2', '/v1/memory_stores/{id}/memories/{id}'],
  ['http://x/v1/anything/U0ANN', '/v1/{id}/{id}'],
])('takes the ids out of %s', (url, route) => {
  expect(routeOf(url)).toBe(route);
});
