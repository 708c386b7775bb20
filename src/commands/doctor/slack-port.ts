import { createHmac, randomBytes } from 'node:crypto';
import { type Check, fine, problem, warning } from './findings.ts';
import { bindable } from './listening.ts';
import type { Network } from './network.ts';

/** Whether the bot can listen where Slack's requests go (or, without a secret, where its installation pages are). */
export async function checkSlackPort(
  { port, signingSecret }: { port: number; signingSecret: string | null },
  network: Network,
): Promise<Check[]> {
  const checks: Check[] = [];
  // As Slack makes them: 32 hexadecimal digits.
  if (signingSecret !== null && !/^[0-9a-f]{32}$/.test(signingSecret)) {
    checks.push(
      warning(
        'slack.signing_secret',
        'SLACK_SIGNING_SECRET does not look like a signing secret: those are 32 hexadecimal digits',
        'Copy it again: api.slack.com/apps → your app → Basic Information → App Credentials → Signing Secret. It is neither the verification token nor the client secret.',
      ),
    );
  }
  const code = await bindable(port);
  if (code === null) return [...checks, fine(`Port ${port} is free to listen on`)];
  if (code === 'EADDRINUSE') return [...checks, await whoListens(port, signingSecret, network)];
  return [
    ...checks,
    problem(
      'slack.port_taken',
      `The bot may not listen on port ${port} (${code})`,
      'Set PORT to one above 1024, and have a reverse proxy forward requests to it.',
    ),
  ];
}

/** A running bot answers the question Slack asks when a Request URL is saved, if it is signed with its secret. */
async function whoListens(port: number, signingSecret: string | null, network: Network): Promise<Check> {
  const taken = (text: string, mend: string) => problem('slack.port_taken', text, mend);
  const another = `Stop it, or set PORT to another one. To see what it is: ss -ltnp 'sport = :${port}'`;
  if (signingSecret === null) {
    const page = await network
      .fetch(null)(`http://127.0.0.1:${port}/slack/install`, { redirect: 'manual' })
      .catch(() => null);
    const isOurs = page !== null && page.status < 400;
    return isOurs
      ? fine(`A bot is already listening on port ${port}`)
      : taken(`Port ${port} is taken by another program`, another);
  }
  const challenge = randomBytes(12).toString('hex');
  const body = JSON.stringify({ type: 'url_verification', challenge });
  const timestamp = Math.floor(Date.now() / 1_000);
  const digest = createHmac('sha256', signingSecret).update(`v0:${timestamp}:${body}`).digest('hex');
  const answer = await network
    .fetch(null)(`http://127.0.0.1:${port}/slack/events`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-slack-request-timestamp': String(timestamp),
        'x-slack-signature': `v0=${digest}`,
      },
      body,
    })
    .catch(() => null);
  if (answer === null) return taken(`Port ${port} is taken by a program that does not answer`, another);
  const text = await answer.text().catch(() => '');
  if (text.includes(challenge))
    return fine(`A bot with this signing secret is already listening on port ${port}`);
  if (answer.status === 401) {
    return taken(
      `Port ${port} is taken by a bot with another signing secret`,
      `Restart that bot if SLACK_SIGNING_SECRET has changed since it was started. Otherwise: ${another}`,
    );
  }
  return taken(`Port ${port} is taken by another program`, another);
}
