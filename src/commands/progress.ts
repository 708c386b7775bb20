import type { Output } from './command.ts';
import { count } from './text.ts';

export interface Progress {
  tick(): void;
  /** Leaves the line to what comes next. */
  end(): void;
}

const REDRAW_MS = 100;
const BAR = 24;

/** A bar on a terminal, nothing elsewhere. `done` of `total` were done before, and say nothing about the speed. */
export function createProgress(
  output: Output,
  label: string,
  total: number,
  done = 0,
  now: () => number = Date.now,
): Progress {
  const before = done;
  const startedAt = now();
  let drawnAt = Number.NEGATIVE_INFINITY;

  function draw(): void {
    if (output.isTTY !== true) return;
    drawnAt = now();
    const filled = total === 0 ? BAR : Math.floor((done / total) * BAR);
    const bar = '#'.repeat(filled).padEnd(BAR, '.');
    const line = `${label} [${bar}] ${done.toLocaleString('en-US')} of ${count(total, 'person', 'people')}${timeLeft()}`;
    output.write(`\r${line.slice(0, (output.columns ?? 80) - 1)}\u001b[K`);
  }

  function timeLeft(): string {
    const seconds = (now() - startedAt) / 1_000;
    const made = done - before;
    if (made < 10 || seconds < 2 || done >= total) return '';
    const left = Math.ceil(((total - done) * seconds) / made);
    return left < 90 ? `, ${left} s left` : `, ${Math.ceil(left / 60)} min left`;
  }

  draw();
  return {
    tick() {
      done += 1;
      if (now() - drawnAt >= REDRAW_MS || done === total) draw();
    },
    end() {
      draw();
      if (output.isTTY === true) output.write('\n');
    },
  };
}
