import { type ParseArgsConfig, parseArgs } from 'node:util';

/** What a command's exit code says; docs/operating.md lists them. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  /** Something is left to do, and the output says what. */
  incomplete: 4,
  /** As shells have it for Ctrl-C. */
  interrupted: 130,
} as const;

/** Where a command meets the world. */
export interface Io {
  env: NodeJS.ProcessEnv;
  stdout: Output;
  stderr: Output;
  /** Aborted by the first Ctrl-C or SIGTERM: end soon, and in order. */
  signal: AbortSignal;
  /** Resolves after so many milliseconds, or at once when it is aborted. Absent: by the clock. */
  pause?(ms: number, signal: AbortSignal): Promise<void>;
}

export interface Output {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

interface Option {
  type: 'string' | 'boolean';
  short?: string;
  multiple?: boolean;
  /** Stands for the value in the help: "NAME". */
  value?: string;
  help: string;
}

type Options = Record<string, Option>;

type Values<O extends Options> = {
  [K in keyof O]?: O[K]['type'] extends 'boolean'
    ? boolean
    : O[K]['multiple'] extends true
      ? string[]
      : string;
};

export interface Input<O extends Options = Options> {
  values: Values<O>;
  args: string[];
  /** Machine-readable output was asked for. */
  json: boolean;
}

interface CommandSpec<O extends Options> {
  /** As it is typed: "memory show". */
  name: string;
  /** Its arguments as the help shows them: "PERSON". */
  args?: string;
  /** How many arguments it takes, at least and at most. */
  takes?: readonly [number, number];
  /** One line, lower case, no full stop. */
  summary: string;
  /** Printed below the options. */
  details?: string;
  options: O;
  /** False: it has no use for --json. */
  json?: boolean;
  /** Resolves with the exit code. Throws UsageError, NotFoundError, or what went wrong. */
  run(input: Input<O>, io: Io): Promise<number>;
}

export interface Command {
  name: string;
  summary: string;
  help: string;
  run(args: string[], io: Io): Promise<number>;
}

/** The command was called in a way it does not understand. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** What the command was asked about does not exist. */
export class NotFoundError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NotFoundError';
  }
}

const HELP: Option = { type: 'boolean', short: 'h', help: 'this text' };
const JSON_OUT: Option = { type: 'boolean', help: 'machine-readable output' };

export function defineCommand<const O extends Options>(spec: CommandSpec<O>): Command {
  const json = spec.json !== false;
  const options: Options = { ...spec.options, ...(json ? { json: JSON_OUT } : {}), help: HELP };
  const help = helpOf(spec, options);
  return {
    name: spec.name,
    summary: spec.summary,
    help,
    async run(args, io) {
      const { values, positionals } = parse(args, options);
      if (values.help === true) {
        io.stdout.write(`${help}\n`);
        return EXIT.ok;
      }
      const [least, most] = spec.takes ?? [0, 0];
      if (positionals.length < least) throw new UsageError(`Which one? shopper ${spec.name} ${spec.args}`);
      if (positionals.length > most)
        throw new UsageError(`Too many arguments: ${positionals.slice(most).join(' ')}`);
      return spec.run(
        { values: values as Values<O>, args: positionals, json: json && values.json === true },
        io,
      );
    },
  };
}

function parse(args: string[], options: Options) {
  try {
    return parseArgs({ args, allowPositionals: true, options: options as ParseArgsConfig['options'] & {} });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function helpOf(spec: Omit<CommandSpec<Options>, 'run'>, options: Options): string {
  const shown = Object.entries(options).map(([name, option]) => {
    const short = option.short === undefined ? '' : `, -${option.short}`;
    const value = option.type === 'string' ? ` ${option.value ?? 'VALUE'}` : '';
    return [`--${name}${short}${value}`, option.help] as const;
  });
  const width = Math.max(...shown.map(([left]) => left.length));
  return [
    `Usage: shopper ${[spec.name, spec.args, '[options]'].filter(Boolean).join(' ')}`,
    '',
    `${spec.summary.charAt(0).toUpperCase()}${spec.summary.slice(1)}.`,
    '',
    ...shown.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`),
    ...(spec.details === undefined ? [] : ['', spec.details]),
  ].join('\n');
}

/** A whole number of at least `least`, as an option gives it. */
export function wholeNumber(name: string, text: string | undefined, fallback: number, least = 1): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  throw new UsageError(`--${name} must be a whole number of at least ${least}.`);
}

/** A moment as an option gives it: a date, a time, or a span back from now such as 30m, 12h, 7d. As ISO 8601. */
export function momentOf(name: string, text: string, now = Date.now()): string {
  const span = /^(\d+)([mhd])$/.exec(text);
  if (span !== null) {
    const ms = { m: 60_000, h: 3600_000, d: 86_400_000 }[span[2] as 'm' | 'h' | 'd'];
    return new Date(now - Number(span[1]) * ms).toISOString();
  }
  const at = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(at)) return new Date(at).toISOString();
  throw new UsageError(
    `--${name} must be a date (2026-03-14), a time (2026-03-14T08:00Z) or a span (12h, 7d).`,
  );
}
