/**
 * A campaign whose process ends at every transaction of its journal, and that is resumed to its end; and seeds of
 * crashes.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import type { PlantedBug } from '../simulation/planted-bugs.js';
import { cases } from '../support/cases.js';
import { Prng } from '../support/prng.js';
import { CampaignFixture } from './campaign-fixture.js';
import { CrashingCampaign, kindsOfCampaign, openSeeds, points, runSeed } from './crashing-campaign.js';

/** Found only where the recipients are files; the simulation has the other planted bugs of campaigns. */
const planted: PlantedBug = {
  name: 'a campaign is called finished before its files are whole',
  file: 'campaign/run/run-standing.js',
  before: "this.#end === null || this.#areFilesWhole ? state : 'running'",
  after: 'state',
  breaks: 'a finished campaign leaves half a file',
};

describe('a campaign that crashes', () => {
  let fixture: CampaignFixture;
  let isOpen = false;

  afterEach(async () => {
    if (isOpen) await fixture.close();
    isOpen = false;
  });

  for (const kind of kindsOfCampaign.filter(
    (_, index) => index < cases(kindsOfCampaign.length, 2) || index === kindsOfCampaign.length - 1,
  )) {
    it(`at every transaction of its journal, and is resumed: ${kind.name}`, async () => {
      fixture = await CampaignFixture.open({ ledger: 'full', roundTripMs: kind.isSlow === true ? 150 : 0 });
      isOpen = true;
      let crashes = 0;
      let mostUnderWay = 0;
      let number = 0;
      for (const point of points) {
        for (let commit = 0, isWhole = false; !isWhole; commit += 1) {
          const world = new CrashingCampaign(fixture, kind, number++);
          const random = new Prng(commit);
          try {
            await world.open();
            isWhole = await world.run({ commit, point }, random);
            if (!isWhole) assert.equal(await world.run(null, random), true);
            world.judge();
          } catch (error) {
            console.log(`      at transaction ${commit}, ${point}`);
            throw error;
          }
          crashes += isWhole ? 0 : 1;
          mostUnderWay = Math.max(mostUnderWay, world.mostUnderWay);
        }
      }
      console.log(`      ${crashes} crashes, 0 lost, 0 sent again, at most ${mostUnderWay} unknown`);
      assert.ok(crashes >= 15, `only ${crashes} crashes`);
    });
  }

  it('again and again, while streams are refused and connections end', async () => {
    fixture = await openSeeds();
    isOpen = true;
    const seeds = cases(60, 12);
    let crashes = 0;
    for (let seed = 1; seed <= seeds; seed++) {
      crashes += await runSeed(fixture, seed).catch((error: unknown) => {
        console.log(`      seed ${seed}`);
        throw error;
      });
    }
    console.log(`      ${crashes} crashes in ${seeds} campaigns, 0 lost, 0 sent again`);
    assert.ok(crashes >= seeds, `only ${crashes} crashes`);
    assert.ok(Object.keys(fixture.simulator.ledger.summary().faults).length >= 2);
  });

  it(`finds a bug that is planted: ${planted.name}`, () => {
    const hook = new URL('../simulation/planted-hook.js', import.meta.url).href;
    const child = path.join(import.meta.dirname, 'crashing-campaign-child.js');
    const env = { ...process.env, PEAL_PLANTED_BUG: JSON.stringify(planted) };
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', hook, child], {
      encoding: 'utf8',
      env,
    });
    assert.equal(status, 1, `${stdout}${stderr}`);
    assert.match(stdout, /^found: .*\.partial is left/);
    console.log(`      ${stdout.trim()}`);
  });
});
