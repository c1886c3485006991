/**
 * A process of a cluster, for tests of the provider token that all of them share. It is told by the variable JOB what
 * to do, says "ready", waits for a line, and prints the outcome as JSON.
 */
import { once } from 'node:events';
import { loadCredential } from '../../src/apns/credentials/load-credential.js';
import { sharedProviderTokens } from '../../src/cluster/tokens/shared-provider-tokens.js';
import { Sealer } from '../../src/credentials/sealing/sealer.js';
import { APNs, Message, Session } from '../../src/index.js';
import { openRedis } from '../../src/stores/redis-client.js';

export interface TokenJob {
  readonly redis: string;
  readonly sealingKeys: string;
  readonly gateway: string;
  readonly ca: string;
  readonly topic: string;
  readonly keys: readonly { readonly p8: string; readonly keyId: string; readonly teamId: string }[];
  /** Device tokens for each key. */
  readonly recipients: readonly string[];
  /** Says "minting" and never makes a token. */
  readonly hangs?: boolean;
}

const job = JSON.parse(process.env.JOB!) as TokenJob;
const redis = await openRedis({ url: job.redis });
const sealer = new Sealer(job.sealingKeys);
const hang = (): Promise<Uint8Array> => {
  console.log('minting');
  return new Promise(() => setInterval(() => {}, 1000));
};
const credentials = job.keys.map(({ p8, keyId, teamId }) => {
  const options = job.hangs === true ? { sign: hang, keyId, teamId } : { key: p8, keyId, teamId };
  return sharedProviderTokens(loadCredential(options), redis, { sealer });
});
console.log('ready');
await once(process.stdin, 'data');
const session = new Session({ threads: 0, ca: job.ca });
const results = await Promise.all(
  credentials.map((credential) =>
    new APNs(session.getConnection(job.gateway, credential)).send(
      new Message(job.recipients, { alert: 'Hello', topic: job.topic }),
    ),
  ),
);
console.log(
  JSON.stringify(
    results.map(({ accepted, resent, stopped, reasons }) => ({
      accepted,
      resent,
      stopped: stopped?.message ?? null,
      reasons: [...reasons],
    })),
  ),
);
await session.close();
redis.disconnect();
process.exit(0);
