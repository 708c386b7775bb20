// What can go wrong between a bot and Slack, planned by a test: a Web API error, a 429, a failing HTTP status,
// a connection that dies before or after the call took effect, a slow answer.

import type { Json } from './world.ts';

export type Fault =
  | { readonly type: 'error'; readonly error: string; readonly extra?: Json }
  | { readonly type: 'rate_limited'; readonly retryAfter: number }
  | { readonly type: 'http'; readonly status: number }
  /** `after`: the call took effect, its answer is lost. */
  | { readonly type: 'drop'; readonly when: 'before' | 'after' }
  /** The call took effect, and the answer says nothing else. */
  | { readonly type: 'only_ok' }
  /** On the fake's clock; the call then runs as usual. */
  | { readonly type: 'delay'; readonly ms: number };

export interface FaultPlan {
  /** How many calls it strikes; 1 unless told. */
  readonly times?: number;
  /** Only calls whose arguments this accepts. */
  readonly where?: (args: Json) => boolean;
}

export interface Faults {
  plan(method: string, fault: Fault, plan?: FaultPlan): void;
  /** The fault for this call, if one is planned; uses it up. */
  strike(method: string, args: Json): Fault | undefined;
  clear(): void;
}

export function createFaults(): Faults {
  const planned: { method: string; fault: Fault; left: number; where: (args: Json) => boolean }[] = [];
  return {
    plan(method, fault, { times = 1, where = () => true } = {}) {
      planned.push({ method, fault, left: times, where });
    },
    strike(method, args) {
      const index = planned.findIndex(plan => plan.method === method && plan.where(args));
      const plan = planned[index];
      if (plan === undefined) return undefined;
      plan.left -= 1;
      if (plan.left <= 0) planned.splice(index, 1);
      return plan.fault;
    },
    clear: () => void planned.splice(0),
  };
}
