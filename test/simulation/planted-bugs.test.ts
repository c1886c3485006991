/** The table of planted bugs: every place is still there, and the simulation finds what is planted. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { plantedBugs } from './planted-bugs.js';
import { look } from './planted-search.js';

const source = (file: string): string => fileURLToPath(new URL(`../../src/${file}`, import.meta.url));

describe('planted bugs', () => {
  it('are at least 60, each with a name of its own', () => {
    assert.ok(plantedBugs.length >= 60, `${plantedBugs.length} bugs`);
    assert.equal(new Set(plantedBugs.map(({ name }) => name)).size, plantedBugs.length);
  });

  for (const { name, file, before, after } of plantedBugs) {
    it(`"${name}" has exactly one place in ${file}`, () => {
      assert.ok(existsSync(source(file)), `${file} is not there`);
      assert.notEqual(before, after);
      const places = readFileSync(source(file), 'utf8').split(before).length - 1;
      assert.equal(places, 1, `the text to replace is there ${places} times: follow the code in planted-*bugs.ts`);
    });

    it(`"${name}" leaves a module that can be loaded`, () => {
      const planted = readFileSync(source(file), 'utf8').replace(before, () => after);
      const { diagnostics } = ts.transpileModule(planted, { fileName: file, reportDiagnostics: true });
      assert.deepEqual(
        diagnostics?.map(({ messageText }) => messageText),
        [],
      );
      // The parser lets them pass: fields that the module does not have.
      const used = [...after.matchAll(/\.(#\w+)/g)].map(([, field]) => field!);
      const missing = used.filter(
        (field) => !new RegExp(`^\\s+(?:(?:static|async|get|set) )*${field}\\b`, 'm').test(planted),
      );
      assert.deepEqual(missing, []);
    });
  }

  // As long as any test may take: how busy the machine is decides nothing.
  const seedTimeoutMs = 400_000;

  for (const name of ['the unknown is called unsent', 'a batch is settled too early']) {
    it(`"${name}" is found`, async () => {
      const { end } = await look(plantedBugs.find((bug) => bug.name === name)!, { from: 1, seeds: 50, seedTimeoutMs });
      assert.equal(end, 'found');
    });
  }

  const file = 'campaign/run/campaign-feed.js';
  const before = 'await unit.noted;';
  const nothing = { name: 'what is planted changes nothing', breaks: 'nothing', file, before, after: before };

  it('are not found where what is planted changes nothing', async () => {
    const { end, seeds } = await look(nothing, { from: 1, seeds: 10, seedTimeoutMs });
    assert.deepEqual({ end, seeds }, { end: 'missed', seeds: 10 });
  });

  for (const [why, wrong] of [
    ['its place is there 0 times', { before: 'this is not there' }],
    ['its place is there 2 times', { file: 'base/durable.js', before: 'await this.#unlessRefused(' }],
    ['there is no such file', { file: 'campaign/run/gone.js' }],
  ] as const) {
    it(`are not called found where they cannot be planted: ${why}`, async () => {
      const bug = { ...nothing, ...wrong };
      // Seed 95 is a campaign, which loads that file while it runs.
      const { end, seed, violation } = await look(bug, { from: 95, seeds: 1, seedTimeoutMs });
      assert.deepEqual({ end, seed }, { end: 'failed', seed: null });
      assert.equal(
        violation,
        `The bug cannot be planted into ${bug.file}: ${why}. Follow the code in planted-*bugs.ts.`,
      );
    });
  }
});
