import { expect, it } from 'vitest';
import { createCustomTools } from '../../src/core/turn/custom-tools.ts';

it('a tool that nobody registered is answered with an error', async () => {
  const person = { platform: 'test', workspace: 'W', id: 'ann', name: 'ann' };
  const context = { person, signal: AbortSignal.timeout(1_000) };
  expect(await createCustomTools([]).run('teleport', {}, context)).toEqual({
    text: 'There is no tool named teleport. Carry on without it.',
    isError: true,
  });
});
