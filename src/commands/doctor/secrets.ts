/** Settings whose values are nobody's business. */
const SECRETS = [
  'ANTHROPIC_API_KEY',
  'MODEL_API_KEY',
  'SLACK_BOT_TOKEN',
  'SLACK_APP_TOKEN',
  'SLACK_CONFIG_TOKEN',
  'SLACK_SIGNING_SECRET',
  'SLACK_CLIENT_SECRET',
  'SLACK_STATE_SECRET',
  'SLACK_ENCRYPTION_KEY',
  'DISCORD_TOKEN',
] as const;
const ADDRESSES = ['DATABASE_URL', 'REDIS_URL', 'ANTHROPIC_BASE_URL', 'MODEL_BASE_URL'] as const;
/** Anything shorter would black out ordinary words. */
const SHORTEST = 6;

/**
 * Takes secrets out of a text before it is shown. Nothing puts them in on purpose; this is for the words of
 * servers and libraries, which are quoted here and there.
 */
export function withoutSecrets(env: NodeJS.ProcessEnv): (text: string) => string {
  const values = [
    ...SECRETS.map(name => env[name]?.trim()),
    ...ADDRESSES.flatMap(name => passwordsOf(env[name])),
  ].filter(value => value !== undefined && value.length >= SHORTEST);
  return text => values.reduce<string>((clean, value) => clean.replaceAll(value ?? '', '[secret]'), text);
}

/** As it stands in the URL and as servers are given it: either may be quoted. */
function passwordsOf(url: string | undefined): string[] {
  if (url === undefined || !URL.canParse(url)) return [];
  const { password } = new URL(url);
  try {
    return [decodeURIComponent(password), password];
  } catch {
    // A bare % stands for itself.
    return [password];
  }
}
