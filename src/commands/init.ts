import { constants } from 'node:fs';
import { copyFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SetupError } from '../core/errors.ts';
import { makeFolder } from '../folders.ts';
import { ownFile } from '../own-files.ts';
import { defineCommand, EXIT, NotFoundError } from './command.ts';

const PERSONAS = 'examples/personas';

export const init = defineCommand({
  name: 'init',
  args: '[FOLDER]',
  takes: [0, 1],
  summary: 'write agent.yml, .env.example and manifest.yml into a folder, to make the bot yours',
  json: false,
  options: {
    persona: {
      type: 'string',
      value: 'NAME',
      help: 'start from an example persona instead: shopper, it-helpdesk or running-coach',
    },
  },
  details: 'Existing files stay as they are. The folder is the current one unless you name another.',
  async run({ values, args }, io) {
    const folder = args[0] ?? '.';
    const files = [
      ['agent.yml', await personaFile(values.persona)],
      ['.env.example', ownFile('.env.example')],
      ['manifest.yml', ownFile('manifest.yml')],
    ] as const;
    try {
      await makeFolder(folder);
      for (const [name, source] of files) {
        const path = join(folder, name);
        io.stdout.write(`${(await copyIfAbsent(source, path)) ? 'wrote' : 'kept'} ${path}\n`);
      }
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new SetupError(
        `Cannot write to the folder ${folder} (${reason}). Name one that you may write to: shopper init FOLDER`,
        { cause },
      );
    }
    io.stdout.write(io.env.npm_lifecycle_event === 'shopper' ? nextInClone(folder) : next(folder));
    return EXIT.ok;
  },
});

function next(folder: string): string {
  const there = folder === '.' ? '' : `cd ${folder}, `;
  return `Next: ${there}copy .env.example to .env and fill in what you need, then run "shopper" there. manifest.yml is for creating the app in Slack.\n`;
}

/** By `npm run shopper`: the program is here and no command elsewhere, so it is told where its files are. */
function nextInClone(folder: string): string {
  const settings =
    folder === '.' ? '' : `AGENT_FILE=${join(folder, 'agent.yml')} SHOPPER_DATA_DIR=${join(folder, 'data')} `;
  return [
    `Next: ${settings}npm start`,
    `Tokens and other settings go in .env here; ${join(folder, '.env.example')} lists them. ${join(folder, 'manifest.yml')} is for creating the app in Slack.\n`,
  ].join('\n');
}

async function personaFile(name: string | undefined): Promise<string> {
  if (name === undefined) return ownFile('agent.yml');
  const known = (await readdir(ownFile(PERSONAS))).filter(file => file.endsWith('.yml'));
  if (known.includes(`${name}.yml`)) return ownFile(`${PERSONAS}/${name}.yml`);
  const names = known.map(file => file.slice(0, -'.yml'.length)).sort();
  throw new NotFoundError(`There is no persona "${name}". Choose one of: ${names.join(', ')}.`);
}

async function copyIfAbsent(from: string, to: string): Promise<boolean> {
  try {
    // COPYFILE_EXCL: what somebody wrote is never written over.
    await copyFile(from, to, constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}
