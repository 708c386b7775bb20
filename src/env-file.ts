import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

export class EnvFileError extends Error {}

/** Settings may come from .env in the current folder as well; what the environment already has wins. */
export function loadEnvFile(env: NodeJS.ProcessEnv): void {
  for (const [name, value] of Object.entries(parseEnv(source()))) env[name] ??= value;
}

/** Read here, because Node's own loader takes a file that may not be read for one that is not there. */
function source(): string {
  try {
    return readFileSync('.env', 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return '';
    throw new EnvFileError(
      code === 'EISDIR'
        ? 'Here .env is a folder: Docker makes one where the file that is to be mounted is not there. Remove it, and put the file in its place.'
        : `Cannot read .env (${code}). Make it readable for the user that runs this program; in the image that is node (1000).`,
      { cause: error },
    );
  }
}
