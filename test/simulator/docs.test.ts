/**
 * docs/simulator.md is a contract for those who test their own senders: what it shows works, and nothing is left out.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { SimulatorLedger } from '../../src/simulator/books/ledger.js';
import { apnsConduct, conductFields, resolveConduct } from '../../src/simulator/settings/conduct.js';
import { checkScenario, readScenario } from '../../src/simulator/settings/scenario-check.js';
import {
  actionRules,
  endFields,
  faultActions,
  faultFields,
  scenarioFields,
  triggerFields,
} from '../../src/simulator/settings/scenario-fields.js';
import { repositoryRoot } from '../support/repository.js';

const page = readFileSync(path.join(repositoryRoot, 'docs/simulator.md'), 'utf8');
const section = (from: string, to: string): string =>
  page.slice(page.indexOf(`\n${from}\n`), page.indexOf(`\n${to}\n`));
const scenarios = section('## Scenarios', '## The binary protocol');

/** The words in code in the first cell of each row. */
const firstCells = (text: string): string[] =>
  [...text.matchAll(/^\| (`[^|]*) \|/gm)].flatMap(([, cell]) =>
    [...cell!.matchAll(/`(\w+)`/g)].map(([, word]) => word!),
  );

describe('docs/simulator.md', () => {
  it('shows scenarios that are some', () => {
    const blocks = [...scenarios.matchAll(/```json\n([\s\S]*?)```/g)].map(([, text]) => text!);
    assert.ok(blocks.length >= 7);
    for (const block of blocks) checkScenario(JSON.parse(block));
  });

  it('names every action in its table, and no other', () => {
    const table = firstCells(section('### What', '### What to look at'));
    assert.deepEqual(
      table.filter((word) => word !== 'do'),
      faultActions,
    );
  });

  it('names every field of each action in its row, or below the table', () => {
    const part = section('### What', '### What to look at');
    const below = part.slice(part.indexOf('`refuse`, `rst`'));
    for (const [action, { fields }] of Object.entries(actionRules)) {
      const row = new RegExp(`^\\| \`${action}\`.*$`, 'm').exec(part)?.[0] ?? '';
      const missing = Object.keys(fields).filter(
        (field) => !row.includes(`\`${field}\``) && !below.includes(`\`${field}\``),
      );
      assert.deepEqual(missing, [], action);
    }
  });

  it('names everything that a scenario, its end, a trigger and every fault can hold', () => {
    assert.deepEqual(firstCells(section('### When', '### What')), ['when', ...Object.keys(triggerFields)]);
    const fields = [...Object.keys(scenarioFields), ...Object.keys(endFields), ...Object.keys(faultFields)];
    assert.deepEqual(
      fields.filter((field) => !scenarios.includes(`\`${field}\``)),
      [],
    );
  });

  it('has every field of a conduct, in order', () => {
    const table = firstCells(section('## Conduct', '## Scenarios')).filter((word) => word !== 'conduct');
    assert.deepEqual([...table].sort(), [...conductFields].sort());
  });

  it('names every number of the ledger', () => {
    const ledger = page.slice(page.indexOf('\n## The ledger\n'));
    const known = ['mode', 'flushes', 'payloadBytes', 'connections'];
    const names = Object.keys(new SimulatorLedger('tokens').summary()).filter((name) => !known.includes(name));
    assert.deepEqual(
      names.filter((name) => !ledger.includes(`\`${name}\``)),
      [],
    );
  });
});

describe('examples of scenarios', () => {
  const folder = path.join(repositoryRoot, 'examples/scenarios');
  for (const file of readdirSync(folder)) {
    it(`${file} is one, and says what it is`, () => {
      const scenario = readScenario(path.join(folder, file));
      assert.ok(scenario.name !== undefined && scenario.description !== undefined);
      assert.ok(scenarios.includes(`examples/scenarios/${file}`), 'the documents name it');
    });
  }
});

describe('the conduct of APNs', () => {
  it('is what its object says', () => {
    assert.deepEqual(resolveConduct('apns'), resolveConduct(apnsConduct));
  });
});
