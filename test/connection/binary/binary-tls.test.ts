/** Binary connections over real sockets: a status is heard although the gateway closes at once behind it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { systemClock } from '../../../src/base/clock.js';
import { ThrowAwayAuthority } from '../../../src/simulator/listen/certificate.js';
import type { ByteStream } from '../../../src/transport/backend.js';
import { BinaryGateway } from '../../support/binary-gateway.js';
import { BookSource } from '../../support/book-source.js';
import { cases } from '../../support/cases.js';
import { useTlsPool } from '../../support/use-pool.js';

const recipients = 4000;
const bad = 700;
const runs = cases(30, 10);

describe('connection/binary/binary-connection over TLS', () => {
  const sendOverTls = useTlsPool();
  const authority = new ThrowAwayAuthority();
  let server: Server;
  let sockets: Set<TLSSocket>;
  let gateways: BinaryGateway[];

  beforeEach(async () => {
    gateways = [];
    sockets = new Set();
    server = createServer({ ...authority.issueServer() });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  /** Serves a socket: refuses `bad` and flushes with a status, then goes without reading on. */
  function serve(socket: TLSSocket, isSlow: boolean): void {
    sockets.add(socket);
    socket.on('error', () => {});
    const stream: Partial<ByteStream> = {
      write: (bytes, onWritten) => void socket.write(bytes, onWritten),
      end: () => socket.destroy(),
    };
    const judge = (index: number): number | undefined => (index === bad ? 8 : undefined);
    const gateway = new BinaryGateway(stream as ByteStream, systemClock, { judge });
    gateways.push(gateway);
    let count = 0;
    socket.on('data', (bytes: Buffer) => {
      gateway.onBytes(bytes, bytes.length);
      if (!gateway.isReading) socket.pause();
      if (!isSlow || !gateway.isReading || ++count % 2 === 0) return;
      socket.pause();
      setImmediate(() => socket.resume());
    });
  }

  async function send(count: number): Promise<BookSource> {
    const source = new BookSource({ recipients: count, resends: 250 });
    const { port } = server.address() as AddressInfo;
    await sendOverTls({ protocol: 'binary', port, source, pool: { ca: authority.certificate } });
    return source;
  }

  it('accounts for everything around a bad token', async () => {
    server.on('secureConnection', (socket) => serve(socket, false));
    const source = await send(recipients);
    assert.deepEqual(source.indicesOf('rejected'), [bad]);
    assert.equal(source.count('accepted'), recipients - 1);
    const delivered = gateways.flatMap((gateway) => gateway.delivered);
    assert.equal(new Set(delivered).size, recipients - 1);
    assert.equal(delivered.length, recipients - 1);
  });

  it(`hears the status of a gateway that reads slowly and closes abruptly, in all of ${runs} runs but one`, async () => {
    server.on('secureConnection', (socket) => serve(socket, true));
    let heard = 0;
    for (let run = 0; run < runs; run++) {
      const source = await send(recipients);
      if (source.indicesOf('rejected').length === 1) heard++;
    }
    assert.ok(heard >= runs - 1, `heard in ${heard} of ${runs} runs`);
  });
});
