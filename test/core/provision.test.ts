import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseAgentFile } from '../../src/core/agent-file.ts';
import { provision } from '../../src/core/session/provision.ts';
import { openSqliteState } from '../../src/core/state/sqlite.ts';
import type { State } from '../../src/core/state/state.ts';
import { createCustomTools } from '../../src/core/turn/custom-tools.ts';
import { createLog } from '../../src/log.ts';
import { AGENT, type Bench, collect, createBench } from '../helpers/bench.ts';

let bench: Bench;
let dirs: string[] = [];
beforeEach(async () => {
  bench = await createBench({ start: false });
});
afterEach(async () => {
  await bench.stop();
  for (const dir of dirs) await rm(dir, { recursive: true });
  dirs = [];
});

const provide = (state: State, source = AGENT) =>
  provision({
    client: bench.client,
    state,
    file: parseAgentFile(source, 'agent.yml'),
    tools: createCustomTools([]),
    log: createLog('silent'),
  });
const live = async () =>
  (await collect(bench.client.beta.agents.list())).filter(agent => agent.archived_at === null);
const anotherState = async () => {
  const dir = await mkdtemp(join(tmpdir(), 'shopper-provision-'));
  dirs.push(dir);
  return openSqliteState(dir);
};

describe('the agent of an agent.yml', () => {
  it('is created once and found again', async () => {
    const first = await provide(bench.state);
    expect(await provide(bench.state)).toEqual(first);
    expect(await live()).toHaveLength(1);
  });

  it('is one, also when ten processes on one state start together', async () => {
    const made = await Promise.all(Array.from({ length: 10 }, () => provide(bench.state)));
    expect(new Set(made.map(it => it.agentId)).size).toBe(1);
    expect(await live()).toHaveLength(1);
    expect(await collect(bench.client.beta.environments.list())).toHaveLength(1);
  });

  it('is one, also when processes that share nothing but the API start together', async () => {
    const states = await Promise.all([anotherState(), anotherState(), anotherState()]);
    await Promise.all(states.map(state => provide(state)));
    // Whoever settled last has seen them all; a restart of the others must agree.
    const again = await Promise.all(states.map(state => provide(state)));
    expect(await live()).toHaveLength(1);
    expect(new Set(again.map(it => it.agentId))).toEqual(new Set((await live()).map(agent => agent.id)));
    await Promise.all(states.map(state => state.close()));
  });

  it('gets a new version when the file changes, and none when it does not', async () => {
    const first = await provide(bench.state);
    const second = await provide(bench.state, `${AGENT}description: New.\n`);
    expect(second).toMatchObject({ agentId: first.agentId, agentVersion: 2 });
    expect(await provide(bench.state, `${AGENT}description: New.\n`)).toEqual(second);
  });

  it('is found by a state that has never seen it', async () => {
    const first = await provide(bench.state);
    const state = await anotherState();
    expect(await provide(state)).toMatchObject({ agentId: first.agentId, agentVersion: 1 });
    await state.close();
  });

  it('is made anew when it was archived from outside', async () => {
    const first = await provide(bench.state);
    await bench.client.beta.agents.archive(first.agentId);
    const second = await provide(bench.state);
    expect(second.agentId).not.toBe(first.agentId);
    expect(await live()).toMatchObject([{ id: second.agentId }]);
  });

  it.each(['delete', 'archive'] as const)(
    'gets an environment anew when that was taken away (%s), and stays itself',
    async how => {
      const first = await provide(bench.state);
      await bench.client.beta.environments[how](first.environmentId);
      const second = await provide(bench.state);
      expect(second).toEqual({ ...first, environmentId: expect.not.stringMatching(first.environmentId) });
      const { archived_at } = await bench.client.beta.environments.retrieve(second.environmentId);
      expect(archived_at).toBeNull();
    },
  );

  it('has its state to itself: another bot is told whose it is and what to do, and changes nothing', async () => {
    await provide(bench.state);
    const another = AGENT.replace(/^name: .*/m, 'name: coach');
    await expect(provide(bench.state, another)).rejects.toThrow(
      /belongs to the bot "shopper".*"coach".*SHOPPER_DATA_DIR/s,
    );
    expect(await live()).toHaveLength(1);
    const state = await anotherState();
    await provide(state, another);
    await state.close();
    expect(await live()).toHaveLength(2);
  });

  it('is the only one on a state also when two bots begin together', async () => {
    const another = AGENT.replace(/^name: .*/m, 'name: coach');
    const begun = await Promise.allSettled([provide(bench.state), provide(bench.state, another)]);
    expect(begun.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await live()).toHaveLength(1);
  });

  it('with a tool the server cannot offer is refused in the operator’s words', async () => {
    await expect(provide(bench.state, `${AGENT}tools:\n  web_search: allow\n`)).rejects.toThrow(
      /does not accept this agent\.yml: .*web_search/,
    );
  });

  it('with a custom tool nobody registered names it', async () => {
    await expect(provide(bench.state, `${AGENT}custom_tools: [teleport]\n`)).rejects.toThrow(
      /"teleport".*src\/tools/,
    );
  });
});
