import { newId } from './ids.ts';

export type PreviewType = 'agent.message' | 'agent.thinking';

/** One open stream of a session. */
export interface Subscriber {
  /** The previews it asked for (`event_deltas[]`). */
  readonly previews: ReadonlySet<PreviewType>;
  /** Takes one server-sent event, whole. */
  write(frame: string): void;
  /** No further event will come. */
  end(): void;
}

/** Hands events to the open streams of a session, synchronously and in the order of the log. */
export interface EventHub {
  subscribe(sessionId: string, subscriber: Subscriber): () => void;
  publish(sessionId: string, event: { type: string; id: string }, json: string): void;
  /** Announces an event that will follow and returns its id. */
  previewStart(sessionId: string, type: PreviewType): string;
  previewDelta(sessionId: string, eventId: string, text: string): void;
  /** Ends every stream of a session, first with an error where there is one to tell. */
  close(sessionId: string, errorBody?: object): void;
}

interface Listener extends Subscriber {
  /** Previews it saw begin: a delta without its beginning would be a gap. */
  readonly started: Set<string>;
}

export function createEventHub(): EventHub {
  const sessions = new Map<string, Set<Listener>>();

  function listeners(sessionId: string): Iterable<Listener> {
    return sessions.get(sessionId) ?? [];
  }

  return {
    subscribe(sessionId, subscriber) {
      const listener: Listener = {
        previews: subscriber.previews,
        write: text => subscriber.write(text),
        end: () => subscriber.end(),
        started: new Set(),
      };
      const all = sessions.get(sessionId) ?? new Set();
      all.add(listener);
      sessions.set(sessionId, all);
      return () => {
        all.delete(listener);
        if (all.size === 0 && sessions.get(sessionId) === all) sessions.delete(sessionId);
      };
    },

    publish(sessionId, event, json) {
      const text = frame(event.type, json);
      for (const listener of listeners(sessionId)) {
        listener.started.delete(event.id);
        listener.write(text);
      }
    },

    previewStart(sessionId, type) {
      const id = newId('sevt');
      const text = frame('event_start', JSON.stringify({ type: 'event_start', event: { type, id } }));
      for (const listener of listeners(sessionId)) {
        if (!listener.previews.has(type)) continue;
        if (type === 'agent.message') listener.started.add(id);
        listener.write(text);
      }
      return id;
    },

    previewDelta(sessionId, eventId, text) {
      const delta = { type: 'content_delta', index: 0, content: { type: 'text', text } };
      let line: string | undefined;
      for (const listener of listeners(sessionId)) {
        if (!listener.started.has(eventId)) continue;
        line ??= frame('event_delta', JSON.stringify({ type: 'event_delta', event_id: eventId, delta }));
        listener.write(line);
      }
    },

    close(sessionId, errorBody) {
      for (const listener of listeners(sessionId)) {
        if (errorBody) listener.write(frame('error', JSON.stringify(errorBody)));
        listener.end();
      }
      sessions.delete(sessionId);
    },
  };
}

function frame(type: string, json: string): string {
  return `event: ${type}\ndata: ${json}\n\n`;
}
