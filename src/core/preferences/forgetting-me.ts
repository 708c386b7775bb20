import type { Log } from '../../log.ts';
import type { Accounts } from '../linking/accounts.ts';
import type { MemoryFile } from '../memory/memory-files.ts';
import { factLines } from '../memory/memory-lines.ts';
import type { Person } from '../message.ts';
import type { ForgetMe, Forgotten } from '../people/forget-me.ts';
import { type PreferencesView, titleOfPath } from '../views.ts';
import { saysSomething } from './memory-view.ts';

/** Asks before everything about a person is forgotten, and says what went. */
export function createForgettingMe(deps: {
  forgetMe: ForgetMe;
  accounts: Accounts;
  filesOf(owner: Person): Promise<MemoryFile[]>;
  log: Log;
}) {
  return async (owner: Person, confirmed: boolean): Promise<PreferencesView> => {
    if (!confirmed) {
      const files = await deps.filesOf(owner);
      const { length } = await deps.accounts.accountsOf(owner);
      return {
        type: 'confirm',
        question:
          length > 1 ? `${FORGET_ME} That goes for all ${length} of your linked accounts.` : FORGET_ME,
        items: files.filter(saysSomething).map(file => ({
          title: titleOfPath(file.path),
          path: file.path,
          lines: factLines(file.content).map(fact => fact.text),
          wholeFile: true,
        })),
        action: { type: 'forget-me', confirmed: true },
        button: 'Forget me',
      };
    }
    let counts: Forgotten;
    try {
      counts = await deps.forgetMe.run(owner);
    } catch (error) {
      deps.log.error({ event: 'forget_me.unfinished', err: error }, 'a person could not be forgotten yet');
      return { type: 'receipt', ok: false, sentence: UNFINISHED, counts: [] };
    }
    return {
      type: 'receipt',
      ok: true,
      sentence: 'I have forgotten you. If you write to me again, we start from scratch.',
      counts: (['memories', 'versions', 'sessions', 'files', 'rows'] as const).map(what => ({
        what,
        count: counts[what],
      })),
    };
  };
}

const FORGET_ME =
  'Forget you completely? I delete all your notes with their history, my copy of our conversations, the files in ' +
  'them and every record about you. This cannot be undone.';

const UNFINISHED =
  'I could not finish forgetting you because I cannot reach something I need. I will carry on by myself within the hour, or ' +
  'at once if you ask again. Anything you write to me before then is forgotten too.';
