import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../helpers/cli.ts';

const REPO = resolve(import.meta.dirname, '../..');

let folder: { path: string; remove(): Promise<void> };
let registry: Server;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(async () => {
  registry.close();
  await folder.remove();
});

/** `.ci/supply-chain` with a registry that answers every question about advisories like this. */
async function check(status: number, answer: object): Promise<{ code: number | null; said: string }> {
  registry = createServer((request, response) => {
    const asksForAdvisories = request.url?.startsWith('/-/npm/v1/security/advisories') === true;
    response.writeHead(asksForAdvisories ? status : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(asksForAdvisories ? answer : {}));
  });
  registry.listen(0, '127.0.0.1');
  await once(registry, 'listening');
  const { port } = registry.address() as AddressInfo;
  const child = spawn(join(REPO, '.ci/supply-chain'), [join(folder.path, 'sbom.json')], {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      npm_config_registry: `http://127.0.0.1:${port}/`,
      npm_config_fetch_retries: '0',
      // npm remembers advisories in its cache.
      npm_config_cache: join(folder.path, 'cache'),
    },
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk;
  });
  child.stderr.resume();
  const [code] = await once(child, 'close');
  return { code, said };
}

const advisory = (severity: string) => ({
  hono: [
    {
      id: 1,
      url: 'https://example.com/GHSA-1',
      title: 'A hole',
      severity,
      vulnerable_versions: '*',
      cwe: [],
      cvss: { score: 0, vectorString: null },
    },
  ],
});

describe('the check of packages', { timeout: 90_000 }, () => {
  it('lists what runs in production, and nothing that only tests need', async () => {
    expect(await check(200, {})).toMatchObject({ code: 0, said: expect.stringContaining('0 in all') });
    const { bomFormat, components } = JSON.parse(await readFile(join(folder.path, 'sbom.json'), 'utf8')) as {
      bomFormat: string;
      components: { name: string }[];
    };
    expect(bomFormat).toBe('CycloneDX');
    const names = components.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['hono', 'discord.js', 'bullmq']));
    expect(names).not.toContain('vitest');
  });

  it('fails for an advisory of high severity, and names the package', async () => {
    const { code, said } = await check(200, advisory('high'));
    expect(said).toMatch(/advisories: high: hono/);
    expect(code).toBe(1);
  });

  it('goes on for one of low severity, and counts it', async () => {
    expect(await check(200, advisory('low'))).toMatchObject({
      code: 0,
      said: expect.stringMatching(/[1-9]\d* in all, 0 of high severity or more/),
    });
  });

  it('says so where the registry offers no advisories', async () => {
    expect(await check(405, {})).toMatchObject({
      code: 0,
      said: expect.stringContaining('this registry gave no answer'),
    });
  });
});
