/**
 * The bill of materials of a release: every package that an installation can bring in, and the same bytes each time.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { billOfMaterials } from '../../scripts/bill-of-materials.js';
import { runtimePackages } from '../../scripts/runtime-packages.js';
import { repositoryRoot } from '../support/repository.js';

describe('the bill of materials', () => {
  const bill = billOfMaterials(repositoryRoot);
  const { name, version } = JSON.parse(readFileSync(path.join(repositoryRoot, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
  };

  it('is CycloneDX of this package', () => {
    const { bomFormat, specVersion, metadata } = bill;
    assert.deepEqual([bomFormat, specVersion], ['CycloneDX', '1.5']);
    assert.deepEqual([metadata.component.name, metadata.component.version], [name, version]);
    assert.equal(metadata.component.purl, `pkg:npm/${name}@${version}`);
  });

  it('holds every package of the lock that is not for development, also those that development needs, too', () => {
    const expected = runtimePackages(repositoryRoot).map((one) => `${one.name}@${one.version}`);
    assert.ok(expected.length > 50);
    assert.deepEqual(bill.components.map((one) => one['bom-ref']).sort(), [...expected].sort());
    // `npm sbom --omit dev` leaves these out, because fastify and hyparquet-writer need them, too.
    for (const both of ['pino', 'hyparquet'])
      assert.ok(
        bill.components.some((one) => one.name === both),
        both,
      );
  });

  it('has of each its address, its licence and the digest of the lock', () => {
    const { packages } = JSON.parse(readFileSync(path.join(repositoryRoot, 'package-lock.json'), 'utf8')) as {
      packages: Readonly<Record<string, { integrity: string }>>;
    };
    for (const one of bill.components) {
      assert.equal(decodeURIComponent(one.purl), `pkg:npm/${one['bom-ref']}`);
      assert.equal(one.licenses.length, 1, one.name);
      const [hash] = one.hashes;
      const integrity = `sha512-${Buffer.from(hash!.content, 'hex').toString('base64')}`;
      assert.equal(integrity, packages[`node_modules/${one.name}`]?.integrity, one.name);
    }
  });

  it('says who needs what, and names nobody that it does not hold', () => {
    const held = new Set(bill.components.map((one) => one['bom-ref']));
    assert.deepEqual(
      bill.dependencies.map(({ ref }) => ref).filter((ref) => !held.has(ref)),
      [`${name}@${version}`],
    );
    for (const { ref, dependsOn } of bill.dependencies) {
      for (const one of dependsOn) assert.ok(held.has(one), `${ref}: ${one}`);
    }
    // Everything is needed by something.
    const needed = new Set(bill.dependencies.flatMap(({ dependsOn }) => dependsOn));
    assert.deepEqual(
      [...held].filter((ref) => !needed.has(ref)),
      [],
    );
  });

  it('is the same each time', () => {
    assert.equal(JSON.stringify(billOfMaterials(repositoryRoot)), JSON.stringify(bill));
    assert.doesNotMatch(JSON.stringify(bill), /timestamp|serialNumber|urn:uuid/);
  });
});
