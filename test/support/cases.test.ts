/** What keeps the test command of the README quick, and free of failures for want of speed. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { cases, drawsAll } from './cases.js';
import { repositoryRoot } from './repository.js';

const folder = path.join(repositoryRoot, 'test');

describe('the tests', () => {
  it('have no time limits of their own, which a busy machine would reach', () => {
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
    const own = files.filter((file) => {
      if (file.includes('node_modules')) return false;
      return /(this|\))\.timeout\(\d/.test(readFileSync(path.join(folder, file), 'utf8'));
    });
    assert.deepEqual(own, []);
  });

  it('draw all cases where they are asked to', () => {
    assert.equal(drawsAll, process.env.PEAL_TEST_CASES === 'all');
    assert.equal(cases(5_000, 500), drawsAll ? 5_000 : 500);
  });
});
