import { EXIT, type Output } from '../command.ts';
import { count, printable, printableLine } from '../text.ts';
import type { Check } from './findings.ts';

export interface Report {
  /** Settles when everything has been looked at and shown; the exit code. */
  show(groups: readonly { title: string; checks: Promise<Check[]> }[]): Promise<number>;
}

const MARKS = { fine: '✓', warning: '!', problem: '✗' } as const;
const COLOURS = { fine: 32, warning: 33, problem: 31 } as const;
const INDENT = 4;
const WIDEST = 110;

/** Group by group as they are done, for people; one object at the end with `json`. */
export function createReport(
  output: Output,
  options: { json: boolean; clean: (text: string) => string },
): Report {
  const terminal = output.isTTY === true;
  const width = terminal ? Math.max(40, Math.min(output.columns ?? 80, WIDEST)) : Number.POSITIVE_INFINITY;
  const paint = (code: number, text: string) => (terminal ? `\u001b[${code}m${text}\u001b[0m` : text);
  const clean = (text: string) => printableLine(printable(options.clean(text)));

  const below = (text: string) => wrapped(text, width - INDENT).map(line => `${' '.repeat(INDENT)}${line}`);

  /** What is mended in the same way stands together, with that said once. */
  function linesOf(check: Check, next: Check | undefined): string {
    const mark = paint(COLOURS[check.level], MARKS[check.level]);
    const lines = below(clean(check.text));
    const first = `  ${mark} ${lines[0]?.trimStart() ?? ''}`;
    const isLast =
      check.level !== 'fine' && (next === undefined || next.level === 'fine' || next.mend !== check.mend);
    const mend = isLast
      ? [...below(clean(check.mend)), `${' '.repeat(INDENT)}${paint(2, `(${check.code})`)}`]
      : [];
    return `${[first, ...lines.slice(1), ...mend].join('\n')}\n`;
  }

  return {
    async show(groups) {
      const all: ({ group: string } & Check)[] = [];
      for (const { title, checks } of groups) {
        const found = await checks;
        all.push(...found.map(check => ({ group: title.toLowerCase(), ...check })));
        if (options.json || found.length === 0) continue;
        output.write(`${paint(1, title)}\n${found.map((check, n) => linesOf(check, found[n + 1])).join('')}`);
      }
      const of = (level: Check['level']) => all.filter(check => check.level === level).length;
      const [problems, warnings] = [of('problem'), of('warning')];
      if (options.json) {
        const checks = all.map(check => ({
          ...check,
          text: clean(check.text),
          ...(check.level === 'fine' ? {} : { mend: clean(check.mend) }),
        }));
        output.write(`${JSON.stringify({ ok: problems === 0, problems, warnings, checks })}\n`);
      } else {
        output.write(`\n${sentence(of('fine'), warnings, problems)}\n`);
      }
      return problems === 0 ? EXIT.ok : EXIT.failed;
    },
  };
}

function sentence(fines: number, warnings: number, problems: number): string {
  if (problems + warnings === 0) return `All ${count(fines, 'check')} passed.`;
  const parts = [
    ...(problems === 0 ? [] : [count(problems, 'problem')]),
    ...(warnings === 0 ? [] : [count(warnings, 'warning')]),
  ];
  return `${parts.join(', ')}; ${fines} fine. docs/troubleshooting.md says more about them.`;
}

/** Lines of at most `width` characters, broken between words. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
