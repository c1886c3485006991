/**
 * The steps about the way to a gateway, up to where TLS begins: TCP to each of its addresses, or the tunnel of a proxy.
 * Main thread.
 */
import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { doctorStepMs, maxDoctorAddresses } from '../../base/limits.js';
import type { Address } from '../../push/address.js';
import type { ProxyWay } from '../../transport/proxy.js';
import { hostAndPort } from '../../transport/tls-errors.js';
import { exitCodes } from '../shared/exit-codes.js';
import type { HostAddress } from './names.js';
import { failed, failedBy, ok, type Step, TimeIsUp, warning, within } from './step.js';

/** Opens a stream to the gateway, at whose other end TLS is waited for. */
export type OpenWay = (signal: AbortSignal) => Promise<Socket>;

interface ExaminedWay {
  readonly step: Step;
  /** Null where there is no way. */
  readonly open: OpenWay | null;
}

/** What became of one address. */
interface Attempt {
  readonly address: string;
  readonly family: number;
  readonly ms: number;
  /** Null: it took the connection. */
  readonly problem: string | null;
}

export async function examineAddresses(
  { port }: Address,
  addresses: readonly HostAddress[],
  signal: AbortSignal,
): Promise<ExaminedWay> {
  const attempts = await Promise.all(addresses.slice(0, maxDoctorAddresses).map((one) => attempt(one, port, signal)));
  const reached = attempts.filter(({ problem }) => problem === null);
  const nearest = reached.toSorted((one, other) => one.ms - other.ms)[0];
  const step = stepOf(attempts, reached, port);
  if (nearest === undefined) return { step, open: null };
  return { step, open: (stop) => opened(nearest, port, stop) };
}

async function attempt({ address, family }: HostAddress, port: number, signal: AbortSignal): Promise<Attempt> {
  const beganMs = performance.now();
  let problem: string | null = null;
  try {
    const socket = await within(doctorStepMs, signal, (stop) => opened({ address }, port, stop));
    socket.destroy();
  } catch (error) {
    problem = error instanceof TimeIsUp ? 'no answer' : ((error as NodeJS.ErrnoException).code ?? 'no reason given');
  }
  return { address, family, ms: performance.now() - beganMs, problem };
}

function opened({ address }: { readonly address: string }, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, noDelay: true });
    const stop = (): void => void socket.destroy();
    signal.addEventListener('abort', stop, { once: true });
    socket.once('connect', () => {
      signal.removeEventListener('abort', stop);
      resolve(socket);
    });
    socket.on('error', reject);
  });
}

function stepOf(attempts: readonly Attempt[], reached: readonly Attempt[], port: number): Step {
  const details = {
    port,
    addresses: attempts.map(({ address, ms, problem }) => ({ address, ms: Math.round(ms * 10) / 10, problem })),
  };
  const problems = [...new Set(attempts.flatMap(({ problem }) => problem ?? []))];
  const all = attempts.length;
  if (reached.length === 0) {
    const found = `port ${port} of ${all === 1 ? attempts[0]!.address : `all ${all} addresses`}: ${problems.join(', ')}`;
    return failed('connection', found, unreachedAdvice(problems), exitCodes.stopped, details);
  }
  const fastest = Math.round(Math.min(...reached.map(({ ms }) => ms)) * 10) / 10;
  if (reached.length === all) {
    const what = all === 1 ? 'takes connections' : `at all ${all} addresses takes connections`;
    return ok('connection', `port ${port} ${what}, in ${fastest} ms`, details);
  }
  const found = `port ${port} takes connections at ${reached.length} of ${all} addresses (others: ${problems.join(', ')})`;
  // Machines without IPv6 get its addresses all the same, and peal passes them over.
  const isFamily = [4, 6].some((family) => attempts.every((one) => (one.family === family) === (one.problem !== null)));
  if (isFamily) return ok('connection', `${found}; peal uses those`, details);
  const advice = 'Let the firewall pass all addresses of the host: peal spreads its connections over them.';
  return warning('connection', found, advice, details);
}

function unreachedAdvice(problems: readonly string[]): string {
  if (problems.includes('no answer')) {
    return 'A firewall seems to drop the packets: open the port (Apple: 443, or 2197, to 17.0.0.0/8), or give --proxy.';
  }
  if (problems.includes('ECONNREFUSED')) return 'Check host and port, and that the gateway runs.';
  return 'Check the network and the routes of this machine. In a container, check that it has a network.';
}

/** Through a proxy, which resolves the name of the gateway itself. */
export async function examineProxy(way: ProxyWay, address: Address, signal: AbortSignal): Promise<ExaminedWay> {
  const { host, port, isSecure, authorization } = way.proxy;
  const name = `${isSecure ? 'https' : 'http'}://${hostAndPort({ protocol: 'http2', host, port })}`;
  const from = way.variable === null ? '' : ` (${way.variable})`;
  const details = { proxy: name, variable: way.variable, hasLogin: authorization !== null };
  try {
    const beganMs = performance.now();
    const socket = await within(doctorStepMs, signal, (stop) => way.open(stop));
    socket.destroy();
    const ms = Math.round((performance.now() - beganMs) * 10) / 10;
    const found = `${name}${from} opens a tunnel to ${hostAndPort(address)}, in ${ms} ms`;
    return { step: ok('proxy', found, details), open: way.open };
  } catch (error) {
    if (error instanceof TimeIsUp) {
      const found = `${name}${from} opened no tunnel to ${hostAndPort(address)} within ${doctorStepMs / 1000} seconds`;
      const advice = 'Check that it is a proxy, and that it reaches the gateway by itself.';
      return { step: failed('proxy', found, advice, exitCodes.stopped, details), open: null };
    }
    const usual = 'Check the proxy of --proxy, PEAL_PROXY or HTTPS_PROXY.';
    const step = failedBy('proxy', error, usual, details);
    // What a proxy refuses is a fault of the way, whoever has to mend it.
    return { step: { ...step, exitCode: exitCodes.stopped }, open: null };
  }
}
