import { expect, it } from 'vitest';
import { quietLogger } from '../../../src/adapters/slack/connection/quiet-logger.ts';
import { createLog } from '../../../src/log.ts';

it("has one level in a line, the log's own", () => {
  const lines: string[] = [];
  const logger = quietLogger(createLog('debug', { write: line => void lines.push(line) }));
  logger.warn('slow');
  logger.error('broken');
  expect(lines.map(line => line.match(/"level":[^,]+/g))).toEqual([['"level":20'], ['"level":40']]);
});
