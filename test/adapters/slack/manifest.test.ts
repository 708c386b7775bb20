import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { EVENTS, SCOPES, WHY_SHORTCUT } from '../../../src/adapters/slack/connection/scopes.ts';
import { readManifest } from './manifest.ts';

const published = z.fromJSONSchema(
  JSON.parse(
    readFileSync(
      new URL('../../fixtures/slack-manifest-schema/manifest.schema.2.0.0.json', import.meta.url),
      'utf8',
    ),
  ),
);

const FILES = ['manifest.yml', 'manifest.http.yml'];
const textOf = (file: string) => readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');

describe.each(FILES)('%s', file => {
  it('is accepted by Slack’s published schema', () => {
    const result = published.safeParse(parse(textOf(file)));
    expect(result.error?.issues ?? []).toEqual([]);
  });

  it('asks for the scopes and events that the adapter uses, and no more', () => {
    const manifest = readManifest(file);
    expect(manifest.oauth_config.scopes.bot).toEqual(SCOPES);
    expect(manifest.settings.event_subscriptions.bot_events).toEqual(EVENTS);
    expect(manifest.features.shortcuts).toEqual([{ callback_id: WHY_SHORTCUT, type: 'message' }]);
  });
});

it('the schema refuses what it should', () => {
  const manifest = parse(textOf('manifest.yml'));
  manifest.features.agent_view.unheard_of = true;
  expect(published.safeParse(manifest).success).toBe(false);
});

it('the two manifests differ in the transport alone', () => {
  const withoutTransport = (file: string) => {
    const { settings, features, ...rest } = parse(textOf(file));
    delete settings.socket_mode_enabled;
    delete settings.event_subscriptions.request_url;
    delete settings.interactivity.request_url;
    for (const command of features.slash_commands) delete command.url;
    return { settings, features, ...rest };
  };
  expect(withoutTransport('manifest.http.yml')).toEqual(withoutTransport('manifest.yml'));
  expect(readManifest('manifest.yml').settings.socket_mode_enabled).toBe(true);
  expect(readManifest('manifest.http.yml').settings.socket_mode_enabled).toBe(false);
});
