import type { Message } from '../../../src/core/message.ts';
import { elementsIn } from '../../fakes/slack/drivers/elements.ts';
import type { Seen } from '../../fakes/slack/drivers/screen.ts';
import type { Posted } from '../../fakes/slack/drivers/sent.ts';
import { adapterContract, type ContractHarness, type Somebody, type Visible } from '../contract.ts';
import { createWorld, TRANSPORTS, type TransportName } from './harness.ts';

for (const transport of TRANSPORTS) adapterContract(`Slack over ${transport}`, () => harness(transport));

async function harness(transport: TransportName): Promise<ContractHarness> {
  const world = await createWorld({ transport });
  const { slack, workspace } = world;
  const people = { ann: world.ann, ben: world.ben };
  const channel = workspace.addChannel('general', { members: [world.ann, world.ben] });
  const robot = workspace.addBot('robot');
  const placeOf = (message: Message) => ({
    channel: message.conversation.channel,
    thread: message.conversation.thread ?? '',
  });

  function seenBy(who: Somebody, message: Message): Seen[] {
    const { channel: id, thread } = placeOf(message);
    const found = people[who].sees(id, thread);
    return found.filter(({ fromApp }) => fromApp);
  }

  return {
    get adapter() {
      return world.adapter;
    },
    get bot() {
      return world.bot;
    },
    async write(who, where, text) {
      const posted = where === 'private' ? people[who].dm(text) : people[who].mention(channel.id, text);
      await posted.settled;
      return { who, posted };
    },
    async edit(sent, text) {
      const { who, posted } = sent as { who: Somebody; posted: Posted };
      await people[who].edit(posted, text).settled;
    },
    async remove(sent) {
      const { who, posted } = sent as { who: Somebody; posted: Posted };
      await people[who].delete(posted).settled;
    },
    async deliverAgain(sent) {
      const { posted } = sent as { posted: Posted };
      for (const delivery of posted.deliveries) await delivery.again({ num: 1, reason: 'timeout' });
    },
    async noise() {
      await world.ben.post(channel.id, 'Has anybody seen my umbrella?').settled;
      await channel.systemMessage('channel_join', world.ben, 'has joined the channel').settled;
      await robot.post(channel.id, `<@${world.installed.botUserId}> hello, fellow robot`).settled;
      await robot.post(channel.id, 'classic', { classic: true }).settled;
    },
    isAtWork: message => people.ann.status(placeOf(message).channel, placeOf(message).thread) !== undefined,
    sees: (who, message) => seenBy(who, message).map(visible),
    othersSeeQuestions: true,
    async press(who, on, button) {
      const all = [...slackMessages(who)];
      const seen = all.find(({ ts }) => ts === on.id);
      if (seen === undefined) throw new Error('the message is gone');
      const element = elementsIn(seen.blocks).find(({ element: it }) => labelOf(it) === button)?.element;
      if (element === undefined) throw new Error(`no button ${button}`);
      const { outcome } = people[who].press(seen, String(element.action_id));
      await outcome;
    },
    async stopReply(message) {
      const { channel: id, thread } = placeOf(message);
      await people.ann.stop(id, thread).settled;
    },
    until: (look, what) => slack.until(look, what),
    pass: () => slack.clock.advance(1_000),
    restart: () => world.restart(),
    stop: () => world.stop(),
  };

  function slackMessages(who: Somebody): Seen[] {
    const user = people[who];
    return [...user.sees(channel.id), ...user.sees(user.dmChannel)];
  }
}

function visible(seen: Seen): Visible {
  const buttons = elementsIn(seen.blocks)
    .map(({ element }) => labelOf(element))
    .filter(label => label !== '');
  return {
    id: seen.ts,
    text: readable(seen, buttons),
    onlyThem: seen.ephemeral,
    buttons,
  };
}

/** Without button labels, and with Slack's escapes as they are read. */
function readable(seen: Seen, buttons: readonly string[]): string {
  return seen.text
    .split('\n')
    .filter(line => !buttons.includes(line) && !['Good answer', 'Bad answer'].includes(line))
    .join('\n')
    .replaceAll('\u200b', '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

function labelOf(element: Readonly<Record<string, unknown>>): string {
  const { text } = element;
  if (element.type !== 'button' || typeof text !== 'object' || text === null || !('text' in text)) return '';
  return String(text.text);
}
