/** `peal worker`: takes slices of campaigns from the queue of a cluster, until it is interrupted. Main thread. */
import { systemClock } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import { type Logger, silentLogger } from '../../base/log.js';
import { counted, integer } from '../../base/text.js';
import { openCluster } from '../../cluster/open-cluster.js';
import { TokenSharing } from '../../cluster/tokens/token-sharing.js';
import { ClusterWorker } from '../../cluster/worker/cluster-worker.js';
import { WorkerSource } from '../../cluster/worker/worker-source.js';
import { Session } from '../../session/session.js';
import { clusterUrls } from '../shared/cluster-options.js';
import { ConnectionLog } from '../shared/connection-log.js';
import { type ExitCode, exitCodes } from '../shared/exit-codes.js';
import { Interrupt } from '../shared/interrupt.js';
import { linkOf } from '../shared/link-flags.js';
import { openLog } from '../shared/log-flags.js';
import { startMetrics } from '../shared/metrics-flags.js';
import { printNote, printWarning, type Terminal } from '../shared/terminal.js';
import { openWorkerCredentials } from './worker-credentials.js';
import { checkWorkerFlags, type WorkerFlags } from './worker-options.js';

/**
 * Resolves after an interrupt, once its slices are finished or handed back.
 *
 * @throws PealError ERR_PEAL_OPTION, ERR_PEAL_CREDENTIAL; ERR_PEAL_STORE where Redis cannot be used
 */
export async function runWorker(flags: WorkerFlags, plain: Terminal): Promise<ExitCode> {
  checkWorkerFlags(flags);
  const urls = clusterUrls(flags, plain.env);
  let onInterrupt = (): void => {};
  const interrupted = new Promise<void>((resolve) => {
    onInterrupt = resolve;
  });
  using _interrupt = new Interrupt(process, onInterrupt, (code) => process.exit(code));
  const terminal = await openLog(flags, plain);
  const log = terminal.log?.logger ?? terminalLog(flags, terminal);
  using _connections = new ConnectionLog(log, systemClock);
  const { threads, maxConnections, slots, name } = flags;
  const session = new Session({
    threads,
    logger: log,
    ...(maxConnections !== undefined && { maxConnections }),
    ...linkOf(flags, terminal.env),
  });
  await using tokens = await TokenSharing.open({ ...urls, log });
  const credentials = await openWorkerCredentials(flags, session, terminal, tokens);
  const note = (text: string): void => {
    if (flags.quiet !== true) printNote(terminal, text);
  };
  try {
    await using cluster = await openCluster({ ...urls, log });
    await using worker = await ClusterWorker.start({
      redis: urls.redis,
      ...(urls.ca !== undefined && { redisCa: urls.ca }),
      store: cluster.store,
      blobs: cluster.blobs,
      session,
      gatewayOf: (definition) => credentials.gatewayOf(definition),
      slots,
      ...(name !== undefined && { name }),
      logger: log,
    });
    const sources = async () => {
      const { EngineSource } = await import('../../metrics/engine-source.js');
      return [new WorkerSource(() => worker.snapshot()), new EngineSource(session)];
    };
    await using _metrics = await startMetrics(flags, sources, terminal);
    note(`worker ${worker.snapshot().id} takes up to ${counted(slots, 'slice')} at a time`);
    await interrupted;
    note('ending: slices are finished or handed back; a second signal ends the worker at once');
    await worker.close();
    const { ended, accepted, rejected, unknown } = worker.snapshot();
    const parts = [`${integer(accepted)} accepted`, `${integer(rejected)} rejected`];
    if (unknown > 0) parts.push(`${integer(unknown)} unknown`);
    note(`the worker has ended ${counted(ended, 'slice')}: ${parts.join(', ')}`);
  } finally {
    await session.close();
    await credentials.close();
  }
  // This command normally ends by an interrupt.
  return exitCodes.accepted;
}

/** Warnings and errors as notes on standard error. */
function terminalLog({ quiet }: WorkerFlags, terminal: Terminal): Logger {
  const warn = (fields: object, message: string): void => {
    const { err } = fields as { readonly err?: unknown };
    printWarning(terminal, err instanceof PealError ? `${message} (${err.message})` : message);
  };
  return { ...silentLogger, error: warn, ...(quiet !== true && { warn }) };
}
