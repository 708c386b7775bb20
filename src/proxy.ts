import { type Dispatcher, EnvHttpProxyAgent, getGlobalDispatcher, setGlobalDispatcher } from 'undici';
import { givenIn } from './given.ts';

export class ProxyError extends Error {}

/** Never beyond a proxy: the local runtime, health checks, what else runs on this machine. */
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Where machines reach the internet through an HTTP proxy only. HTTPS_PROXY, HTTP_PROXY and NO_PROXY, also in small letters, as
 * other programs read them; HTTP_PROXY counts for https as well where there is no HTTPS_PROXY. It holds for everything
 * in this process that goes through undici, Node's own `fetch` included. Values are not repeated in an error: they may
 * hold a password.
 */
export function useProxy(env: NodeJS.ProcessEnv): void {
  const given = givenIn(env);
  const read = (name: string) => urlOf(name.toLowerCase(), given) ?? urlOf(name, given);
  const http = read('HTTP_PROXY');
  const https = read('HTTPS_PROXY') ?? http;
  const direct = given.no_proxy ?? given.NO_PROXY;
  if (https === undefined || direct === '*') return;
  setGlobalDispatcher(
    new EnvHttpProxyAgent({
      httpProxy: http ?? '',
      httpsProxy: https,
      noProxy: [...(direct === undefined ? [] : [direct]), ...LOOPBACK].join(','),
    }),
  );
}

/** For libraries that connect by themselves unless they are told how. Empty where no proxy is used. */
export function throughProxy(): { dispatcher?: Dispatcher } {
  const dispatcher = getGlobalDispatcher();
  return dispatcher instanceof EnvHttpProxyAgent ? { dispatcher } : {};
}

function urlOf(name: string, given: Record<string, string>): string | undefined {
  const value = given[name];
  if (value === undefined) return undefined;
  const isUrl = URL.canParse(value) && ['http:', 'https:'].includes(new URL(value).protocol);
  if (!isUrl) throw new ProxyError(`${name} must be a URL such as http://proxy.example:3128.`);
  return value;
}
