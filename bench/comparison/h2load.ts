/**
 * h2load, the load generator of nghttp2, which is written in C++: what a sender costs that keeps no books. It sends the
 * same request again and again, whose header is one byte for each field, so its figures are a little better than those
 * of a sender that sends to different tokens.
 */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { loadCredential } from '../../src/apns/credentials/load-credential.js';
import { providerTokens } from '../../src/apns/credentials/provider-token.js';
import type { Target } from '../lib/target.js';
import { findProgram } from '../servers/other-servers.js';
import { alertAt, tokenAt } from '../single/texts.js';
import type { BulkResult } from './contender.js';

export const missingH2load = (): string | null =>
  findProgram('h2load') === null ? 'It is not installed: on Debian, apt-get install nghttp2-client' : null;

/**
 * Runs it with one connection and 1,000 requests at a time. CPU time of the whole process, which is little to start.
 */
export async function runH2load(target: Target, count: number): Promise<BulkResult> {
  const folder = path.dirname(target.keyFile);
  const { url, topic, keyFile, keyId, teamId } = target;
  const payloadFile = path.join(folder, 'h2load-payload.json');
  writeFileSync(payloadFile, JSON.stringify({ aps: { alert: alertAt(1) } }));
  const { token } = providerTokens.minterFor(loadCredential({ key: { file: keyFile }, keyId, teamId })).current();
  const fields = [`authorization: bearer ${token}`, `apns-topic: ${topic}`, 'apns-push-type: alert'];
  const options = ['-n', String(count), '-c', '1', '-m', '1000', '-t', '1', '-d', payloadFile];
  const args = [...options, ...fields.flatMap((field) => ['-H', field]), `${url}/3/device/${tokenAt(0)}`];
  const timesFile = path.join(folder, 'h2load-times');
  // The shell tells the CPU time of its children in the second line.
  const script = `"$@"; code=$?; times > '${timesFile}'; exit $code`;
  const { stdout } = await promisify(execFile)('bash', ['-c', script, 'bash', findProgram('h2load')!, ...args]);
  const accepted = Number(/(\d+) 2xx/.exec(stdout)?.[1] ?? 0);
  const [, children = ''] = readFileSync(timesFile, 'utf8').split('\n');
  const seconds = [...children.matchAll(/(\d+)m([\d.]+)s/g)].map(([, m, s]) => Number(m) * 60 + Number(s));
  const took = /finished in ([\d.]+)(ms|s)/.exec(stdout);
  return {
    ...{ sentInAll: count, failedInAll: count - accepted },
    cpuUs: seconds.reduce((sum, value) => sum + value, 0) * 1e6,
    seconds: Number(took?.[1]) / (took?.[2] === 'ms' ? 1000 : 1),
    peakRssBytes: Number.NaN,
  };
}
