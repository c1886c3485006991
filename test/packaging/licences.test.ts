/**
 * THIRD-PARTY-LICENSES.md names every package that an installation can bring in, and each licence is one that may be
 * used.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { thirdPartyLicences } from '../../scripts/licences.js';
import { runtimePackages } from '../../scripts/runtime-packages.js';
import { repositoryRoot } from '../support/repository.js';

/** They ask for their text and the lines of copyright, and for nothing of programs that use the package. */
const allowed = new Set(['MIT', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD']);

const page = readFileSync(path.join(repositoryRoot, 'THIRD-PARTY-LICENSES.md'), 'utf8');
const packages = runtimePackages(repositoryRoot);
const { dependencies, optionalDependencies } = JSON.parse(
  readFileSync(path.join(repositoryRoot, 'package.json'), 'utf8'),
) as Record<'dependencies' | 'optionalDependencies', Readonly<Record<string, string>>>;

describe('licences of other packages', () => {
  it('are as the lock and the packages say (npm run licences)', () => {
    assert.ok(page === thirdPartyLicences(repositoryRoot), 'THIRD-PARTY-LICENSES.md is of another lock');
  });

  it('are those of everything that package.json asks for at run time, and of what that asks for', () => {
    const names = new Set(packages.map(({ name }) => name));
    const asked = [...Object.keys(dependencies), ...Object.keys(optionalDependencies)];
    assert.ok(asked.length > 10);
    for (const name of asked) assert.ok(names.has(name), name);
    for (const name of ['sonic-boom', 'tdigest', '@lmdb/lmdb-darwin-arm64']) assert.ok(names.has(name), name);
    for (const name of ['typescript', 'mocha', 'fastify', 'bullmq']) assert.ok(!names.has(name), name);
  });

  it('are in the allowed list', () => {
    const wrong = packages.filter(({ licence }) => !allowed.has(licence));
    assert.deepEqual(wrong, []);
  });

  it('have a row and a text each, or the text of the package that they are a binary of', () => {
    for (const { name, version, licence, isForOneSystem } of packages) {
      assert.ok(page.includes(`| ${name} | ${version} | ${licence} |`), name);
      assert.ok(isForOneSystem || new RegExp(`^- ${name.replaceAll('.', '\\.')}(:| \\(|$)`, 'm').test(page), name);
    }
    assert.match(page, /^- lmdb \(dependencies\/lmdb\/libraries\/liblmdb\): Copyright /m);
    assert.match(page, /Permission is hereby granted, free of charge/);
    assert.match(page, /TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION/);
  });
});
