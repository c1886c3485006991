/**
 * A fast stand-in of the gateway, in a process of its own: what is measured against it is the sender. It believes every
 * request, and answers it with 200. Its options come as JSON in the first argument. Its first line on standard output
 * has the port; after that each line on standard input is a command: `counts` is answered with a line of JSON, `reset`
 * with one of the counts before the reset. It ends when its standard input does.
 */
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { createServer } from 'node:tls';
import { type SinkCounts, type SinkOptions, sinkDefaults } from './options.js';
import { type SinkBook, SinkConnection } from './sink-connection.js';

interface SinkTask extends Partial<SinkOptions> {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

const { cert, key, ...given } = JSON.parse(process.argv[2] ?? '') as SinkTask;
const options: SinkOptions = { ...sinkDefaults, ...given };
const book = emptyBook();
let cpuBefore = process.cpuUsage();

const server = createServer({
  ...{ cert, key },
  ALPNProtocols: ['h2'],
  noDelay: true,
  // AES-128 costs both ends less. The simulator has the same order.
  honorCipherOrder: true,
  ciphers: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:ECDHE-ECDSA-AES128-GCM-SHA256',
});
server.on('secureConnection', (socket) => new SinkConnection(socket, options, book));
server.on('tlsClientError', (error) => process.stderr.write(`sink: ${error.message}\n`));
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`);
});

const commands = createInterface({ input: process.stdin });
commands.on('line', (line) => {
  if (line !== 'counts' && line !== 'reset') throw new Error(`"${line}" is not a command of the sink`);
  process.stdout.write(`${JSON.stringify(counts())}\n`);
  if (line === 'counts') return;
  Object.assign(book, { ...emptyBook(), inFlight: book.inFlight });
  cpuBefore = process.cpuUsage();
});
commands.on('close', () => process.exit(0));

function counts(): SinkCounts {
  const { requests, bodyBytes, connections, mostInFlight } = book;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { requests, bodyBytes, connections, mostInFlight, cpuUs: user + system };
}

function emptyBook(): SinkBook {
  return { requests: 0, bodyBytes: 0, connections: 0, inFlight: 0, mostInFlight: 0 };
}
