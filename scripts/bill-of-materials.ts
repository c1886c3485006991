/**
 * The bill of materials of a release (CycloneDX 1.5, JSON): what `npm sbom` says of the packages that an installation
 * of peal can bring in, in a fixed order and without what differs from run to run. Written by `npm run sbom`, for the
 * release workflow.
 *
 * `npm sbom --omit dev` is of no use: it also leaves out packages that both peal and a package for development need.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { order, runtimePackages } from './runtime-packages.js';

export interface Component {
  readonly 'bom-ref': string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly scope: string;
  readonly hashes: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses: readonly object[];
}

export interface BillOfMaterials {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly version: number;
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

/** Reads the lock of `root` only; asks no registry. */
export function billOfMaterials(root: string): BillOfMaterials {
  const args = ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx', '--sbom-type', 'library'];
  const text = execFileSync('npm', args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 });
  const { serialNumber, metadata, components, dependencies, ...rest } = JSON.parse(text) as BillOfMaterials & {
    serialNumber: string;
  };
  const { name } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { name: string };
  const wanted = new Set(runtimePackages(root).map((one) => `${one.name}@${one.version}`));
  const isWanted = (ref: string): boolean => wanted.has(ref);
  const own = metadata.component['bom-ref'];
  return {
    ...rest,
    // npm takes the name of the folder.
    metadata: { component: { ...metadata.component, name } },
    components: components.filter((one) => isWanted(one['bom-ref'])).sort((a, b) => order(a['bom-ref'], b['bom-ref'])),
    dependencies: dependencies
      .filter(({ ref }) => ref === own || isWanted(ref))
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter(isWanted).sort(order) }))
      .sort((a, b) => order(a.ref, b.ref)),
  };
}
