/** The step about a host name: to which addresses it resolves, as the back-ends ask for it. Main thread. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { doctorStepMs } from '../../base/limits.js';
import { counted } from '../../base/text.js';
import { exitCodes } from '../shared/exit-codes.js';
import { failed, ok, type Step, TimeIsUp, within } from './step.js';

export interface HostAddress {
  readonly address: string;
  readonly family: number;
}

/** @returns addresses is empty where the step has failed */
export async function examineName(
  host: string,
  signal: AbortSignal,
): Promise<{ readonly step: Step; readonly addresses: readonly HostAddress[] }> {
  const family = isIP(host);
  if (family !== 0) return { step: ok('name', `${host} is an address`), addresses: [{ address: host, family }] };
  try {
    const addresses = await within(doctorStepMs, signal, () => lookup(host, { all: true }));
    return { step: resolved(host, addresses), addresses };
  } catch (error) {
    return { step: unresolved(host, error), addresses: [] };
  }
}

function resolved(host: string, addresses: readonly HostAddress[]): Step {
  const of = (family: number): number => addresses.filter((one) => one.family === family).length;
  const kinds = [
    [of(4), 'IPv4'],
    [of(6), 'IPv6'],
  ] as const;
  const parts = kinds.filter(([count]) => count > 0).map(([count, name]) => `${count} ${name}`);
  const found = `${host} has ${counted(addresses.length, 'address').replace('addresss', 'addresses')} (${parts.join(', ')})`;
  return ok('name', found, { host, addresses: addresses.map(({ address }) => address) });
}

/** Apple has switched the binary protocol off in 2021, and its hosts are gone. */
const oldHost = /^(?:gateway|feedback)\.(?:sandbox\.)?push\.apple\.com$/;

function unresolved(host: string, error: unknown): Step {
  const code = error instanceof TimeIsUp ? 'no answer in time' : ((error as NodeJS.ErrnoException).code ?? 'no reason');
  const advice = oldHost.test(host)
    ? 'Apple has switched the binary protocol off: give --environment production or sandbox.'
    : code === 'ENOTFOUND' || code === 'ENODATA'
      ? 'Check its spelling, and ask the name service of this machine for it (getent hosts). Where only a proxy resolves ' +
        'names, give --proxy.'
      : 'The name service of this machine does not answer: check the network, and /etc/resolv.conf. In a container, ' +
        'check that it has a network.';
  return failed('name', `${host} does not resolve (${code})`, advice, exitCodes.stopped, { host, code });
}
