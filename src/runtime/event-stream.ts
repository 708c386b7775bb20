import type { ServerResponse } from 'node:http';
import type { EventHub, PreviewType } from './event-hub.ts';

/**
 * A reader this far behind is cut off: it reconnects and lists what it missed, instead of filling memory. Above two
 * whole requests of 32 MB: a message with files is told twice in a row, as queued and as taken up.
 */
const MAX_BUFFERED_BYTES = 80 * 1024 * 1024;

export interface EventStreams {
  /**
   * Answers with an endless text/event-stream: headers and a first comment at once, then every event of the
   * session from here on (there is no replay), and a comment every `keepAliveMs` so that no proxy or client
   * takes the silence for a dead connection.
   */
  open(
    response: ServerResponse,
    sessionId: string,
    previews: ReadonlySet<PreviewType>,
    requestId: string,
  ): void;
  stop(): void;
}

export function createEventStreams(hub: EventHub, keepAliveMs: number): EventStreams {
  const open = new Set<ServerResponse>();
  const timer = setInterval(() => {
    for (const response of open) write(response, ': keep-alive\n\n');
  }, keepAliveMs);
  timer.unref();

  function write(response: ServerResponse, text: string): void {
    if (response.destroyed || response.writableEnded) return;
    if (response.writableLength > MAX_BUFFERED_BYTES) response.destroy();
    else response.write(text);
  }

  return {
    open(response, sessionId, previews, requestId) {
      // Whoever left while the request was looked at has been told so already, and no `close` will follow.
      if (response.destroyed) return;
      const unsubscribe = hub.subscribe(sessionId, {
        previews,
        write: frame => write(response, frame),
        end: () => response.end(),
      });
      open.add(response);
      // A connection that breaks is closed; there is nobody left to tell.
      response.on('error', () => {});
      response.on('close', () => {
        open.delete(response);
        unsubscribe();
      });
      response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-cache',
        'request-id': requestId,
      });
      response.write(': open\n\n');
    },

    stop() {
      clearInterval(timer);
      for (const response of open) response.end();
    },
  };
}
