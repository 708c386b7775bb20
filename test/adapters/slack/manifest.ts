import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';

const schema = z.object({
  features: z.object({
    slash_commands: z.array(z.object({ command: z.string() })),
    shortcuts: z.array(z.object({ callback_id: z.string(), type: z.string() })),
  }),
  oauth_config: z.object({ scopes: z.object({ bot: z.array(z.string()) }) }),
  settings: z.object({
    event_subscriptions: z.object({ bot_events: z.array(z.string()) }),
    socket_mode_enabled: z.boolean(),
  }),
});

/** What the app asks for, as it will be set up in Slack: the fake Slack is set up by it too. */
export function readManifest(file: string): z.infer<typeof schema> {
  return schema.parse(parse(readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8')));
}
