/** The table of planted bugs: every place is still there, and the simulation finds what is planted. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { plantedBugs } from './planted-bugs.js';
import type { PlantedVerdict } from './planted-child.js';

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

  it('are found when they are planted, and a process without one finds nothing', () => {
    const child = fileURLToPath(new URL('./planted-child.js', import.meta.url));
    const hook = new URL('./planted-hook.js', import.meta.url).href;
    const run = (name: string | null, seeds: number): PlantedVerdict => {
      const planting = name === null ? [] : ['--import', hook];
      const env = { ...process.env, ...(name === null ? {} : { PEAL_PLANTED_BUG: name }) };
      const { stdout, stderr } = spawnSync(process.execPath, [...planting, child, '1', String(seeds)], { env });
      assert.notEqual(stdout.toString(), '', stderr.toString());
      return JSON.parse(stdout.toString().trim().split('\n').at(-1)!) as PlantedVerdict;
    };
    assert.notEqual(run('the unknown is called unsent', 50).seed, null);
    assert.notEqual(run('a batch is settled too early', 50).seed, null);
    assert.equal(run(null, 10).seed, null);
  });
});
