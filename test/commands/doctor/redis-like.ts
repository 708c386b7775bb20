import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';

/** A server that speaks enough of Redis to be asked how it is set up, and says `facts`: no real one lies about its age. */
export async function startRedisLike(
  facts: Record<string, string>,
): Promise<{ url: string; stop(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const info = Object.entries({ loading: '0', ...facts })
    .map(([name, value]) => `${name}:${value}\r\n`)
    .join('');
  const answers: Record<string, string> = {
    info: `$${Buffer.byteLength(info)}\r\n${info}\r\n`,
    // It holds nothing.
    zrangebylex: '*0\r\n',
  };
  const server = createServer(socket => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', data => {
      // Commands come as arrays: *1\r\n$4\r\nINFO\r\n
      for (const command of String(data).split(/(?=\*\d+\r\n)/)) {
        const [, name = ''] = /^\*\d+\r\n\$\d+\r\n(\w+)/.exec(command) ?? [];
        socket.write(answers[name.toLowerCase()] ?? '+OK\r\n');
      }
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop() {
      for (const socket of sockets) socket.destroy();
      return new Promise(resolve => server.close(() => resolve()));
    },
  };
}
