/** docs/cli.md is a contract: what it leaves out cannot be relied on, and what it promises has to exist. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { demoOptions } from '../../src/cli/demo-options.js';
import { exitCodes } from '../../src/cli/exit-codes.js';
import { feedbackOptionGroups } from '../../src/cli/feedback-options.js';
import { sendOptionGroups } from '../../src/cli/send-options.js';
import { simulateOptionGroups } from '../../src/cli/simulate-options.js';
import { repositoryRoot } from '../support/repository.js';

const page = (name: string): string => readFileSync(path.join(repositoryRoot, 'docs', name), 'utf8');
const flagsIn = (text: string): Set<string> => new Set(text.match(/--[a-z][a-z-]+/g));
const flagsOf = (groups: ReturnType<typeof demoOptions>): string[] =>
  groups.flatMap(({ options }) => options.map((option) => option.long!));

describe('the documents of the command line', () => {
  it('name every option of peal send, peal feedback and peal demo, and no other', () => {
    const groups = [sendOptionGroups(), feedbackOptionGroups(), demoOptions()];
    const real = new Set(groups.flatMap(flagsOf));
    assert.deepEqual(
      [...flagsIn(page('cli.md') + page('binary.md').split('## On the command line')[1]!)].sort(),
      [...real].sort(),
    );
  });

  it('name every option of peal simulate', () => {
    const named = new Set([...flagsIn(page('simulator.md')), ...flagsIn(page('cli.md'))]);
    assert.deepEqual(
      flagsOf(simulateOptionGroups()).filter((flag) => !named.has(flag)),
      [],
    );
  });

  it('name every exit code', () => {
    const rows = [...page('cli.md').matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
    assert.deepEqual(rows, Object.values(exitCodes));
  });
});
