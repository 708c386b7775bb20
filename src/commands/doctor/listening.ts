import { createServer } from 'node:net';

/** Null when a program can listen there; otherwise why not. The port is given back at once. `host` absent: everywhere. */
export function bindable(port: number, host?: string): Promise<string | null> {
  return new Promise(resolve => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, host, () => server.close(() => resolve(null)));
  });
}
