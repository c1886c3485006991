/**
 * The frame of the tests that run the same calls through the package of somebody else and through the module of peal
 * that has its interface: each against a simulator of its own with the same options. What the calls gave and what the
 * gateway received is compared.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import {
  createThrowAwayProviderKey,
  type ReceivedRequest,
  type Simulator,
  type SimulatorOptions,
  startSimulator,
  type ThrowAwayProviderKey,
} from '../../../src/simulator/index.js';
import { repositoryRoot } from '../../support/repository.js';

const packages = path.join(repositoryRoot, 'test', 'interop', 'package.json');

/** Loads a package of test/interop. */
export const loadOther = createRequire(packages);

/** Whether `npm ci` was run in test/interop. */
export function isOtherInstalled(name: string): boolean {
  return existsSync(path.join(path.dirname(packages), 'node_modules', name, 'package.json'));
}

/** What one side of a case has: a gateway, and a key that only it uses. */
export interface Ground {
  readonly simulator: Simulator;
  readonly providerKey: ThrowAwayProviderKey;
}

/** A request as the gateway received it, as far as it is the program's affair. */
export interface SeenRequest {
  readonly path: string;
  /** Those that begin with `apns-`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: string;
  readonly answer: string;
}

/** What came of one side. */
export interface Trace {
  /** What the calls gave, or what they threw. */
  readonly result: unknown;
  /** In an order that does not depend on connections. */
  readonly requests: readonly SeenRequest[];
}

/** Something that is not as in the original, on purpose. docs/compat.md has a row of it. */
export interface Difference {
  readonly what: string;
  readonly there: string;
  readonly here: string;
}

/** Runs one side on new ground. */
export async function traceOf(options: SimulatorOptions, run: (ground: Ground) => Promise<unknown>): Promise<Trace> {
  const received: ReceivedRequest[] = [];
  const providerKey = createThrowAwayProviderKey();
  await using simulator = await startSimulator({
    controlPort: null,
    auth: 'token',
    providerKeys: [providerKey],
    onRequest: (request) => received.push(request),
    ...options,
  });
  const result = await run({ simulator, providerKey });
  const requests = received.map(seenRequest);
  return { result, requests: requests.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) };
}

function seenRequest({ path: at, headers, payload, answer }: ReceivedRequest): SeenRequest {
  const own = Object.entries(headers).filter(([name]) => name.startsWith('apns-'));
  return { path: at, headers: Object.fromEntries(own.sort()), payload, answer };
}

/** The rows of docs/compat.md. */
export function rowOf({ what, there, here }: Difference): string {
  return `| ${what} | ${there} | ${here} |`;
}
