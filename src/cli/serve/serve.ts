/**
 * `peal serve`: the service in the foreground, until it is interrupted. Main thread.
 */
import { readFile } from 'node:fs/promises';
import { parseAddress } from '../../apns/address.js';
import { PealError } from '../../base/errors.js';
import { readProblem } from '../../base/file-errors.js';
import { type Logger, silentLogger } from '../../base/log.js';
import { counted, integer } from '../../base/text.js';
import { BearerTokens } from '../../service/http/bearer-tokens.js';
import type { GatewaySource } from '../../service/push/gateway-source.js';
import { OneCredential } from '../../service/push/one-credential.js';
import { Service, type ServiceOptions } from '../../service/service.js';
import { Session } from '../../session/session.js';
import { loadCommandCredential, printCertificate } from '../shared/command-credential.js';
import { type ExitCode, exitCodes } from '../shared/exit-codes.js';
import { Interrupt } from '../shared/interrupt.js';
import { linkOf } from '../shared/link-flags.js';
import { openLog } from '../shared/log-flags.js';
import { startMetrics } from '../shared/metrics-flags.js';
import { pealVariable } from '../shared/peal-variables.js';
import { printNote, type Terminal, usageError, writeJsonLine } from '../shared/terminal.js';
import { checkServeFlags, type ServeFlags } from './serve-options.js';

/**
 * Resolves after an interrupt, once all that was taken has its outcome.
 *
 * @throws PealError ERR_PEAL_OPTION, ERR_PEAL_ADDRESS, ERR_PEAL_CREDENTIAL, ERR_PEAL_INPUT
 */
export async function serve(flags: ServeFlags, plain: Terminal): Promise<ExitCode> {
  checkServeFlags(flags);
  const terminal = await openLog(flags, plain);
  let onInterrupt = (): void => {};
  const interrupted = new Promise<void>((resolve) => {
    onInterrupt = resolve;
  });
  using _interrupt = new Interrupt(process, onInterrupt, (code) => process.exit(code));
  const log = terminal.log?.logger ?? terminalLog(flags, terminal);
  const session = sessionOf(flags, terminal, log);
  const credentials = await credentialsOf(session, flags, terminal, log);
  try {
    const { source } = credentials;
    const bearers = await bearersOf(flags, terminal, log);
    const tls = await tlsOf(flags);
    const service = await Service.open({ ...serviceOptionsOf(flags), source, session, bearers, log, tls });
    const stopWatching = flags.bearerFile === undefined ? null : bearers!.watch(flags.bearerFile, '--bearer-file', log);
    try {
      await using _metrics = await startMetrics(flags, () => service.metricsSources, terminal);
      announce(await service.listen(), bearers, flags, terminal);
      await interrupted;
      if (flags.quiet !== true) {
        printNote(terminal, 'stopping: waiting for outcomes; a second signal ends the service at once');
      }
    } finally {
      stopWatching?.();
      tellCut((await service.close()).cut, terminal);
    }
  } finally {
    await credentials.close();
  }
  // This command normally ends by an interrupt.
  return exitCodes.accepted;
}

function tellCut(cut: number, terminal: Terminal): void {
  if (cut === 0) return;
  const pushes = `${integer(cut)} ${cut === 1 ? 'push' : 'pushes'}`;
  printNote(terminal, `when --drain was over, ${pushes} had no outcome: they were ended, unsent or unknown`);
}

/** Where gateways come from, and what has to be closed behind it. */
interface OpenedCredentials {
  readonly source: GatewaySource;
  close(): Promise<void>;
}

async function credentialsOf(
  session: Session,
  flags: ServeFlags,
  terminal: Terminal,
  log: Logger,
): Promise<OpenedCredentials> {
  const { store: url, key, cert, pfx, providerTokenFile, gateway, environment } = flags;
  const hasOwn = [key, cert, pfx, providerTokenFile, gateway].some((given) => given !== undefined);
  const hasStore = url !== undefined || (!hasOwn && terminal.env.PEAL_CREDENTIALS !== undefined);
  if (!hasStore) return { source: sourceOf(session, flags, terminal), close: async () => {} };
  const [{ openCommandStore }, { StoredCredentials }] = await Promise.all([
    import('../shared/store-options.js'),
    import('../../service/push/stored-credentials.js'),
  ]);
  const store = await openCommandStore(flags, terminal);
  const usual = environment === 'production' ? 'production' : 'development';
  const source = new StoredCredentials(session, store, usual, log);
  const close = async (): Promise<void> => {
    source.close();
    await store.close();
  };
  return { source, close };
}

function announce(url: string, bearers: BearerTokens | null, flags: ServeFlags, terminal: Terminal): void {
  const { stdout } = terminal;
  if (flags.json === true) {
    writeJsonLine(stdout, { url, pid: process.pid });
    return;
  }
  if (flags.quiet === true) return;
  const who =
    bearers === null ? 'programs on this machine may ask' : `${counted(bearers.count, 'bearer token')} may ask`;
  stdout.write(`peal serve listens at ${url} (${who}; ${url}/openapi.json describes it)\n`);
}

function sessionOf({ threads, maxConnections, ...flags }: ServeFlags, terminal: Terminal, logger: Logger): Session {
  return new Session({
    threads,
    logger,
    ...(maxConnections === undefined ? {} : { maxConnections }),
    ...linkOf(flags, terminal.env),
  });
}

function sourceOf(session: Session, flags: ServeFlags, terminal: Terminal): OneCredential {
  const { gateway, environment } = flags;
  const address = gateway ?? (environment === 'production' ? 'api_production' : 'api_sandbox');
  const { protocol, host } = parseAddress(address);
  if (protocol !== 'http2') throw usageError('--gateway: a service sends over HTTP/2 only: give https://HOST:PORT.');
  const isApple = host.endsWith('.push.apple.com');
  const credential = loadCommandCredential(flags, terminal);
  if (isApple && credential.kind === 'none') {
    throw usageError("Apple's gateways need a credential: give --key, --cert or --pfx (or --provider-token-file).");
  }
  if (flags.quiet !== true) printCertificate(credential, terminal);
  return new OneCredential(session, credential, address, !isApple);
}

async function bearersOf(flags: ServeFlags, terminal: Terminal, log: Logger): Promise<BearerTokens | null> {
  if (flags.bearerFile !== undefined) return BearerTokens.fromFile(flags.bearerFile, '--bearer-file', log);
  const given = pealVariable('PEAL_BEARER', terminal.env);
  return given === null ? null : BearerTokens.of(given, 'PEAL_BEARER');
}

async function tlsOf({ tlsCert, tlsKey }: ServeFlags): Promise<NonNullable<ServiceOptions['tls']> | null> {
  if (tlsCert === undefined || tlsKey === undefined) return null;
  return { cert: await pemOf('--tls-cert', tlsCert), key: await pemOf('--tls-key', tlsKey) };
}

async function pemOf(flag: string, file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw usageError(`${flag}: the file ${file} ${readProblem(cause)}.`, cause);
  }
}

function serviceOptionsOf(flags: ServeFlags): Omit<ServiceOptions, 'source' | 'session' | 'bearers' | 'log' | 'tls'> {
  const { host, port, topic, campaigns, lists, pushJournal, bearerRate } = flags;
  return {
    host,
    port,
    topic: topic ?? null,
    campaignsFolder: campaigns ?? null,
    listsFolder: lists ?? null,
    pushJournalFolder: pushJournal ?? null,
    keepOutcomesMs: Math.round(flags.keepOutcomes),
    drainMs: Math.round(flags.drain),
    maxBodyBytes: flags.maxBody,
    maxUploadBytes: flags.maxUpload,
    maxRequests: flags.maxRequests,
    maxPushes: flags.maxPushes,
    maxClients: flags.maxClients,
    bearerRate: bearerRate ?? null,
  };
}

/** Warnings and errors as notes on standard error. */
function terminalLog({ quiet }: ServeFlags, terminal: Terminal): Logger {
  const note = (fields: object, message: string): void => {
    const { err, ...others } = fields as { readonly err?: unknown };
    const told = err instanceof PealError ? err.message : err instanceof Error ? (err.stack ?? err.message) : null;
    const shown = Object.entries(others).map(([name, value]) => `${name} ${String(value)}`);
    const details = [...shown, ...(told === null ? [] : [told])].join(', ');
    printNote(terminal, details === '' ? message : `${message} (${details})`);
  };
  return { ...silentLogger, error: note, ...(quiet !== true && { warn: note }) };
}
