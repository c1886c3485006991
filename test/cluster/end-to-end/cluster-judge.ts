/**
 * What the files of a campaign that several machines have sent say, beside those of one machine, and beside what Redis
 * has noted.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Redis } from 'ioredis';
import { NOTED, NOTED_AGAIN } from '../../../src/campaign/journal/block-record.js';
import { statesByBatch } from '../../../src/cluster/dispatch/open-slice.js';
import { decodeSlice } from '../../../src/cluster/slices/slice-codec.js';
import type { ClusterFixture } from './cluster-fixture.js';

const files = /^(accepted|rejected|gone|unsent|unknown|invalid)\.(csv|txt)$/;
/** Of summary.json: what does not depend on time, threads or connections. */
const facts = [
  ...['state', 'why', 'expected', 'recipients', 'accepted', 'rejected', 'unsent', 'unknown', 'invalid', 'duplicate'],
  ...['reasons', 'causes', 'resent', 'files', 'exitCode'],
];
const id = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?<=\/messages\/)\d[^,\s]*/g;
const time = /\d{4}-\d\d-\d\dT[\d:.]+Z/g;

/** Rows are compared as sets; ids and times, which simulators draw, by their form. */
export function assertSameOutputs(folder: string, other: string): void {
  const names = filesOf(folder);
  assert.deepEqual([names.length, names], [6, filesOf(other)]);
  for (const name of names) {
    const [rows, others] = [rowsOf(folder, name), rowsOf(other, name)];
    assert.deepEqual([name, rows.length], [name, others.length]);
    assert.deepEqual([name, rows.findIndex((row, index) => row !== others[index])], [name, -1]);
  }
  assert.deepEqual(summaryOf(folder), summaryOf(other));
}

function filesOf(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => files.test(name))
    .sort();
}

function rowsOf(folder: string, name: string): string[] {
  const text = readFileSync(path.join(folder, name), 'utf8');
  return text.replaceAll(id, 'id').replaceAll(time, 'time').split('\n').sort();
}

function summaryOf(folder: string): Record<string, unknown> {
  const summary = JSON.parse(readFileSync(path.join(folder, 'summary.json'), 'utf8')) as Record<string, unknown>;
  return Object.fromEntries(facts.map((name) => [name, summary[name]]));
}

/** The workers that have slices which have not ended, by the names that they claim with. */
export async function busyWorkers({ cluster }: ClusterFixture): Promise<readonly string[]> {
  const names: string[] = [];
  for (const { definition } of await cluster.store.campaigns()) {
    for (const { worker, hasEnded } of await cluster.store.slices(definition.id)) {
      if (worker !== null && !hasEnded) names.push(worker);
    }
  }
  return names;
}

export function isOfProcess(worker: string | null, pid: number): boolean {
  return worker?.includes(`-${pid}-`) === true;
}

/**
 * Tokens that are noted in slices of a process, and have no outcome: it may have sent to these, and to no others of the
 * slices that it has.
 */
export async function notedBy({ cluster, redis }: ClusterFixture, pid: number): Promise<string[]> {
  const found: string[] = [];
  const client = new Redis(redis.url);
  try {
    for (const { definition } of await cluster.store.campaigns()) {
      for (const { slice, worker, hasEnded } of await cluster.store.slices(definition.id)) {
        if (hasEnded || !isOfProcess(worker, pid)) continue;
        const records = (await client.callBuffer('HGETALL', `peal:{${definition.id}}:r${slice}`)) as Buffer[];
        const bytes = await cluster.blobs.get(`${definition.id}-s${slice}`);
        if (bytes === null) continue;
        const states = statesByBatch(pairsOf(records));
        decodeSlice(bytes).forEach(({ tokens }, batch) => {
          for (let index = 0; index < tokens.count; index++) {
            const state = states.get(batch)?.[index];
            if (state === NOTED || state === NOTED_AGAIN) found.push(tokens.textAt(index));
          }
        });
      }
    }
  } finally {
    client.disconnect();
  }
  return found;
}

function pairsOf(flat: readonly Buffer[]): [Buffer, Buffer][] {
  return Array.from({ length: flat.length / 2 }, (_, at) => [flat[2 * at]!, flat[2 * at + 1]!]);
}
