import { readFile } from 'node:fs/promises';
import { isNode, LineCounter, type ParsedNode, parseDocument } from 'yaml';
import { z } from 'zod';
import { SetupError } from './errors.ts';
import { FIELD_NAMES } from './message.ts';

/** Limits of the Managed Agents API for agents and memory attachments. */
const MAX_NAME = 256;
const MAX_SYSTEM = 100_000;
const MAX_DESCRIPTION = 2_048;
const MAX_STORE_DESCRIPTION = 1_024;
const MAX_INSTRUCTIONS = 4_096;

const policy = z.enum(['allow', 'ask', 'off']);
export type Policy = z.infer<typeof policy>;

const text = (max: number) =>
  z.string().trim().min(1, 'must not be empty').max(max, `must be at most ${max} characters`);

const tools = z
  .strictObject({
    read: policy.default('allow'),
    write: policy.default('allow'),
    edit: policy.default('allow'),
    glob: policy.default('allow'),
    grep: policy.default('allow'),
    bash: policy.default('off'),
    web_search: policy.default('off'),
    web_fetch: policy.default('off'),
  })
  .prefault({})
  // The store is a folder: an agent that cannot open files cannot remember.
  .refine(use => use.read !== 'off' || use.bash !== 'off', {
    message: 'read (or bash) must be on: memory is a folder that the agent reads',
  });

const mcpServer = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9_-]{1,128}$/, 'use letters, digits, - and _'),
  url: z.url('must be a URL such as https://example.com/mcp'),
  policy: policy.exclude(['off']).default('ask'),
});

const accessMode = z.enum(['open', 'allowlist', 'pairing']);
/** An unquoted number in YAML has lost digits by the time it is read. */
const id = z.string('must be text: put ids in quotes').trim().min(1, 'must not be empty');

const dailyLimit = z
  .strictObject({
    turns: z.int().positive('must be more than 0').optional(),
    /** Input, output and newly cached tokens. */
    tokens: z.int().positive('must be more than 0').optional(),
    /** At list price, where the service reports it. */
    cost_usd: z.number().positive('must be more than 0').optional(),
  })
  .prefault({});

/** Of the form of usual facts: a field that comes with the bot, by its name, or one of the persona's own. */
const formEntry = z.union([
  z
    .string()
    .pipe(
      z.enum(
        FIELD_NAMES,
        `comes with the bot: ${FIELD_NAMES.join(', ')}; any other needs a label, a hint and a note`,
      ),
    ),
  z.strictObject({
    /** As its lines are labelled, too: "Goal" is "- goal: a marathon". */
    label: text(40).regex(/^[^:=|()]*\p{L}[^:=|()]*$/u, 'must have letters, and none of : = | ( )'),
    hint: text(100),
    /** The file for new lines, without its ending. */
    note: z
      .string()
      .regex(
        /^[a-z0-9][a-z0-9-]{0,60}$/,
        'is the name of a note, such as goals: small letters, digits and -',
      ),
    several: z.boolean().default(false),
  }),
]);
export type FormEntry = z.infer<typeof formEntry>;

const form = z
  .array(formEntry)
  // Two forms of five are what the narrowest platform takes.
  .max(10, 'at most 10 fields')
  .default([])
  .refine(entries => new Set(entries.map(nameOfEntry)).size === entries.length, 'names a field twice');

function nameOfEntry(entry: FormEntry): string {
  return typeof entry === 'string' ? entry : entry.label.toLowerCase().replace(/[\s_]+/g, '_');
}

const schema = z.strictObject({
  name: text(MAX_NAME),
  description: text(MAX_DESCRIPTION).optional(),
  model: z.union([
    text(256),
    z.strictObject({
      id: text(256),
      effort: z.enum(['low', 'medium', 'high', 'xhigh', 'max']).optional(),
      speed: z.enum(['standard', 'fast']).optional(),
    }),
  ]),
  system: text(MAX_SYSTEM),
  tools,
  mcp_servers: z.array(mcpServer).max(20, 'at most 20 servers').default([]),
  /** Tools of one's own: each by its file ("./order-status.ts", from beside this one), or by its name in src/tools.ts. */
  custom_tools: z.array(text(1_024)).default([]),
  environment: z
    .strictObject({
      networking: z.enum(['limited', 'unrestricted']).default('limited'),
      allowed_hosts: z.array(text(253)).default([]),
    })
    .prefault({}),
  memory: z
    .strictObject({
      description: text(MAX_STORE_DESCRIPTION).optional(),
      instructions: text(MAX_INSTRUCTIONS).optional(),
      /** How much of the store travels with a session's first message. */
      preload_bytes: z.int().min(0).max(100_000).default(16_384),
      /** The usual facts that people are asked for; without any there is no form. */
      form,
      /** A store every person's session may read, e.g. brand facts. */
      shared_store: z
        .string()
        .regex(/^memstore_/, 'must be a memory store id (memstore_…)')
        .optional(),
      shared_instructions: text(MAX_INSTRUCTIONS).optional(),
    })
    .prefault({}),
  chat: z
    .strictObject({
      /** Offered when a conversation is opened, where the platform can. */
      suggested_prompts: z
        .array(z.strictObject({ title: text(75), message: text(1_000) }))
        .max(4, 'at most 4 prompts')
        .default([]),
    })
    .prefault({}),
  session: z
    .strictObject({
      idle_hours: z.number().positive().max(720, 'at most 720 (30 days)').default(24),
      /** What one session may cost at list price; the turn that reaches it ends with a sentence. */
      budget_usd: z.number().positive().optional(),
    })
    .prefault({}),
  /** Who may talk with the bot. The rule for a workspace wins over the one for its platform. */
  access: z
    .strictObject({
      default: accessMode.default('open'),
      rules: z
        .array(
          z.strictObject({
            platform: id,
            workspace: id.optional(),
            mode: accessMode,
            /** Ids of people who need no approval. */
            allow: z.array(id).default([]),
          }),
        )
        .default([]),
    })
    .prefault({}),
  /** What one person, and everybody in a workspace together, may use in a day. */
  limits: z
    .strictObject({
      /** Where a day begins at midnight. */
      time_zone: z
        .string()
        .refine(isTimeZone, 'must be a time zone such as UTC or Europe/Berlin')
        .default('UTC'),
      person: dailyLimit,
      workspace: dailyLimit,
    })
    .prefault({}),
});

export type AgentFile = z.infer<typeof schema>;

/** Reads and checks agent.yml. Rejects with one SetupError that names every problem and its line. */
export async function readAgentFile(path: string): Promise<AgentFile> {
  const source = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new SetupError(`Cannot read the agent file ${path}. Set AGENT_FILE to where it is.`, { cause });
  });
  return parseAgentFile(source, path);
}

export function parseAgentFile(source: string, path: string): AgentFile {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false });
  const problems = document.errors.map(error => {
    const { line } = lines.linePos(error.pos[0]);
    return { line, text: error.message };
  });
  if (problems.length === 0) {
    const parsed = schema.safeParse(document.toJS(), { error: inWords });
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues.flatMap(meant)) {
      const keys = issue.code === 'unrecognized_keys' ? issue.keys : [undefined];
      for (const key of keys) {
        const place = key === undefined ? issue.path : [...issue.path, key];
        const line = lineOf(document.contents, place, lines);
        const said = key === undefined ? issue.message : 'is not a setting';
        problems.push({ line, text: place.length === 0 ? said : `${place.join('.')}: ${said}` });
      }
    }
  }
  problems.sort((a, b) => a.line - b.line);
  const list = problems.map(problem => `  line ${problem.line}: ${problem.text}`).join('\n');
  throw new SetupError(
    `${path} has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n${list}`,
  );
}

type Issue = z.core.$ZodIssue;

const KINDS: Record<string, string> = {
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'settings, each as "name: value"',
};

/** What the schema has no sentence of its own for. */
function inWords(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.input === undefined) return 'is missing';
  if (issue.code === 'invalid_union') return 'must be text, or settings, each as "name: value"';
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.join(', ')}`;
  const kind = issue.code === 'invalid_type' ? KINDS[issue.expected] : undefined;
  return kind === undefined ? undefined : `must be ${kind}`;
}

/** Of what may be this or that: what is wrong with the one it was meant to be. */
function meant(issue: Issue): Issue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const isOfKind = (issues: readonly Issue[]) =>
    !issues.some(({ code, path }) => code === 'invalid_type' && path.length === 0);
  const [one, ...others] = issue.errors.filter(isOfKind);
  if (one === undefined || others.length > 0) return [issue];
  return one.flatMap(it => meant({ ...it, path: [...issue.path, ...it.path] }));
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** The line of the deepest node on the path; a missing key is reported where its parent stands. */
function lineOf(root: ParsedNode | null, path: readonly PropertyKey[], lines: LineCounter): number {
  let line = 1;
  let node: unknown = root;
  for (const key of path) {
    const pair = pairOf(node, key);
    if (pair === undefined) break;
    const start = isNode(pair.key)
      ? pair.key.range?.[0]
      : isNode(pair.value)
        ? pair.value.range?.[0]
        : undefined;
    if (start !== undefined) line = lines.linePos(start).line;
    node = pair.value;
  }
  return line;
}

function pairOf(node: unknown, key: PropertyKey): { key?: unknown; value: unknown } | undefined {
  if (typeof node !== 'object' || node === null || !('items' in node) || !Array.isArray(node.items))
    return undefined;
  if (typeof key === 'number') {
    const value: unknown = node.items[key];
    return value === undefined ? undefined : { value };
  }
  return node.items.find(
    (item: unknown): item is { key: unknown; value: unknown } =>
      typeof item === 'object' && item !== null && 'key' in item && String(item.key) === String(key),
  );
}
