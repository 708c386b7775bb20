import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type MessagesEndpoint, message, startMessagesEndpoint } from '../fakes/messages-endpoint.ts';
import { chat, type Finished, startSource, temporaryFolder } from '../helpers/cli.ts';

let folder: { path: string; remove(): Promise<void> };
let model: MessagesEndpoint;
let shop: Server;
let asked: string[];
beforeEach(async () => {
  folder = await temporaryFolder();
  model = await startMessagesEndpoint();
  asked = [];
  // The shop's own system: it knows one order, of one customer.
  shop = createServer((request, response) => {
    asked.push(request.url ?? '');
    const mine = request.url === '/orders/AB-12345?customer=terminal%3Alocal%3Aann';
    response.writeHead(mine ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ status: 'on its way', items: ['Elm boots'], arrives: 'Friday' }));
  });
  shop.listen(0, '127.0.0.1');
  await once(shop, 'listening');
});
afterEach(async () => {
  await model.stop();
  shop.close();
  await folder.remove();
});

/** The last tool results that the model was given. */
function results(): unknown[] {
  const content = model.requests.at(-1)?.body.messages.at(-1)?.content;
  return typeof content === 'string' || content === undefined
    ? []
    : content.filter(({ type }) => type === 'tool_result').map(block => JSON.stringify(block));
}

function ask(user: string, number: string): Promise<Finished> {
  model.replies.push(
    message({ tool: 'order_status', input: { number } }),
    message({ text: 'That is what the shop says.' }),
  );
  const { port } = shop.address() as AddressInfo;
  return chat(['Where is my order?'], {
    dataDir: folder.path,
    user,
    start: startSource,
    env: {
      AGENT_FILE: 'examples/custom-tool/agent.yml',
      MODEL_BASE_URL: model.url,
      ORDERS_URL: `http://127.0.0.1:${port}`,
    },
  });
}

describe('examples/custom-tool', { timeout: 90_000 }, () => {
  it('is offered to the model with its schema, and looks up the order of the person who asks', async () => {
    expect(await ask('ann', 'AB-12345')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('That is what the shop says.'),
    });
    const offered = model.requests[0]?.body.tools?.find(({ name }) => name === 'order_status');
    expect(offered?.input_schema).toMatchObject({ required: ['number'] });
    expect(results().join()).toContain('AB-12345 is on its way: Elm boots. It arrives on Friday.');
  });

  it('finds nothing for somebody else with the same number', async () => {
    await ask('ben', 'AB-12345');
    expect(asked).toEqual(['/orders/AB-12345?customer=terminal%3Alocal%3Aben']);
    expect(results().join()).toContain('There is no order AB-12345 of this person.');
  });

  it('never runs with what its schema does not allow', async () => {
    await ask('ann', '../../customers');
    expect(asked).toEqual([]);
    expect(results().join()).toContain('Invalid input');
  });
});
