import { expect, it } from 'vitest';
import { createStatusLine } from '../../../src/adapters/slack/reply/status.ts';
import { createLog } from '../../../src/log.ts';

it('does not hold the end of a turn up when Slack wants to be left alone: the stop button goes later', async () => {
  const timers: { run(): void; ms: number }[] = [];
  let goOn = () => {};
  const limit = new Promise<void>(resolve => {
    goOn = resolve;
  });
  const put: unknown[] = [];
  const line = createStatusLine({
    api: {
      async call(method, { status }, options) {
        if (options?.now === undefined) await limit;
        put.push([method, status]);
        return {};
      },
      hasRoom: () => true,
    },
    place: { tenant: 'T1', channel: 'D1', thread: '1.0', user: 'U1', team: 'T1', private: true },
    asked: 'Hello',
    current: null,
    setTimer(run, ms) {
      timers.push({ run, ms });
      return () => {};
    },
    log: createLog('silent'),
  });
  await line.show('Thinking');
  line.replaced();
  const ending = line.end(false);
  while (timers.at(-1)?.ms !== 5_000) await new Promise(resolve => setImmediate(resolve));
  timers.at(-1)?.run();
  await ending;
  expect(put).not.toContainEqual(['agents.sessions.setStatus', 'active']);
  goOn();
  await new Promise(resolve => setImmediate(resolve));
  expect(put).toContainEqual(['agents.sessions.setStatus', 'active']);
});
