import { describe, expect, it } from 'vitest';
import createAdapter from '../../examples/adapter/adapter.ts';
import { lineOfChange } from '../../src/core/views.ts';
import { adapterContract, type ContractHarness, type Somebody } from '../adapters/contract.ts';
import { createScriptedBot, done, keeper } from '../adapters/scripted-bot.ts';
import { startSource, temporaryFolder } from '../helpers/cli.ts';
import { type ParlourMember, type Posted, startParlour } from './parlour-server.ts';
import { silentLog, until } from './waiting.ts';

const TOKEN = 'parlour-token';
const people: Record<Somebody, ParlourMember> = {
  ann: { id: 'p1', name: 'Ann', bot: false },
  ben: { id: 'p2', name: 'Ben', bot: false },
};
const robot: ParlourMember = { id: 'p3', name: 'Robot', bot: true };

adapterContract('The example', harness);

async function harness(): Promise<ContractHarness> {
  const parlour = await startParlour(TOKEN);
  const env = { PARLOUR_URL: parlour.url, PARLOUR_TOKEN: TOKEN };
  let bot = createScriptedBot();
  let adapter = await createAdapter({ env, log: silentLog });
  await adapter.start(bot);
  const posted = (sent: unknown) => sent as Posted;

  return {
    get adapter() {
      return adapter;
    },
    get bot() {
      return bot;
    },
    write: (who, where, text) =>
      where === 'private'
        ? parlour.say(people[who], `with-${who}`, true, text)
        : parlour.say(people[who], 'hall', false, `@shopper ${text}`),
    edit: (sent, text) => parlour.edit(posted(sent), text),
    remove: sent => parlour.remove(posted(sent)),
    deliverAgain: sent => parlour.deliver({ type: 'message', message: posted(sent) }),
    async noise() {
      await parlour.say(people.ben, 'hall', false, 'Has anybody seen my umbrella?');
      await parlour.say(robot, 'hall', false, '@shopper hello, fellow robot');
      for (const message of parlour.messages.filter(({ author }) => author.id === 'bot')) {
        await parlour.deliver({ type: 'message', message });
      }
    },
    isAtWork: ({ conversation }) => parlour.typing.has(conversation.channel),
    sees: (who, { conversation }) =>
      parlour.messages
        .filter(({ author, room }) => author.id === 'bot' && room === conversation.channel)
        .filter(({ onlyFor }) => onlyFor === null || onlyFor === people[who].id)
        .map(({ id, text, onlyFor, buttons }) => ({
          id,
          text,
          onlyThem: onlyFor !== null,
          buttons: buttons.map(({ label }) => label),
        })),
    othersSeeQuestions: false,
    press: (who, on, button) => parlour.press(people[who], on.id, button),
    until,
    pass: () => {},
    async restart() {
      await adapter.stop();
      bot = bot.successor();
      adapter = await createAdapter({ env, log: silentLog });
      await adapter.start(bot);
    },
    async stop() {
      await adapter.stop();
      await parlour.stop();
    },
  };
}

describe('the example adapter', { timeout: 90_000 }, () => {
  it('waits out a busy or broken platform and then posts the whole reply once', async () => {
    const { adapter, bot, parlour } = await open();
    await parlour.say(people.ann, 'with-ann', true, 'Hello');
    const [message] = bot.received;
    if (message === undefined) throw new Error('no message');
    const sink = adapter.openReply(message, null, keeper().save);
    await until(() => parlour.typing.has('with-ann'), 'a sign of work');
    parlour.failNext(429, 2);
    await sink.finish(done('All of it.'));
    sink.close();
    expect(parlour.messages.filter(({ author }) => author.bot).map(({ text }) => text)).toEqual([
      'All of it.',
    ]);
    await adapter.stop();
    await parlour.stop();
  });

  it('brings an answer to the process in which the question is open', async () => {
    const { adapter, bot, parlour } = await open();
    await parlour.say(people.ann, 'hall', false, '@shopper search');
    const [message] = bot.received;
    if (message === undefined) throw new Error('no message');
    // The worker only sends; what is pressed arrives at the other one, which hands it over.
    const worker = await createAdapter({
      env: { PARLOUR_URL: parlour.url, PARLOUR_TOKEN: TOKEN },
      log: silentLog,
    });
    await worker.start(createScriptedBot(), 'send');
    bot.relay = async (platform, payload) => {
      expect(platform).toBe('parlour');
      return worker.relayed?.(payload) ?? null;
    };
    const sink = worker.openReply(message, null, keeper().save);
    const question = { id: 'q', text: 'May I?', detail: '' };
    const answer = sink.ask(question, AbortSignal.timeout(20_000));
    const asked = await until(() => parlour.messages.find(({ text }) => text === 'May I?'), 'the question');
    // Somebody else's word is not hers.
    await parlour.press(people.ben, asked.id, 'Yes');
    await parlour.press(people.ann, asked.id, 'No');
    expect(await answer).toBe(false);
    sink.close();
    await adapter.stop();
    await parlour.stop();
  });

  it('runs in the bot by its path, remembers a person, and lets only them undo', async () => {
    const parlour = await startParlour(TOKEN);
    const folder = await temporaryFolder();
    const program = startSource('src/cli.ts', ['start'], {
      SHOPPER_DATA_DIR: folder.path,
      ADAPTERS: './examples/adapter/adapter.ts',
      PARLOUR_URL: parlour.url,
      PARLOUR_TOKEN: TOKEN,
    });
    await program.says(/Parlour is connected/);
    await parlour.say(people.ann, 'with-ann', true, 'I wear size 9 shoes');
    const added = lineOfChange({ type: 'added', text: 'shoe size: 9' });
    const notice = await until(() => parlour.messages.find(({ text }) => text.includes(added)), 'the notice');
    await parlour.press(people.ben, notice.id, 'Undo');
    await parlour.say(people.ann, 'with-ann', true, '/preferences');
    expect(await until(() => lastFor('p1', parlour.messages), 'what it remembers')).toMatch(/shoe size: 9/);
    program.child.kill('SIGTERM');
    expect((await program.finished).code).toBe(0);
    await parlour.stop();
    await folder.remove();
  });

  it('says which settings it misses', async () => {
    const folder = await temporaryFolder();
    const { code, stderr } = await startSource('src/cli.ts', ['start'], {
      SHOPPER_DATA_DIR: folder.path,
      ADAPTERS: './examples/adapter/adapter.ts',
    }).finished;
    expect(code).toBe(1);
    expect(stderr).toMatch(/PARLOUR_URL and PARLOUR_TOKEN are needed/);
    await folder.remove();
  });
});

async function open() {
  const parlour = await startParlour(TOKEN);
  const bot = createScriptedBot();
  const env = { PARLOUR_URL: parlour.url, PARLOUR_TOKEN: TOKEN };
  const adapter = await createAdapter({ env, log: silentLog });
  await adapter.start(bot);
  return { adapter, bot, parlour };
}

function lastFor(person: string, messages: readonly Posted[]): string | undefined {
  return messages.findLast(({ onlyFor }) => onlyFor === person)?.text;
}
