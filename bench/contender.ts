/** What a contender needs and what a run says, as plain data between processes. */

import { readFileSync } from 'node:fs';

export interface SlackSetup {
  apiUrl: string;
  signingSecret: string;
  clientId: string;
  clientSecret: string;
  installations: { team: string; token: string; botUserId: string; botId: string }[];
}

export interface DiscordSetup {
  apiUrl: string;
  token: string;
  applicationId: string;
}

/** One of the two. */
export interface PlatformSetup {
  slack?: SlackSetup | undefined;
  discord?: DiscordSetup | undefined;
}

/** Given to a contender as JSON, in the file that BENCH_SETUP names. */
export interface ContenderSetup extends PlatformSetup {
  agentUrl: string;
  dataDir: string;
  port: number;
}

export interface Work {
  clients: number;
  turns: number;
  /** How many tokens a reply has. */
  tokens?: number;
  /** In the last conversation of each person; otherwise each turn begins one. */
  again?: boolean;
  /** Leave a little time between two turns of a client, so that one does not wait for what ends the other. */
  settle?: boolean;
  /** The clients begin one after the other in this time. */
  overMs?: number;
  /** Of the people, how many to pass over first. */
  skip?: number;
}

/** Times in nanoseconds of the machine's monotonic clock, as text: they pass between processes. */
export interface TurnTimes {
  turn: number;
  tokens: number;
  writtenAt: string;
  /** The first thing that a person sees: a status, or words. */
  signAt: string | null;
  /** When each token was first seen. */
  shownAt: string[];
  /** Methods called at Slack. */
  calls: string[];
}

export interface WorkResult {
  seconds: number;
  turns: TurnTimes[];
  /** Calls that Slack refused with 429. */
  limited: number;
  /** Turns that nobody answered. */
  lost: number;
}

export function readSetup(): ContenderSetup {
  return JSON.parse(readFileSync(process.env.BENCH_SETUP ?? '', 'utf8'));
}

export function slackOf({ slack }: PlatformSetup): SlackSetup {
  if (slack === undefined) throw new Error('there is no Slack here');
  return slack;
}

export function discordOf({ discord }: PlatformSetup): DiscordSetup {
  if (discord === undefined) throw new Error('there is no Discord here');
  return discord;
}

/** The words for a question, from the agent's plain stream: what the alternatives show. */
export async function* plainTokens(agentUrl: string, question: string): AsyncGenerator<string> {
  const response = await fetch(`${agentUrl}/plain`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ question }),
  });
  if (response.body === null) return;
  let rest = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    rest += chunk;
    const frames = rest.split('\n\n');
    rest = frames.pop() ?? '';
    for (const frame of frames) yield String(JSON.parse(frame.slice('data: '.length)).text);
  }
}
