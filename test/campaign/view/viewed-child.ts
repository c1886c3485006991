/**
 * A campaign at work that goes on until it is killed. Prints a line once a block is under way and its series is
 * written.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../../src/base/clock.js';
import { identityPart } from '../../../src/campaign/journal/identity.js';
import { openJournal } from '../../../src/campaign/journal/journal-folder.js';
import { RunRecord, readRunRecord } from '../../../src/campaign/report/run-record.js';
import { ACCEPTED } from '../../../src/engine/ledger.js';
import { runningFacts } from './view-facts.js';

const folder = process.argv[2]!;
/** Fifty times as fast. */
const clock = {
  ...systemClock,
  now: () => systemClock.now() * 50,
  setTimer: (callback: () => void, delayMs: number) => setTimeout(callback, delayMs / 50),
};

const journal = await openJournal(folder, { parts: [identityPart('the payload', 'Hi')], inputs: [] });
journal.cutWith(() => ({ files: {}, facts: { ...runningFacts }, written: null }));
const look = () => ({
  ...{ accepted: journal.counts.accepted, rejected: 0, unknown: 0, connections: 3, streamLimit: 100, inFlight: 5 },
  ...{ hasWork: true, pace: null },
});
const record = await RunRecord.open(folder, clock, look);
record.start();
await journal.note(0, Uint8Array.of(1), 100);
journal.settle(
  0,
  new Uint8Array(60).fill(ACCEPTED),
  Array.from({ length: 60 }, (_, index) => index),
);
await journal.flush();
while ((await readRunRecord(folder)) === null) await sleep(20);
console.log('at work');
await sleep(600_000);
