/**
 * A campaign that a program sends by the workers of a cluster, and such a worker. Both are in one process here, to show the
 * calls; usually a worker is a process of its own on another machine.
 *
 *     PEAL_REDIS=redis://127.0.0.1:6379 node dist/examples/cluster.js
 *
 * Sends to the simulator. Needs a Redis with an append-only file, and the packages bullmq and ioredis.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Campaign, Message, Session, startSimulatorThread } from 'peal';
import { ClusterSender, ClusterWorker, openCluster } from 'peal/cluster';

const redis = process.env.PEAL_REDIS ?? 'redis://127.0.0.1:6379';

await using simulator = await startSimulatorThread({ auth: 'any' });
await using session = new Session({ ca: simulator.caCertificate! });
await using cluster = await openCluster({ redis });

// A worker. `gatewayOf` says through which gateway, and with which credential, a campaign is sent.
await using _worker = await ClusterWorker.start({
  redis,
  store: cluster.store,
  blobs: cluster.blobs,
  session,
  gatewayOf: async ({ gateway }) => session.getConnection(gateway, null),
});

// The campaign. Its process opens no connection to the gateway, and has no credential.
const folder = await mkdtemp(path.join(tmpdir(), 'peal-example-'));
const jobs = await cluster.jobs();
const campaign = new Campaign({
  gateway: session.getConnection(simulator.url!, null),
  message: new Message([], { alert: 'Your order is on its way', topic: 'com.example.app' }),
  recipients: function* () {
    for (let number = 0; number < 30_000; number++) yield { token: number.toString(16).padStart(64, '0') };
  },
  folder,
  sender: new ClusterSender({ store: cluster.store, blobs: cluster.blobs, jobs, gateway: simulator.url! }),
});
const { summary } = await campaign.run();
console.log(`${summary.accepted} of ${summary.recipients} accepted by the workers, ${summary.unknown} unknown`);
await jobs.close();
await rm(folder, { recursive: true });
