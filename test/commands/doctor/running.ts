import { runCommand } from '../../../src/commands/table.ts';

interface Finding {
  group: string;
  level: 'fine' | 'warning' | 'problem';
  code?: string;
  text: string;
  mend?: string;
}

export interface Diagnosis {
  code: number;
  /** Everything that was printed, on both outputs. */
  printed: string;
  ok: boolean;
  checks: Finding[];
  /** The codes of what is not fine, in order. */
  found: string[];
  /** What was said under a code, and how to mend it. */
  of(code: string): { text: string; mend: string };
}

/** `shopper doctor --json`, as an operator runs it. `heard` is told of every line on standard error. */
export async function diagnose(
  env: Record<string, string>,
  options: { args?: string[]; signal?: AbortSignal; heard?: (text: string) => void } = {},
): Promise<Diagnosis> {
  let stdout = '';
  let stderr = '';
  const code = await runCommand(['doctor', '--json', ...(options.args ?? [])], {
    env,
    stdout: {
      write(text) {
        stdout += text;
      },
    },
    stderr: {
      write(text) {
        stderr += text;
        options.heard?.(text);
      },
    },
    signal: options.signal ?? new AbortController().signal,
  });
  const report = JSON.parse(stdout) as Pick<Diagnosis, 'ok' | 'checks'>;
  return {
    ...report,
    code,
    printed: stdout + stderr,
    found: report.checks.flatMap(check => check.code ?? []),
    of(wanted) {
      const check = report.checks.find(({ code }) => code === wanted);
      if (check?.mend === undefined) throw new Error(`no ${wanted} in ${stdout}`);
      return { text: check.text, mend: check.mend };
    },
  };
}
