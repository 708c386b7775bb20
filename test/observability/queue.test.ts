import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { redisPrefix } from '../../src/core/queue/redis-connection.ts';
import { createLog } from '../../src/log.ts';
import { type Running, run } from '../../src/main.ts';
import { createAgentLoop } from '../../src/runtime/agent-loop.ts';
import { createOfflineModel } from '../../src/runtime/models/offline.ts';
import { createRuntime, type Runtime } from '../../src/runtime/server.ts';
import { asInManifest } from '../adapters/slack/harness.ts';
import { createFakeSlack, type FakeSlack } from '../fakes/slack/fake-slack.ts';
import { AGENT } from '../helpers/bench.ts';
import { temporaryFolder } from '../helpers/cli.ts';
import { cuttable, type Way } from '../helpers/cuttable.ts';
import { REDIS, uniqueName } from '../helpers/servers.ts';

/** A process as main puts it together, whose queue goes away while everything else is well. */
describe.skipIf(REDIS === null).each(['all', 'worker'] as const)('a process in the role %s', role => {
  const name = uniqueName();
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let slack: FakeSlack;
  let runtime: Runtime;
  let way: Way;
  let running: Running;

  beforeAll(async () => {
    folder = await temporaryFolder();
    slack = await createFakeSlack({ app: asInManifest() });
    const loop = createAgentLoop({ model: createOfflineModel() });
    runtime = await createRuntime({ dataDir: join(folder.path, 'runtime'), port: 0, loop, apiKey: 'key' });
    way = await cuttable(REDIS ?? '', 6379);
    await writeFile(join(folder.path, 'agent.yml'), AGENT.replace('name: shopper', `name: ${name}`));
    const config = readConfig({
      SHOPPER_DATA_DIR: join(folder.path, 'data'),
      AGENT_FILE: join(folder.path, 'agent.yml'),
      ANTHROPIC_BASE_URL: runtime.url,
      ANTHROPIC_API_KEY: 'key',
      DATABASE_URL: 'sqlite',
      REDIS_URL: way.url,
      SLACK_BOT_TOKEN: slack.addWorkspace('Acme').install().token,
      SLACK_APP_TOKEN: slack.appToken,
      SLACK_API_URL: slack.apiUrl,
      HEALTH_PORT: '0',
    });
    running = await run(config, { role }, createLog('silent'));
  });

  afterAll(async () => {
    await way.stop();
    await slack.stop();
    await runtime.stop();
    await folder.remove();
    const redis = new Redis(REDIS ?? '');
    const keys = await redis.keys(`${redisPrefix(name)}*`);
    if (keys.length > 0) await redis.del(keys);
    redis.disconnect();
  });

  it('says that its queue does not answer, in numbers too, and can be stopped', async () => {
    const get = (path: string) => fetch(`${running.healthUrl}${path}`);
    const ready = await get('/readyz');
    expect([ready.status, await ready.json()]).toEqual([200, { status: 'ready' }]);
    await way.down();
    const without = await get('/readyz');
    expect([without.status, await without.json()]).toEqual(
      role === 'worker'
        ? [503, { status: 'not ready', not_ready: { queue: 'the queue does not answer' } }]
        : [200, { status: 'ready', not_ready: { queue: 'the queue does not answer' } }],
    );
    const metrics = await get('/metrics');
    expect(await metrics.text()).toContain('shopper_ready{check="queue"} 0');
    await running.stop();
  }, 30_000);
});
