// Where to find the gateway (docs, events/gateway, "Get Gateway" and "Get Gateway Bot").

import type { Gateway } from '../gateway/gateway.ts';
import { bucket, type Route } from '../router.ts';

export function gatewayRoutes(gateway: () => Gateway): Route[] {
  return [
    {
      method: 'GET',
      path: '/gateway',
      auth: 'token',
      bucket: null,
      handle: () => ({ status: 200, body: { url: gateway().url } }),
    },
    {
      method: 'GET',
      path: '/gateway/bot',
      auth: 'bot',
      bucket: bucket('gateway bot', 2, 5),
      handle: () => ({ status: 200, body: gateway().describe() }),
    },
  ];
}
