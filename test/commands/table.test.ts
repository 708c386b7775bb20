import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openShop, type Shop } from '../helpers/commands.ts';

let shop: Shop;
beforeAll(async () => {
  shop = await openShop();
});
afterAll(() => shop.stop());

describe('help', () => {
  it('lists every command, or those of a group', async () => {
    const all = await shop.run(['--help']);
    expect(all).toMatchObject({ code: 0, stderr: '' });
    expect(all.stdout).toMatch(/ {2}start {2,}start every platform/);
    expect(all.stdout).toMatch(/ {2}memory seed {2,}give customers/);
    const group = await shop.run(['access', '-h']);
    expect(group.stdout).toMatch(/access approve/);
    expect(group.stdout).not.toMatch(/memory/);
  });

  it('of each command names its arguments and options', async () => {
    const commands = [...(await shop.run(['-h'])).stdout.matchAll(/^ {2}(\w+(?: \w+)?) {2,}/gm)];
    expect(commands.length).toBeGreaterThan(9);
    for (const [, name = ''] of commands) {
      const { code, stdout, stderr } = await shop.run([...name.split(' '), '--help']);
      expect({ name, code, stderr }).toEqual({ name, code: 0, stderr: '' });
      expect(stdout).toContain(`Usage: shopper ${name}`);
    }
  });
});

describe('a call that cannot be understood', () => {
  it.each([
    [['nonsense'], /There is no command "nonsense"/, /See shopper --help/],
    [['memory'], /Choose a command: list, show, seed,/, /See shopper --help/],
    [['memory', 'nonsense', '--json'], /There is no command "memory nonsense"/, /See shopper --help/],
    [['memory', 'list', '--nonsense'], /--nonsense/, /See shopper memory list --help/],
    [['memory', 'list', '--limit', 'many'], /--limit must be a whole number/, /memory list --help/],
    [['memory', 'list', 'ann'], /Too many arguments: ann/, /memory list --help/],
    [['memory', 'show'], /Which one\? shopper memory show PERSON/, /memory show --help/],
    [['memory', 'show', 'ann'], /platform:workspace:id/, /memory show --help/],
    [['memory', 'audit', '--since', 'lately'], /--since must be a date/, /memory audit --help/],
    [['memory', 'audit', '--actor', 'me'], /--actor must be agent/, /memory audit --help/],
    [['memory', 'export'], /Name one person, or use --all/, /memory export --help/],
    [['memory', 'export', 'a:b:c', '--all'], /Name one person, or use --all/, /memory export --help/],
    [['memory', 'seed', 'list.xls'], /There is no file list.xls/, /^/],
    [['start', '--role', 'nonsense'], /--role must be one of all, ingest, worker/, /start --help/],
  ])('%j is told what to do instead', async (args, sentence, hint) => {
    const { code, stdout, stderr } = await shop.run(args);
    expect(stderr).toMatch(sentence);
    expect(stderr).toMatch(hint);
    expect(code).toBe(args.includes('seed') ? 3 : 2);
    expect(stdout === '' || args.includes('--json')).toBe(true);
  });
});

describe('failures', () => {
  it.each(['/dev/null', '/proc'])(
    'of init to write into %s say where, and what to do instead',
    async above => {
      const { code, stderr } = await shop.run(['init', `${above}/mine`]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^Cannot write to the folder \/\w+\S*\/mine \(E\w+: .*shopper init FOLDER\n$/);
    },
  );

  it('are JSON for who asked for JSON, with an exit code of their own', async () => {
    const usage = await shop.run(['memory', 'show', '--json']);
    expect(usage).toMatchObject({ code: 2 });
    expect(usage.json()).toMatchObject([{ error: { type: 'usage' } }]);
    const missing = await shop.run(['memory', 'show', 'slack:T1:U1', '--json']);
    expect(missing).toMatchObject({ code: 3 });
    expect(missing.json()).toMatchObject([{ error: { type: 'not_found' } }]);
    const broken = await shop.run(['memory', 'list', '--json'], { env: { AGENT_FILE: '/nowhere.yml' } });
    expect(broken).toMatchObject({ code: 1 });
    expect(broken.json()).toMatchObject([{ error: { type: 'failed' } }]);
  });

  it('of the service are sentences that name no secret', async () => {
    shop.proxy.plan(() => ({ type: 'status', status: 401 }));
    const { code, stderr } = await shop.run(['memory', 'list'], { env: { ANTHROPIC_API_KEY: 'sk-secret' } });
    shop.proxy.plan(() => undefined);
    expect(code).toBe(1);
    expect(stderr).toMatch(/rejected the API key .* Check ANTHROPIC_API_KEY/);
    expect(stderr).not.toContain('sk-secret');
  });
});

describe('init', () => {
  it('ends with what works where it was called', async () => {
    const folder = join(shop.dir, 'club');
    const installed = await shop.run(['init', folder]);
    expect(installed.stdout).toContain(`Next: cd ${folder}, copy .env.example to .env`);
    const cloned = await shop.run(['init', folder], { env: { npm_lifecycle_event: 'shopper' } });
    expect(cloned.stdout).toContain(
      `Next: AGENT_FILE=${folder}/agent.yml SHOPPER_DATA_DIR=${folder}/data npm start\n`,
    );
    expect(cloned.stdout).not.toContain('run "shopper"');
  });
});
