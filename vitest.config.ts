import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/helpers/built.ts',
    // Real servers and real SDKs over loopback: generous, because CI has two cores.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Most of them wait for processes and servers of their own: three at a time, also on two cores.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    // Real processes are killed and real servers waited for: where others share the cores, once more before it counts.
    retry: process.env.CI ? 1 : 0,
  },
});
