import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Files that come with the program, from the source and from the built package alike; `name` from its root. */
export function ownFile(name: string): string {
  return fileURLToPath(new URL(`../${name}`, import.meta.url));
}

export const OWN_AGENT_FILE = ownFile('agent.yml');

/** ./agent.yml, or where there is none (as in an empty folder) the persona that comes with the program. */
export function defaultAgentFile(): string {
  return existsSync('agent.yml') ? './agent.yml' : OWN_AGENT_FILE;
}

export function ownVersion(): string {
  const { version } = JSON.parse(readFileSync(ownFile('package.json'), 'utf8')) as { version: string };
  return version;
}
