/**
 * What senders say and what is true: peal, @parse/node-apn and apns2 against one gateway with one fault at a time, each
 * in a process of its own. The gateway's book says what was delivered; the sender's call says what it thinks. Not part
 * of continuous integration: several calls hang for as long as they are let.
 *
 *   node dist/bench/reliability/main.js [--case NAME,…] [--contender NAME,…] [--limit SECONDS] [--json FILE]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { hasPeer, installPeers } from '../lib/peers.js';
import { table } from '../lib/table.js';
import { type Case, cases } from './cases.js';
import { type Contender, type Row, run } from './run.js';

const all: readonly (Contender & { readonly peer: string | null })[] = [
  { name: 'peal', module: 'peal.js', peer: null },
  { name: '@parse/node-apn', module: 'node-apn.js', peer: '@parse/node-apn' },
  { name: 'apns2', module: 'apns2.js', peer: 'apns2' },
];

const { values } = parseArgs({
  options: {
    case: { type: 'string' },
    contender: { type: 'string' },
    limit: { type: 'string', default: '120' },
    json: { type: 'string' },
  },
});

const chosen = <T extends { readonly name: string }>(list: readonly T[], names: string | undefined): readonly T[] =>
  names === undefined ? list : list.filter(({ name }) => names.split(',').includes(name));

function contenders(): readonly Contender[] {
  return chosen(all, values.contender).filter(({ name, peer }) => {
    if (peer === null || hasPeer(peer)) return true;
    process.stderr.write(`${name} is not installed, and left out: ${installPeers}\n`);
    return false;
  });
}

function printCase({ title, count }: Case, rows: readonly Row[]): void {
  const head = ['contender', 'in flight', 'delivered', 'twice', 'said: delivered', 'failed', 'unknown', 'nothing'];
  const wrong = ['said delivered, was not', 'said failed, was delivered', 'call', 'CPU s', 'peak RSS MB'];
  const lines = rows.map((row) => [
    row.contender,
    row.inFlight === 0 ? '–' : String(row.inFlight),
    ...[row.delivered, row.twice, row.saidDelivered, row.saidFailed, row.saidUnknown, row.saidNothing].map(String),
    ...[row.falselyDelivered, row.falselyFailed].map(String),
    `${row.end} ${row.end === 'returned' ? 'in' : 'after'} ${row.seconds.toFixed(1)} s`,
    row.cpuSeconds?.toFixed(2) ?? '–',
    row.peakRssBytes === null ? '–' : (row.peakRssBytes / 1e6).toFixed(0),
  ]);
  console.log(`\n${title} (${count.toLocaleString('en-US')} tokens)\n`);
  console.log(table([...head, ...wrong], lines));
  for (const { contender, lastWords } of rows) if (lastWords !== null) console.log(`\n${contender}: ${lastWords}`);
}

const machine = `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, Node ${process.version}`;
const limitMs = Number(values.limit) * 1000;
const folder = mkdtempSync(path.join(tmpdir(), 'peal-reliability-'));
const results: Record<string, Row[]> = {};
console.log(`${machine}; gateway: node:http2 on loopback, at most 1,000 streams; limit of a call: ${values.limit} s`);
try {
  for (const one of chosen(cases, values.case)) {
    const rows: Row[] = [];
    for (const contender of contenders()) {
      process.stderr.write(`${one.name}: ${contender.name}\n`);
      rows.push(await run(one, contender, folder, limitMs));
    }
    results[one.name] = rows;
    printCase(one, rows);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (values.json !== undefined) writeFileSync(values.json, JSON.stringify({ machine, results }, null, 2));
