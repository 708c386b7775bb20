import { z } from 'zod';

/** Where a reply goes: what Message.replyTo carries. */
export const replyTarget = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('channel'),
    channelId: z.string(),
    messageId: z.string(),
    /** The name of the thread to make from the message; null: the answer goes where the message is. */
    thread: z.string().nullable(),
    /** Refer to the message, where several people talk. */
    quotes: z.boolean(),
  }),
  z.object({
    type: z.literal('interaction'),
    token: z.string(),
    /** When the token ends, in milliseconds since the Unix epoch. */
    until: z.number(),
    /** Only the asking person sees it. */
    ephemeral: z.boolean(),
    channelId: z.string(),
    /** Whether the bot itself is where this was asked; otherwise five messages may follow the first. */
    installed: z.boolean(),
  }),
]);

export type ReplyTarget = z.infer<typeof replyTarget>;
