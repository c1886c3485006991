/** A port for tests that know one before somebody listens on it, or use it when nobody does any more. */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Resolves with a port of 127.0.0.1 on which nothing listens. The system hands out ports from 32,768 on to servers that
 * ask for any: none of another test gets this one by chance.
 */
export async function quietPort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
