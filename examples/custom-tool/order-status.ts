// A tool of one's own in one file: the agent can look up an order in the shop's system. agent.yml beside it asks for it.

// In a project of your own: import { defineTool, z } from 'shopper';
import { defineTool, z } from '../../src/extending.ts';

const order = z.object({
  status: z.enum(['packing', 'on its way', 'delivered', 'returned']),
  items: z.array(z.string()),
  arrives: z.string().optional(),
});

export default defineTool({
  name: 'order_status',
  description:
    "Looks up one of the person's own orders by its number: what it holds, where it is, when it arrives.",
  label: 'Looking up your order',
  input: z.object({
    number: z
      .string()
      .regex(/^[A-Z]{2}-\d{4,8}$/)
      .describe('As on the receipt, such as AB-12345'),
  }),
  // The words in an order are the shop's, not the person's: what the agent learns from them is asked about first.
  outside: true,
  async run({ number }, { person, signal }) {
    const { ORDERS_URL } = process.env;
    if (ORDERS_URL === undefined) throw new Error('Orders cannot be looked up at the moment.');
    const url = new URL(`/orders/${number}`, ORDERS_URL);
    // Who asks comes from the bot, never from the model: nobody is told of other people's orders.
    url.searchParams.set('customer', `${person.platform}:${person.workspace}:${person.id}`);
    const response = await fetch(url, { signal });
    if (response.status === 404) return `There is no order ${number} of this person.`;
    if (!response.ok) throw new Error('Orders cannot be looked up at the moment.');
    const { status, items, arrives } = order.parse(await response.json());
    return `${number} is ${status}: ${items.join(', ')}.${arrives === undefined ? '' : ` It arrives on ${arrives}.`}`;
  },
});
