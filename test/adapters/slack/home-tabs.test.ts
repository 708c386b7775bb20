import { expect, it } from 'vitest';
import { createHomeTabs } from '../../../src/adapters/slack/memory/home-tabs.ts';
import { createScriptedBot } from '../scripted-bot.ts';

it('of many people, those who looked at their Home tab last have it kept up to date', async () => {
  const published: unknown[] = [];
  const work: Promise<unknown>[] = [];
  const bot = createScriptedBot();
  bot.onCommand = () => ({ type: 'outcome', ok: true, sentence: 'Done.' });
  const homes = createHomeTabs({
    bot: () => bot,
    apiOf: () => ({
      hasRoom: () => true,
      async call(_method, { user_id }) {
        published.push(user_id);
        return {};
      },
    }),
    background: each => work.push(each),
  });
  const actor = (user: string) => ({
    tenant: 'T1',
    user,
    person: { platform: 'slack', workspace: 'T1', id: user, name: user },
  });
  homes.seen(actor('early'));
  homes.seen(actor('faithful'));
  for (let n = 0; n < 9_999; n += 1) homes.seen(actor(`U${n}`));
  homes.seen(actor('faithful'));
  homes.seen(actor('late'));
  for (const user of ['early', 'faithful', 'late']) homes.refresh(actor(user));
  await Promise.all(work);
  expect(published).toEqual(['faithful', 'late']);
});
