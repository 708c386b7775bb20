import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Way {
  /** The server's address, by this way. */
  url: string;
  /** Breaks every connection; new ones get through. */
  cut(): void;
  /** Breaks every connection, and refuses new ones until `up`. */
  down(): Promise<void>;
  up(): Promise<void>;
  /** Nothing that is sent arrives any more, on no connection, and nobody hears of it: a server that hangs. */
  hang(): void;
  stop(): Promise<void>;
}

/** A way to a server that can be cut. `heard` is given what is sent to it. */
export async function cuttable(url: string, usualPort: number, heard?: (data: Buffer) => void): Promise<Way> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let hangs = false;
  const server = createServer(near => {
    const port = target.port === '' ? usualPort : Number(target.port);
    const far = connect({ host: target.hostname, port });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    }
    if (heard !== undefined) near.on('data', heard);
    far.pipe(near);
    near.on('data', data => {
      if (!hangs) far.write(data);
    });
    near.on('end', () => far.end());
    near.on('close', () => far.destroy());
  });
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const through = new URL(url);
  through.hostname = '127.0.0.1';
  through.port = String(port);
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const down = async () => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    cut();
    await closed;
  };
  return {
    url: through.href,
    cut,
    down,
    up: () => listen(port),
    hang() {
      hangs = true;
    },
    stop: down,
  };
}
