import { expect, it } from 'vitest';
import { createLog } from '../src/log.ts';
import { createPlainLog } from '../src/plain-log.ts';

it('the log at a keyboard is a plain line for what went wrong, where the chat wants it', () => {
  const before: string[] = [];
  const inChat: string[] = [];
  const plain = createPlainLog(line => before.push(line));
  const log = createLog('warn', plain);
  log.info({ event: 'runtime.tool_run' }, 'tool run');
  log.warn({ event: 'stream.cut', session: 's1', attempt: 1 }, 'stream cut');
  plain.showIn(line => inChat.push(line));
  log.warn(
    { event: 'runtime.model_failed', error: '127.0.0.1:9 cannot be reached.' },
    'model request failed',
  );
  log.error({ event: 'inbox.unread', err: new Error('no\nspace at https://u:pass@host/') }, 'could not look');
  expect(before).toEqual(['Stream cut.']);
  expect(inChat).toEqual([
    '127.0.0.1:9 cannot be reached.',
    'Could not look: no space at https://[redacted]@host/',
  ]);
});
