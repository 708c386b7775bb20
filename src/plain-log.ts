import type { DestinationStream } from 'pino';
import { z } from 'zod';

/**
 * The log as somebody reads it who chats at a keyboard: a plain line each, shown by whoever knows where a line does
 * not tear what stands there.
 */
export interface PlainLog extends DestinationStream {
  /** Lines go there from now on. */
  showIn(show: (line: string) => void): void;
}

const recordShape = z.object({
  msg: z.string().catch('something went wrong'),
  /** A sentence that says it all. */
  error: z.string().optional().catch(undefined),
  err: z.object({ message: z.string() }).optional().catch(undefined),
});

export function createPlainLog(show: (line: string) => void): PlainLog {
  let showLine = show;
  return {
    showIn(next) {
      showLine = next;
    },
    write: record => showLine(plainLine(record)),
  };
}

function plainLine(record: string): string {
  const { msg, error, err } = recordShape.parse(JSON.parse(record));
  const said = `${msg.charAt(0).toUpperCase()}${msg.slice(1)}`;
  const line = error ?? (err === undefined ? `${said}.` : `${said}: ${err.message}`);
  return line.replace(/\s+/g, ' ').trim();
}
