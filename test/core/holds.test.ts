import { describe, expect, it } from 'vitest';
import { createHolds } from '../../src/core/queue/holds.ts';

const person = { platform: 'slack', workspace: 'T1', id: 'U1', name: 'Ann' };

describe('a person who is held', () => {
  it('is free when the last one lets go, and others are free all along', async () => {
    const holds = createHolds();
    const [one, other] = [holds.hold(person), holds.hold(person)];
    let free = false;
    const waiting = holds.free('slack/T1/U1/C1/').then(() => {
      free = true;
    });
    await holds.free('slack/T1/U10/C1/');
    one();
    one();
    await holds.free('slack/T1/U2');
    expect(free).toBe(false);
    other();
    await waiting;
  });

  it('is seen to be held, here or elsewhere, by whoever asks without waiting', async () => {
    let elsewhere = false;
    const holds = createHolds(async () => elsewhere);
    const letGo = holds.hold(person);
    expect(await holds.isHeld('slack/T1/U1/C1/')).toBe(true);
    expect(await holds.isHeld('slack/T1/U10/C1/')).toBe(false);
    letGo();
    expect(await holds.isHeld('slack/T1/U1/C1/')).toBe(false);
    elsewhere = true;
    expect(await holds.isHeld('slack/T1/U1/C1/')).toBe(true);
  });

  it('is not free while another process holds them', async () => {
    const asked: string[] = [];
    const holds = createHolds(async key => {
      asked.push(key);
      return asked.length < 3;
    });
    await holds.free('slack/T1/U1/C1/');
    expect(asked).toEqual(['slack/T1/U1', 'slack/T1/U1', 'slack/T1/U1']);
  });
});
