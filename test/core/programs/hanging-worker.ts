/** A worker whose turns never end: started by a test, which kills it. */

import { createBullmqDispatcher } from '../../../src/core/queue/dispatcher-bullmq.ts';
import { createLog } from '../../../src/log.ts';

await createBullmqDispatcher({
  url: process.env.REDIS_URL ?? '',
  prefix: process.env.PREFIX ?? '',
  log: createLog('silent'),
  lockMs: 1_000,
  checkMs: 200,
  run(conversation) {
    process.stdout.write(`running ${conversation}\n`);
    return new Promise(() => {});
  },
});
process.stdout.write('ready\n');
