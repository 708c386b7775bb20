import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Real servers and real SDKs over loopback: generous, because CI has two cores.
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
