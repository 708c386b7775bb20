import { PermissionFlagsBits } from 'discord.js';

/** What the bot does in a server, and the permission each takes. Nothing else is asked for. */
export const PERMISSIONS = [
  { flag: PermissionFlagsBits.ViewChannel, name: 'View Channels', why: 'see the messages that mention it' },
  { flag: PermissionFlagsBits.SendMessages, name: 'Send Messages', why: 'answer' },
  {
    flag: PermissionFlagsBits.CreatePublicThreads,
    name: 'Create Public Threads',
    why: 'answer a mention in a thread of its own',
  },
  {
    flag: PermissionFlagsBits.SendMessagesInThreads,
    name: 'Send Messages in Threads',
    why: 'carry on in that thread, and in forum posts',
  },
  {
    flag: PermissionFlagsBits.ReadMessageHistory,
    name: 'Read Message History',
    why: 'reply to a message, see what others said in the thread, and catch up after being offline',
  },
  {
    flag: PermissionFlagsBits.Connect,
    name: 'Connect',
    why: 'use the text chat of voice channels (Discord ties it to this permission)',
  },
] as const;

/** What answering in a new thread takes. */
export const THREAD_PERMISSIONS =
  PermissionFlagsBits.CreatePublicThreads |
  PermissionFlagsBits.SendMessagesInThreads |
  PermissionFlagsBits.ReadMessageHistory;

/** The link with which somebody who manages a server adds the bot to it. */
export function inviteLink(applicationId: string): string {
  const permissions = PERMISSIONS.reduce((sum, { flag }) => sum | flag, 0n);
  const query = new URLSearchParams({
    client_id: applicationId,
    scope: 'bot applications.commands',
    permissions: String(permissions),
  });
  return `https://discord.com/oauth2/authorize?${query}`;
}
