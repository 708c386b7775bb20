import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clientOf } from '../../src/agent-api.ts';
import { parseAgentFile } from '../../src/core/agent-file.ts';
import { createBot } from '../../src/core/bot.ts';
import { connectRedis } from '../../src/core/queue/redis-connection.ts';
import { openRedisState } from '../../src/core/state/redis.ts';
import { openSqliteState } from '../../src/core/state/sqlite.ts';
import { createCustomTools } from '../../src/core/turn/custom-tools.ts';
import { createLog } from '../../src/log.ts';
import { AGENT } from '../helpers/bench.ts';
import { type Started, startProgram, temporaryFolder } from '../helpers/cli.ts';
import { createRecordingAdapter } from '../helpers/recording-adapter.ts';

/** A server that takes connections and never says a word. */
let silent: Server;
let host: string;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const sockets = new Set<Socket>();
const programs: Started[] = [];

beforeEach(async () => {
  folder = await temporaryFolder();
  silent = createServer(socket => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  host = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
});

afterEach(async () => {
  for (const { child } of programs.splice(0)) child.kill('SIGKILL');
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  silent.close();
  await folder.remove();
});

describe('a start that waits for somebody', () => {
  it.each([
    ['the Redis of its state', () => ({ DATABASE_URL: `redis://${host}` })],
    ['the agent service', () => ({ ANTHROPIC_BASE_URL: `http://${host}`, ANTHROPIC_API_KEY: 'key' })],
  ])('ends when it is told to: %s', async (_who, settings) => {
    const program = startProgram('src/cli.ts', ['start'], { SHOPPER_DATA_DIR: folder.path, ...settings() });
    programs.push(program);
    await once(silent, 'connection');
    program.child.kill('SIGTERM');
    const { code, stderr } = await program.finished;
    expect(code).toBe(130);
    expect(stderr).not.toMatch(/Error|cannot/i);
  });

  it('says which Redis does not answer, though it takes connections', async () => {
    const said = `Cannot use the Redis at ${host}: it did not answer within 0.05 s.`;
    await expect(openRedisState(`redis://u:secret@${host}`, { greetingMs: 50 })).rejects.toThrow(said);
    await expect(connectRedis(`redis://u:secret@${host}`, 50)).rejects.toThrow(said);
  });

  it('gives an agent service that says nothing much less time than an answer may take', async () => {
    const state = await openSqliteState(folder.path);
    const bot = createBot({
      client: clientOf(`http://${host}`, 'key'),
      state,
      file: parseAgentFile(AGENT, 'agent.yml'),
      tools: createCustomTools([]),
      adapters: [createRecordingAdapter('slack')],
      notices: undefined,
      limits: { turnMs: 1, questionMs: 1, outageMs: 1 },
      startAnswerMs: 50,
      log: createLog('silent'),
    });
    await expect(bot.start()).rejects.toThrow('timed out');
    await bot.stop();
    await state.close();
  });
});
