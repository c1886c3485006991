/**
 * One run: a contender in a process of its own against the scripted gateway, and the books of both held side by side.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createThrowAwayProviderKey, ThrowAwayAuthority } from '../../src/simulator/listen/certificate.js';
import type { Case } from './cases.js';
import type { Report, Task, Verdict } from './contenders/contender.js';
import { Gateway } from './gateway.js';
import { tokensOf } from './tokens.js';
import { Wire } from './wire.js';

export interface Contender {
  readonly name: string;
  /** File in contenders/. */
  readonly module: string;
}

/** What a run came to. */
export interface Row {
  readonly contender: string;
  /** Requests in flight when the fault struck; 0 where none does. */
  readonly inFlight: number;
  readonly connections: number;
  readonly requests: number;
  /** By the gateway's book: tokens that were delivered, and those of them that were delivered more than once. */
  readonly delivered: number;
  readonly twice: number;
  /** By the contender. */
  readonly saidDelivered: number;
  readonly saidFailed: number;
  readonly saidUnknown: number;
  /** Tokens of which the call said nothing. */
  readonly saidNothing: number;
  /** Said delivered, and was not. */
  readonly falselyDelivered: number;
  /** Reported as failed, but delivered: a program that sends again because of the report sends twice. */
  readonly falselyFailed: number;
  /** How the call ended: it returned; it did not within the limit; the process ended without a word. */
  readonly end: 'returned' | 'hung' | 'crashed';
  /** Until the call returned, or the limit. */
  readonly seconds: number;
  readonly cpuSeconds: number | null;
  readonly peakRssBytes: number | null;
  /** What a crashed process said last. */
  readonly lastWords: string | null;
}

const topic = 'com.example.bench';

interface Ended {
  readonly verdict: Verdict | null;
  readonly end: Row['end'];
  readonly stderr: string;
  readonly seconds: number;
}

/** @param folder for key and certificate @param limitMs after which a call counts as hung, and its process is killed */
export async function run(one: Case, contender: Contender, folder: string, limitMs: number): Promise<Row> {
  const authority = new ThrowAwayAuthority('peal reliability');
  const { p8, keyId, teamId } = createThrowAwayProviderKey();
  const [caFile, keyFile] = [path.join(folder, 'ca.pem'), path.join(folder, 'key.p8')];
  writeFileSync(caFile, authority.certificate);
  writeFileSync(keyFile, p8, { mode: 0o600 });
  let wire: Wire | null = null;
  const script = one.script(() => wire!);
  await using gateway = await Gateway.open(authority, (request, from) => script.onRequest(request, from));
  await using opened = await Wire.open(gateway.port);
  wire = opened;
  // What is measured does not go through the wire, which would cost time of its own.
  const port = one.name === 'volume' ? gateway.port : wire.port;
  const ended = await contend(contender, { port, caFile, keyFile, keyId, teamId, topic, count: one.count }, limitMs);
  script.close();
  return rowOf(one, contender, ended, gateway, script.inFlight);
}

async function contend({ module }: Contender, task: Task, limitMs: number): Promise<Ended> {
  const file = fileURLToPath(new URL(`./contenders/${module}`, import.meta.url));
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: task.caFile };
  const started = performance.now();
  const child = spawn(process.execPath, ['--no-deprecation', file, JSON.stringify(task)], { env });
  let [stdout, stderr, isLate] = ['', '', false];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-4000);
  });
  const timer = setTimeout(() => {
    isLate = true;
    child.kill('SIGKILL');
  }, limitMs);
  await once(child, 'close');
  clearTimeout(timer);
  const seconds = (performance.now() - started) / 1000;
  const verdict = stdout === '' ? null : (JSON.parse(stdout) as Verdict);
  return { verdict, end: verdict !== null ? 'returned' : isLate ? 'hung' : 'crashed', stderr, seconds };
}

function rowOf(one: Case, { name }: Contender, ended: Ended, gateway: Gateway, inFlight: number): Row {
  const { verdict, end, stderr } = ended;
  const said = verdict?.reports ?? '-'.repeat(one.count);
  const deliveries = tokensOf(one.count).map((token) => gateway.deliveries.get(token) ?? 0);
  const count = (holds: (report: Report, times: number) => boolean): number =>
    deliveries.filter((times, index) => holds(said[index] as Report, times)).length;
  return {
    contender: name,
    inFlight,
    connections: gateway.connections,
    requests: gateway.requests,
    delivered: count((_, times) => times > 0),
    twice: count((_, times) => times > 1),
    saidDelivered: count((report) => report === 'd'),
    saidFailed: count((report) => report === 'f'),
    saidUnknown: count((report) => report === 'u'),
    saidNothing: count((report) => report === '-'),
    falselyDelivered: count((report, times) => report === 'd' && times === 0),
    falselyFailed: count((report, times) => report === 'f' && times > 0),
    end,
    seconds: verdict?.seconds ?? ended.seconds,
    cpuSeconds: verdict === null ? null : verdict.cpuUs / 1e6,
    peakRssBytes: verdict?.peakRssBytes ?? null,
    lastWords: end === 'crashed' ? stderr.trim().split('\n').slice(0, 6).join('\n') : null,
  };
}
