import { expect, test } from 'vitest';
import { CommandGate } from '../../../src/runtime/tools/command-gate.ts';
import { hostWork } from '../../fakes/memory-mount.ts';

function openQuestion() {
  const seen: string[] = [];
  let answer = () => {};
  const gate = new CommandGate();
  const ask = () =>
    gate
      .pass(() => new Promise<void>(resolve => (answer = resolve)))
      .then(
        () => seen.push('answered'),
        error => seen.push(`refused: ${error}`),
      );
  return { gate, seen, ask, answer: () => answer() };
}

test('what a command still has under way when the shell leaves it is never answered', async () => {
  const { gate, seen, ask, answer } = openQuestion();
  const stop = new AbortController();

  await gate.run(stop.signal, async () => {
    void ask();
    await hostWork();
    stop.abort();
  });
  answer();
  await hostWork();

  expect(seen).toEqual([]);
});

test('a shell that waits for an answer in spite of the abort is told that there is none', async () => {
  const { gate, seen, ask } = openQuestion();
  const stop = new AbortController();

  await gate.run(stop.signal, async () => {
    const asked = ask();
    await hostWork();
    stop.abort('enough');
    await asked;
    await expect(gate.pass(async () => 'more')).rejects.toBe('enough');
  });

  expect(seen).toEqual(['refused: enough']);
  // The next command is answered again.
  expect(await gate.run(AbortSignal.any([]), () => gate.pass(async () => 'next'))).toBe('next');
});
