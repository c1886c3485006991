/**
 * How the servers of the simulator beside its gateways (control, token endpoint) begin to listen and end. On the
 * simulator's thread.
 */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { PealError } from '../../base/errors.js';

/**
 * Resolves with the port.
 *
 * @param name of the server, within a sentence
 * @throws PealError `ERR_PEAL_OPTION` (as a rejection) if it cannot listen on host and port
 */
export function listenOn(server: Server | SecureServer, name: string, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const message = `The simulator's ${name} cannot listen on ${host}:${port}: ${error.message}`;
      reject(new PealError('ERR_PEAL_OPTION', message, { origin: 'usage' }));
    });
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

/** Drops the connections. */
export async function closeServer(server: Server | SecureServer): Promise<void> {
  server.close();
  server.closeAllConnections();
  if (server.listening) await once(server, 'close');
}
