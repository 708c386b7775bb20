import { parseArgs } from 'node:util';
import { z } from 'zod';

const number = (least: number) => z.coerce.number().min(least);

const schema = z.strictObject({
  seed: number(0).int().optional(),
  conversations: number(1).int().default(20),
  rounds: number(1).int().default(10),
  layout: z.enum(['sqlite', 'postgres-redis', 'redis']).default('sqlite'),
  platform: z.enum(['slack', 'discord', 'both']).default('slack'),
  /** kill -9 of a bot process, spread over the run. */
  kills: number(0).int().default(20),
  /** SIGTERM and a successor. */
  rolls: number(0).int().default(3),
  'outage-seconds': number(0).default(0),
  /** Instead of rounds: so many conversations with a slow answer each, all at the same time. */
  'in-flight': number(0).int().default(0),
  minutes: number(0).default(10),
  /** Of requests to the agent service and to the model. */
  failing: number(0).max(0.5).default(0.015),
  /** Faults of the platform in a second. */
  troubles: number(0).default(1),
  /** How many times its usual number of calls a platform bears. */
  rates: number(0.1).default(10),
  /** How long a conversation waits for an answer before it goes on without. */
  'patience-seconds': number(1).default(240),
  /** Where records are kept; absent: a new folder. */
  records: z.string().optional(),
  keep: z.boolean().default(false),
});

export type Options = Omit<z.infer<typeof schema>, 'seed'> & { seed: number };

export function readOptions(args: string[]): Options {
  const names = Object.keys(schema.shape);
  const { values } = parseArgs({
    args,
    options: Object.fromEntries(
      names.map(name => [name, { type: name === 'keep' ? ('boolean' as const) : ('string' as const) }]),
    ),
  });
  const options = schema.parse(values);
  return { ...options, seed: options.seed ?? Math.floor(Math.random() * 2 ** 31) };
}
