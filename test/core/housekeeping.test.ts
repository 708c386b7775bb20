import { afterEach, describe, expect, it } from 'vitest';
import { type Bench, createBench } from '../helpers/bench.ts';

let bench: Bench;
afterEach(() => bench.stop());

describe('sweeping', () => {
  it('keeps nobody waiting, neither for the first answer nor for the end', async () => {
    bench = await createBench({ start: false });
    let begun = false;
    bench.state.sweep = signal =>
      new Promise(resolve => {
        begun = true;
        signal?.addEventListener('abort', () => resolve());
      });
    await bench.bot.start();
    await bench.adapter.say('I wear size 9');
    expect(begun).toBe(true);
    await bench.bot.stop();
  });

  it('that fails does not keep the bot from answering', async () => {
    bench = await createBench({ start: false });
    bench.state.sweep = () => Promise.reject(new Error('canceling statement due to statement timeout'));
    await bench.bot.start();
    const reply = await bench.adapter.say('I wear size 9');
    expect(reply.final?.text).toMatch(/size 9/);
  });
});
