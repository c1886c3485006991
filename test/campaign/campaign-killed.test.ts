/** Campaigns whose process is killed at random instants, and that are resumed to their end. The simulator lives on. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasJournal, readJournal } from '../../src/campaign/journal/journal-folder.js';
import { cases } from '../support/cases.js';
import { Prng } from '../support/prng.js';
import { CampaignFixture, mixedTokens } from './campaign-fixture.js';
import { judge, underWayIn } from './campaign-judge.js';
import type { KilledCampaign } from './killed-campaign-child.js';

const count = 200_000;
/** After so many kills a campaign runs to its end, and another one begins. */
const killsOfCampaign = 8;
const hourMs = 3_600_000;

interface Kind {
  readonly name: string;
  readonly isPersonal: boolean;
  readonly threads: number;
  readonly movesClock: boolean;
  readonly kills: number;
}

const kindsOfCampaign: readonly Kind[] = [
  { name: 'while the clock is moved', isPersonal: false, threads: 0, movesClock: true, kills: cases(40, 8) },
  { name: 'with two threads', isPersonal: false, threads: 2, movesClock: false, kills: cases(30, 6) },
  { name: 'with personal messages', isPersonal: true, threads: 0, movesClock: false, kills: cases(30, 6) },
];

describe('a campaign that is killed', () => {
  let fixture: CampaignFixture;

  beforeEach(async () => {
    fixture = await CampaignFixture.open();
    await writeFile(path.join(fixture.folder, 'ca.pem'), fixture.simulator.caCertificate!);
  });

  afterEach(async () => {
    await fixture.close();
  });

  async function listOf(tokens: readonly string[], isPersonal: boolean, name: string): Promise<string> {
    if (!isPersonal) return fixture.list(tokens, `${name}.txt`);
    const csv = path.join(fixture.folder, `${name}.csv`);
    const rows = tokens.map((token, index) => `${index},${token},Name ${index},${index % 1000 === 5 ? '' : index}`);
    await writeFile(csv, ['user_id,device,name,badge', ...rows].join('\n'));
    return csv;
  }

  function start(campaign: KilledCampaign): ChildProcess {
    const script = path.join(import.meta.dirname, 'killed-campaign-child.js');
    return spawn(process.execPath, [script, JSON.stringify(campaign)], { stdio: ['ignore', 'pipe', 'inherit'] });
  }

  /** Resolves with whether it was killed before its end. */
  async function killAtRandom(child: ChildProcess, random: Prng): Promise<boolean> {
    const ended = once(child, 'exit');
    if (random.chance(0.8)) await Promise.race([once(child.stdout!, 'data'), ended]);
    await Promise.race([sleep(random.int(1_000)), ended]);
    child.kill('SIGKILL');
    await ended;
    if (child.signalCode === 'SIGKILL') return true;
    assert.equal(child.exitCode, 0);
    return false;
  }

  for (const { name, isPersonal, threads, movesClock, kills } of kindsOfCampaign) {
    it(`at any instant, ${name}: nobody is lost, and nobody who was accepted is sent to again`, async () => {
      const seed = Date.now();
      const random = new Prng(seed);
      const sum = { kills: 0, campaigns: 0, unknown: 0, neverArrived: 0, most: 0 };
      console.log(`      seed ${seed}`);
      while (sum.kills < kills) {
        const tokens = mixedTokens(count, sum.campaigns);
        const folder = path.join(fixture.folder, `run-${sum.campaigns}`);
        const list = await listOf(tokens, isPersonal, `list-${sum.campaigns}`);
        const ca = path.join(fixture.folder, 'ca.pem');
        const given = { url: fixture.simulator.url, ca, folder, list, isPersonal, threads };
        const underWay = new Set<string>();
        for (let times = 0, isKilled = true; isKilled; times++) {
          const wallStepMs = movesClock ? random.int(48 * hourMs) - 24 * hourMs : 0;
          const child = start({ ...given, wallStepMs });
          if (times >= killsOfCampaign || sum.kills >= kills) {
            await once(child, 'exit');
            assert.equal(child.exitCode, 0);
            break;
          }
          isKilled = await killAtRandom(child, random);
          if (!isKilled || !(await hasJournal(folder))) continue;
          sum.kills += 1;
          const found = await underWayAt(folder, tokens);
          sum.most = Math.max(sum.most, found.length);
          for (const token of found) underWay.add(token);
        }
        const { ledger } = fixture.simulator;
        const { unknown, neverArrived } = judge({ folder, tokens, ledger, underWay, resendsUnknown: false });
        sum.campaigns += 1;
        sum.unknown += unknown;
        sum.neverArrived += neverArrived;
      }
      console.log(
        `      ${sum.kills} kills in ${sum.campaigns} campaigns of ${count}: lost 0, sent again after accepted 0, ` +
          `unknown ${sum.unknown} (at most ${sum.most} at a kill; ${sum.neverArrived} had not arrived), all named`,
      );
    });
  }

  async function underWayAt(folder: string, tokens: readonly string[]): Promise<readonly string[]> {
    const journal = await readJournal(folder).catch((error: unknown) => {
      // Killed before the first transaction.
      if (/holds nothing yet/.test((error as Error).message)) return null;
      throw error;
    });
    if (journal === null) return [];
    try {
      return underWayIn(journal, tokens);
    } finally {
      await journal.close();
    }
  }
});
