import { type Logger, LogLevel } from '@slack/bolt';
import type { Log } from '../../../log.ts';

/**
 * What Slack's libraries have to say, without their debug output: that would hold people's messages. Their
 * warnings and errors go to the log under one event; what matters of them the adapter says itself.
 */
export function quietLogger(log: Log): Logger {
  return {
    debug() {},
    info() {},
    warn: (...words) => log.debug({ event: 'slack.sdk' }, sentence(words)),
    error: (...words) => log.warn({ event: 'slack.sdk' }, sentence(words)),
    setLevel() {},
    setName() {},
    getLevel: () => LogLevel.WARN,
  };
}

function sentence(words: unknown[]): string {
  return words.map(word => (word instanceof Error ? word.message : String(word))).join(' ');
}
