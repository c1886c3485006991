/**
 * `peal dispatch`: a campaign as `peal send` runs it, sent by the workers of a cluster. The list is read, and all files
 * are written, on this machine. Main thread.
 */
import { ClusterSender } from '../../cluster/dispatch/cluster-sender.js';
import { openCluster } from '../../cluster/open-cluster.js';
import { QueueSource } from '../../cluster/queue/queue-source.js';
import { addressUrl } from '../../push/address.js';
import { runDryRun } from '../send/dry-run.js';
import { type Machines, runSend, type SendExtras } from '../send/send.js';
import { clusterUrls } from '../shared/cluster-options.js';
import type { ExitCode } from '../shared/exit-codes.js';
import { type Terminal, usageError } from '../shared/terminal.js';
import { checkDispatchFlags, type DispatchFlags } from './dispatch-options.js';

/** @throws PealError ERR_PEAL_OPTION, ERR_PEAL_STORE */
export async function runDispatch(flags: DispatchFlags, terminal: Terminal, extras: SendExtras): Promise<ExitCode> {
  checkDispatchFlags(flags);
  if (flags.dryRun === true) return runDryRun(flags, terminal, true);
  if (flags.out === undefined) {
    throw usageError(
      'a campaign on several machines is kept: give --out DIR, the directory of its journal and its files.',
    );
  }
  return (await runSend(flags, terminal, { ...extras, machines: machinesOf(flags, terminal) })).exitCode;
}

function machinesOf(flags: DispatchFlags, terminal: Terminal): Machines {
  const { app = flags.topic, slice, maxInFlight, fcmQuota } = flags;
  const urls = clusterUrls(flags, terminal.env);
  return {
    open: async (gateways) => {
      const cluster = await openCluster(urls);
      const jobs = await cluster.jobs();
      const senders = gateways.map((gateway, at) => {
        const isFcm = gateway.protocol === 'fcm';
        return new ClusterSender({
          store: cluster.store,
          blobs: cluster.blobs,
          jobs,
          gateway: addressUrl(gateway),
          app: isFcm ? null : (app ?? null),
          ...(isFcm && fcmQuota !== undefined && { messagesPerMinute: fcmQuota }),
          ...(slice !== undefined && { sliceRecipients: slice }),
          // Each service has its part, and the first one what is over.
          ...(maxInFlight !== undefined && {
            maxInFlight: Math.floor((maxInFlight + gateways.length - 1 - at) / gateways.length),
          }),
        });
      });
      return {
        senders,
        metrics: new QueueSource(jobs),
        close: async () => {
          await jobs.close();
          await cluster.close();
        },
      };
    },
  };
}
