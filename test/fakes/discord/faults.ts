// Failures on demand: the next N calls to a route answer with a status, a 429, a broken connection or a
// delay, before or after the call took effect. "After" is the interesting half: Discord did the work and the
// client does not know it, which is what nonces and idempotent edits are for.

export type FaultEffect =
  | { type: 'status'; status: number; body?: unknown; applied?: 'before' | 'after' }
  /** What came of the call is told with these fields alone. */
  | { type: 'tell'; fields: readonly string[] }
  | { type: 'rate-limit'; retryAfterMs: number; scope?: 'user' | 'shared' | 'global' }
  | { type: 'drop'; applied?: 'before' | 'after' }
  | { type: 'delay'; realMs: number }
  | { type: 'hold'; until: Promise<unknown>; applied?: 'before' | 'after' };

export interface Fault {
  /** Any method when absent. */
  method?: string;
  /** Route template such as /channels/:channel/messages, or a pattern for the path; any when absent. */
  route?: string | RegExp;
  /** How many calls it hits; 1 when absent. */
  times?: number;
  effect: FaultEffect;
}

export interface Faults {
  add(fault: Fault): void;
  clear(): void;
  /** The effect for this call, used up by asking. */
  take(call: { method: string; route: string | null; path: string }): FaultEffect | undefined;
}

export function createFaults(): Faults {
  let armed: { fault: Fault; left: number }[] = [];
  return {
    add(fault) {
      armed.push({ fault, left: fault.times ?? 1 });
    },
    clear() {
      armed = [];
    },
    take(call) {
      const hit = armed.find(({ fault }) => matches(fault, call));
      if (!hit) return undefined;
      hit.left -= 1;
      if (hit.left <= 0) armed = armed.filter(other => other !== hit);
      return hit.fault.effect;
    },
  };
}

function matches(fault: Fault, call: { method: string; route: string | null; path: string }): boolean {
  if (fault.method !== undefined && fault.method !== call.method) return false;
  if (fault.route === undefined) return true;
  return typeof fault.route === 'string' ? fault.route === call.route : fault.route.test(call.path);
}
