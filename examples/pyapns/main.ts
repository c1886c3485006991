/**
 * The service of pyapns over peal: several apps in one process, for clients of XML-RPC. Listens on this machine only,
 * until SIGTERM or SIGINT.
 *
 *     node dist/examples/pyapns/main.js
 *
 * PYAPNS_PORT is its port (7077). PYAPNS_CERTIFICATES is the folder whose certificates may be named by their paths.
 * PEAL_GATEWAY and PEAL_CA (a file) lead all apps to another gateway than Apple's, such as `peal simulate`.
 */
import { readFileSync } from 'node:fs';
import { startServer } from './server.js';

const { PYAPNS_PORT = '7077', PYAPNS_CERTIFICATES = null, PEAL_GATEWAY, PEAL_CA } = process.env;
const server = await startServer({
  port: Number(PYAPNS_PORT),
  certificates: PYAPNS_CERTIFICATES,
  gateways: { sandbox: PEAL_GATEWAY ?? 'api_sandbox', production: PEAL_GATEWAY ?? 'api_production' },
  ca: PEAL_CA === undefined ? null : readFileSync(PEAL_CA, 'utf8'),
  log: (line) => console.error(line),
});
console.log(`pyapns listens at ${server.url}`);

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void server.close());
