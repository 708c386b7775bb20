import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** They mostly wait for processes and for time to pass: what begins with them is over sooner than what ends with them. */
const LONGEST = [
  'chaos/chaos',
  'core/many-processes',
  'slack/connecting',
  'e2e/terminal',
  'e2e/operator',
  'package/layout',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) =>
      LONGEST.some(name => moduleId.endsWith(`${name}.test.ts`));
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter(file => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/helpers/built.ts',
    // Real servers and real SDKs over loopback: generous, because CI has two cores.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Most of them wait for processes and servers of their own: three at a time, also on two cores.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    sequence: { sequencer: LongestFirst },
    // Real processes are killed and real servers waited for: where others share the cores, once more before it counts.
    retry: process.env.CI ? 1 : 0,
  },
});
