import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identityPart } from '../../../src/campaign/journal/identity.js';
import { hasJournal, openJournal, readJournal } from '../../../src/campaign/journal/journal-folder.js';
import { ACCEPTED, REJECTED, UNKNOWN } from '../../../src/engine/ledger.js';
import { cases } from '../../support/cases.js';
import { Prng } from '../../support/prng.js';
import { blockRecipients, blocks } from './killed-campaign.js';

const identity = { parts: [identityPart('the payload', 'Hi')], inputs: [] };

describe('the journal of a process that is killed', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'peal-journal-'));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  async function start(wallStepMs = 0): Promise<ChildProcess> {
    const script = path.join(import.meta.dirname, 'killed-child.js');
    const child = spawn(process.execPath, [script, folder, String(wallStepMs)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await Promise.race([once(child.stdout!, 'data'), once(child, 'exit')]);
    return child;
  }

  async function kill(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  it('knows each recipient after any number of kills, with the wall clock moved', async () => {
    const random = new Prng(Date.now());
    const kills = cases(60, 6);
    let wallStepMs = 0;
    for (let times = 0; times < kills; times++) {
      wallStepMs -= 3_600_000;
      const child = await start(wallStepMs);
      await sleep(random.int(2_000 / kills + 10));
      await kill(child);
    }
    const last = await start();
    if (last.exitCode === null) await once(last, 'exit');
    assert.equal(last.exitCode, 0);

    const log = readFileSync(path.join(folder, 'gateway.log'), 'latin1').trim().split('\n');
    const sent = log.filter((line) => line.startsWith('sent'));
    assert.equal(new Set(sent).size, sent.length, 'blocks were sent twice');
    const journal = await readJournal(folder);
    const rejected: string[] = [];
    let unknown = 0;
    let seen = 0;
    for (const [number, known] of journal.blocks()) {
      seen += 1;
      for (let index = 0; index < blockRecipients; index++) {
        const state = known.stateAt(index);
        const isRejected = index % 50 === number % 50;
        // Noted, and perhaps killed before it was sent.
        if (state === UNKNOWN) unknown += 1;
        else assert.ok(sent.includes(`sent ${number}`));
        if (state !== UNKNOWN) assert.equal(state, isRejected ? REJECTED + 7 : ACCEPTED);
        if (state >= REJECTED) rejected.push(`${number}/${index}`);
      }
    }
    assert.equal(seen, blocks);
    assert.ok(unknown <= kills * 4 * blockRecipients, `${unknown} unknown`);
    const rows = readFileSync(path.join(folder, 'rejected.csv'), 'latin1').trim().split('\n');
    assert.deepEqual(rows.sort(), rejected.sort());
    assert.equal(journal.progress?.counts.unknown, unknown);
    assert.equal(journal.progress?.inputBlocks, blocks);
    assert.equal(journal.events.at(-1)?.kind, 'finished');
    await journal.close();
  });

  it('is refused to a second process as long as the first one runs, which others may look at', async () => {
    const child = await start();
    await assert.rejects(openJournal(folder, identity), {
      code: 'ERR_PEAL_OPTION',
      message: new RegExp(
        `^${folder} is in use by another run \\(process ${child.pid}, since \\d{4}-.*Z\\): wait for its end, or choose`,
      ),
    });
    const reader = await readJournal(folder);
    assert.deepEqual([reader.holder?.pid, reader.holder?.isHere], [child.pid, true]);
    const before = reader.progress!.counts;
    while (reader.progress!.counts.accepted <= before.accepted) await sleep(5);
    assert.equal(reader.events[0]?.kind, 'began');
    assert.ok([...reader.blocks()].length > 0);
    await reader.close();
    await kill(child);
    const next = await openJournal(folder, identity);
    assert.equal(next.isResumed, true);
    assert.ok(next.counts.accepted >= before.accepted);
    await next.close();
    const names = readdirSync(folder).filter((name) => name.startsWith('.peal'));
    assert.deepEqual(names, [], 'locks are left');
  });

  it('is none where there is none', async () => {
    assert.equal(await hasJournal(folder), false);
    await assert.rejects(readJournal(folder), { code: 'ERR_PEAL_INPUT', message: /holds no journal/ });
    await assert.rejects(openJournal(path.join(folder, 'none'), identity), { code: 'ERR_PEAL_INPUT' });
  });

  it('is refused for another campaign, and lets the directory go', async () => {
    const first = await openJournal(folder, identity);
    await first.note(0, Uint8Array.of(1), 4);
    await first.close();
    const other = { ...identity, parts: [identityPart('the payload', 'Bye')] };
    await assert.rejects(openJournal(folder, other), /the payload was another one/);
    await (await openJournal(folder, identity)).close();
  });
});
