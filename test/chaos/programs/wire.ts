/** The wire between the bot and the agent service, which loses, delays and refuses, and is down for a while when told. */

import { createFaultProxy, type Fault, type FaultProxy } from '../../fakes/fault-proxy.ts';
import { createRandom, type Random } from '../random.ts';
import { serve } from './serve.ts';

export interface WireOptions {
  seed: number;
  target: string;
  /** Of a request; event streams are cut four times as often. */
  failing: number;
}

let proxy: FaultProxy | undefined;
let plan: () => void = () => {};
const struck: Record<string, number> = {};

const operations = {
  async start({ seed, target, failing }: WireOptions): Promise<{ url: string }> {
    const random = createRandom(seed);
    const started = await createFaultProxy(target);
    proxy = started;
    plan = () =>
      started.plan(({ method, path }) => {
        const streams = method === 'GET' && path.endsWith('/stream');
        const fault = random.chance(streams ? failing * 4 : failing) ? faultOf(streams, random) : undefined;
        if (fault !== undefined) struck[fault.type] = (struck[fault.type] ?? 0) + 1;
        return fault;
      });
    plan();
    return { url: started.url };
  },

  /** Nothing gets through from now on, and what is open breaks. */
  down(): void {
    proxy?.plan(() => ({ type: 'drop_before' }));
    proxy?.cut();
  },
  up: () => plan(),
  calm: () => proxy?.plan(() => undefined),
  cut: () => proxy?.cut(),
  struck: () => struck,
};
export type WireOperations = typeof operations;
serve(operations);

function faultOf(streams: boolean, random: Random): Fault {
  if (streams && random.chance(0.7)) {
    return {
      type: 'cut_stream',
      frames: random.between(0, 12),
      how: random.pick(['destroy', 'destroy', 'end', 'stall'] as const),
    };
  }
  return random.pick<Fault>([
    { type: 'drop_before' },
    { type: 'drop_after' },
    { type: 'status', status: 429, headers: { 'retry-after': '1' } },
    { type: 'status', status: 500 },
    { type: 'status', status: 529 },
    { type: 'status_after', status: 500 },
    { type: 'delay', ms: random.between(100, 1_500) },
    { type: 'delay', ms: random.between(100, 1_500) },
  ]);
}
