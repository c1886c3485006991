/**
 * The gateway without sockets, TLS or threads: connections of the `memory` back-end lead to it, in the program's own
 * thread and on the clock that the program gives. For tests of senders that have to run without waiting and repeat
 * exactly from a seed. TLS, certificates and ALPN are not part of it.
 */
import { PealError } from '../base/errors.js';
import type { MemoryAccept } from '../transport/memory.js';
import type { SimulatorLedger } from './books/ledger.js';
import type { ChannelBooks } from './channels/channel-books.js';
import { fcmGateway, SimulatedGateway } from './faults/simulated-gateway.js';
import { ConnectionDriver } from './http2/connection-driver.js';
import type { SimulatorOptions } from './settings/options.js';
import type { FaultRecord } from './settings/scenario.js';
import { resolveOptions } from './settings/simulator-settings.js';
import { SimulatedFcm } from './simulated-fcm.js';

/** Where the service of FCM seems to be. */
const fcmHost = 'fcm.googleapis.com';
const tokenHost = 'oauth2.googleapis.com';

/** A gateway in memory as a program holds it. */
export interface MemoryGateway {
  /**
   * For `createMemoryBackend`: serves one connection, or tells why it cannot (while a scenario has it shut down). With
   * the option `fcm`, connections to an address of FCM lead to its service.
   */
  readonly accept: MemoryAccept;
  readonly ledger: SimulatorLedger;
  /** The channels that there are. Channel management and broadcasts are served beside device pushes. */
  readonly channels: ChannelBooks;
  /** The service of FCM; null without one. */
  readonly fcm: SimulatedFcm | null;
  /** How many connections are open. */
  readonly connections: number;
  /** The faults of the scenario so far, in order; the first 10,000. */
  readonly faults: readonly FaultRecord[];
  /** Ends the scenario, and every connection properly, which takes up to 5 seconds of the clock. Accepts no more. */
  close(): void;
  /** @internal The state that its connections share, for tests of the simulator itself. */
  readonly gateway: SimulatedGateway;
}

/**
 * Makes a gateway in memory.
 * @param options As for `startSimulator`. Options about sockets, certificates and the binary protocol have no effect.
 *   Give the clock that moves the memory back-end.
 * @throws PealError `ERR_PEAL_OPTION`, `ERR_PEAL_CREDENTIAL` as `startSimulator`
 */
export function createMemoryGateway(options: SimulatorOptions = {}): MemoryGateway {
  const gateway = new SimulatedGateway(resolveOptions(options), { pushes: true, management: true });
  const messages = fcmGateway(gateway.settings);
  const fcm = messages?.fcm == null ? null : new SimulatedFcm(messages, messages.fcm, fcmHost, 443, tokenHost);
  const connections = new Set<ConnectionDriver>();
  let isClosed = false;
  const accept: MemoryAccept = (stream, { certificate, address }) => {
    const to = messages !== null && address.protocol === 'fcm' ? messages : gateway;
    if (isClosed || to.scenario?.gateway.isDown === true) return shutDownError();
    const client = { certificateTopic: certificate === null ? null : '', keyName: null };
    const connection = new ConnectionDriver(to, stream, client, null, () => connections.delete(connection));
    connections.add(connection);
    return connection;
  };
  return {
    accept,
    ledger: gateway.ledger,
    channels: gateway.channels,
    fcm,
    get connections() {
      return connections.size;
    },
    faults: gateway.scenario?.done ?? [],
    gateway,
    close: () => {
      isClosed = true;
      gateway.scenario?.stop();
      messages?.scenario?.stop();
      for (const connection of connections) connection.close();
    },
  };
}

function shutDownError(): PealError {
  return new PealError('ERR_PEAL_CONNECT', 'The gateway in memory is shut down.', {
    origin: 'connect',
    retryable: true,
  });
}
