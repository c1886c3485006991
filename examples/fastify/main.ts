/**
 * Starts the service of service.ts, and ends it at SIGTERM or SIGINT without losing a push.
 *
 *     node dist/examples/fastify/main.js
 *
 * PEAL_GATEWAY is `api_production`, `api_sandbox` or the URL of a simulator; PEAL_KEY (path of the .p8 file),
 * PEAL_KEY_ID and PEAL_TEAM_ID are the credential, PEAL_TOPIC is the bundle id. PEAL_CA is a file with the authority of a
 * simulator. HOST and PORT (127.0.0.1 and 8080) say where it listens, MAX_UNDER_WAY (1000) how many pushes it takes at a time.
 */
import { readFileSync } from 'node:fs';
import { createService } from './service.js';

const {
  PEAL_GATEWAY: gateway,
  PEAL_TOPIC: topic,
  PEAL_KEY,
  PEAL_KEY_ID = '',
  PEAL_TEAM_ID = '',
  PEAL_CA,
} = process.env;
const { HOST: host = '127.0.0.1', PORT = '8080', MAX_UNDER_WAY = '1000' } = process.env;
const [port, maxUnderWay] = [Number(PORT), Number(MAX_UNDER_WAY)];
if (gateway === undefined || topic === undefined || !Number.isInteger(port) || !(maxUnderWay >= 1)) {
  console.error(
    'Set PEAL_GATEWAY and PEAL_TOPIC. PORT and MAX_UNDER_WAY are whole numbers. README.md has all of them.',
  );
  process.exit(2);
}

const app = createService({
  gateway,
  topic,
  credential: PEAL_KEY === undefined ? null : { key: { file: PEAL_KEY }, keyId: PEAL_KEY_ID, teamId: PEAL_TEAM_ID },
  ...(PEAL_CA !== undefined && { ca: readFileSync(PEAL_CA, 'utf8') }),
  maxUnderWay,
});
await app.listen({ host, port });

// `once`: a second signal finds no listener, and ends the process at once. A push has 10 seconds at the most, so give the
// process more than that before it is killed: TimeoutStopSec=20 of systemd, terminationGracePeriodSeconds of Kubernetes.
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    app.log.info(`${signal}: answering what is under way`);
    void app.close();
  });
}
