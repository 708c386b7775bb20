import type { Reply } from '../../core/adapter.ts';

export interface ReplyWriter {
  show(reply: Reply): void;
  /** Something else is about to be written. */
  pause(): void;
  finish(reply: Reply): void;
}

/** Text as it grows, a status line while there is none. `clearLine` wipes the line that is being written. */
export function streamingWriter(
  write: (text: string) => void,
  dim: (text: string) => string,
  clearLine: () => void,
): ReplyWriter {
  let printed = '';
  let status: string | null = null;
  const clear = () => {
    if (status !== null) clearLine();
    status = null;
  };
  function text(next: string): void {
    if (next === printed) return;
    clear();
    // A snapshot normally extends the last one. Where the final text differs, it is said in full.
    write(next.startsWith(printed) ? next.slice(printed.length) : `\n${next}`);
    printed = next;
  }
  return {
    show(reply) {
      if (reply.text.startsWith(printed)) text(reply.text);
      const line = reply.status;
      if (line === status) return;
      clear();
      // Below text that is being written a status would tear the line.
      if (line === null || (printed !== '' && !printed.endsWith('\n'))) return;
      write(dim(`${line}…`));
      status = line;
    },
    pause() {
      clear();
      if (printed !== '' && !printed.endsWith('\n')) write('\n');
    },
    finish(reply) {
      text(reply.text);
      clear();
      write('\n');
    },
  };
}

/** Only what is complete, for a pipe. */
export function wholeWriter(write: (text: string) => void): ReplyWriter {
  return {
    show() {},
    pause() {},
    finish: reply => write(`${reply.text}\n`),
  };
}
