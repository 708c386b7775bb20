import { RetryLater } from '../../../core/reply/paced.ts';
import { clip } from '../../../core/reply/text-split.ts';
import type { SetTimer } from '../../../core/timer.ts';
import type { Log } from '../../../log.ts';
import type { SlackApi } from '../connection/web-client.ts';
import type { ReplyTo } from '../inbound.ts';

/**
 * What Slack shows while the bot works: a line of words under the thread, and, for agents, a session that is
 * "processing" and has a stop button. Both are a courtesy: when they fail, the reply still comes.
 */
export interface StatusLine {
  /** Words such as "Checking your preferences". Never throws. */
  show(words: string): Promise<void>;
  /** Slack has removed the line, as it does when the app posts into the thread. */
  replaced(): void;
  /** No more work: removes the line and ends "processing". Never throws. */
  end(sessionEnded: boolean): Promise<void>;
  stop(): void;
}

/** Slack removes a status after two minutes. */
const REFRESH_MS = 90_000;
/** How long a turn waits for its stop button to go; in a rate limit that can take a minute, and goes on by itself. */
const END_WAIT_MS = 5_000;
const MAX_TITLE = 80;

export function createStatusLine(options: {
  api: SlackApi;
  place: ReplyTo;
  /** The person's words, for the title of a new session. */
  asked: string;
  /** What the line already says. */
  current: string | null;
  setTimer: SetTimer;
  log: Log;
}): StatusLine {
  const { api, place, log } = options;
  let current = options.current;
  let processing: Promise<boolean> | undefined;
  let cancelRefresh = () => {};

  async function attempt(method: string, args: Record<string, unknown>, wait = false): Promise<boolean> {
    try {
      await api.call(method, args, wait ? {} : { now: { reserve: 0 } });
      return true;
    } catch (error) {
      if (!(error instanceof RetryLater))
        log.debug({ event: 'slack.status_failed', method, err: error }, 'status not shown');
      return false;
    }
  }

  function set(status: string): Promise<boolean> {
    return attempt('assistant.threads.setStatus', {
      channel_id: place.channel,
      thread_ts: place.thread,
      status,
    });
  }

  function session(status: string, wait: boolean): Promise<boolean> {
    return attempt(
      'agents.sessions.setStatus',
      { channel_id: place.channel, thread_ts: place.thread, status, title: titleOf(options.asked) },
      wait,
    );
  }

  function refreshLater(): void {
    cancelRefresh();
    cancelRefresh = options.setTimer(() => {
      if (current === null) return;
      void set(current).then(refreshLater);
    }, REFRESH_MS);
  }

  async function withinAWhile(work: Promise<unknown>): Promise<void> {
    let cancel = () => {};
    const late = new Promise<void>(resolve => {
      cancel = options.setTimer(resolve, END_WAIT_MS);
    });
    await Promise.race([work, late]);
    cancel();
  }

  return {
    async show(words) {
      processing ??= session('processing', false);
      const status = statusWords(words);
      if (status === current) return;
      current = status;
      await set(status);
      refreshLater();
    },
    replaced() {
      current = null;
      cancelRefresh();
    },
    async end(sessionEnded) {
      cancelRefresh();
      if (current !== null) await set('');
      current = null;
      // Whatever shows a stop button has to stop showing it, however long that takes: not the turn, the button.
      if ((await processing) === true && !sessionEnded) await withinAWhile(session('active', true));
    },
    stop: () => cancelRefresh(),
  };
}

/** Slack puts the app's name before it: "Shopper is checking your preferences…". */
export function statusWords(words: string): string {
  const lower = words.charAt(0).toLowerCase() + words.slice(1);
  return `${/^[a-z]+ing\b/.test(lower) ? 'is ' : ''}${lower}…`;
}

function titleOf(asked: string): string {
  const line = asked.replace(/\s+/g, ' ').trim();
  if (line === '') return 'Conversation';
  return clip(line, MAX_TITLE);
}
