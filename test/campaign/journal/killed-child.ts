/**
 * A campaign on a real journal, for a test that kills it: what the gateway has got and what it has answered stands in
 * `gateway.log`, where a kill does not reach it. Prints a line when it begins to send, and ends with 0 when it is
 * through.
 */
import { appendFileSync, closeSync, fstatSync, openSync, truncateSync, writeSync } from 'node:fs';
import path from 'node:path';
import { systemClock } from '../../../src/base/clock.js';
import { identityPart } from '../../../src/campaign/journal/identity.js';
import { openJournal } from '../../../src/campaign/journal/journal-folder.js';
import { ACCEPTED, REJECTED, WRITTEN } from '../../../src/engine/ledger.js';
import { blockRecipients, blocks, digestOf } from './killed-campaign.js';

const [folder, wallStepMs] = [process.argv[2]!, Number(process.argv[3] ?? 0)];
const log = (what: string): void => appendFileSync(path.join(folder, 'gateway.log'), `${what}\n`);
// The machine's clock is another one in each run.
const clock = { ...systemClock, wallMs: () => Date.now() + wallStepMs };

const journal = await openJournal(folder, { parts: [identityPart('the payload', 'Hi')], inputs: [] }, { clock });
const rows = openSync(path.join(folder, 'rejected.csv'), 'a', 0o600);
truncateSync(path.join(folder, 'rejected.csv'), journal.files['rejected.csv'] ?? 0);
journal.cutWith(() => ({ files: { 'rejected.csv': fstatSync(rows).size }, written: null }));
console.log('sending');

const under = new Set<Promise<void>>();
for (let number = 0; number < blocks; number++) {
  const known = journal.block(number, digestOf(number), blockRecipients);
  for (const index of known.unwritten()) if (known.stateAt(index) >= REJECTED) writeRow(number, index);
  journal.wrote(number, digestOf(number), blockRecipients, known.unwritten());
  const indexes = known.isNew ? null : known.toSend(false);
  if (indexes?.length === 0) continue;
  if (indexes !== null) throw new Error('a block is noted as a whole here');
  await journal.note(number, digestOf(number), blockRecipients);
  const sending = send(number).finally(() => under.delete(sending));
  under.add(sending);
  if (under.size >= 4) await Promise.race(under);
}
await Promise.all(under);
journal.inputEnded(blocks);
journal.event('finished');
await journal.close();
closeSync(rows);

async function send(number: number): Promise<void> {
  const states = new Uint8Array(blockRecipients).fill(WRITTEN);
  log(`sent ${number}`);
  for (let index = 0; index < blockRecipients; index++) {
    if (index % 64 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    if (index % 64 === 0) journal.glimpse(number, states);
    states[index] = index % 50 === number % 50 ? REJECTED + 7 : ACCEPTED;
  }
  states.forEach((state, index) => {
    if (state >= REJECTED) writeRow(number, index);
  });
  log(`answered ${number}`);
  journal.settle(number, states);
  await journal.pressure();
}

function writeRow(number: number, index: number): void {
  writeSync(rows, `${number}/${index}\n`);
}
