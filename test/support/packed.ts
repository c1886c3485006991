/**
 * The package as `npm pack` makes it, of a copy of the repository, so that the tests keep their dist/. What was
 * compiled for the tests is taken as it is; `prepack` would compile it once more, without maps. Needs npm, and no
 * network.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from './repository.js';

const run = promisify(execFile);

export interface PackedFile {
  readonly path: string;
  readonly size: number;
  /** The rights of the file, as in the archive. */
  readonly mode: number;
}

export interface Packed {
  /** The path of the archive. */
  readonly tarball: string;
  readonly files: readonly PackedFile[];
  /** Bytes of the archive. */
  readonly size: number;
  /** Bytes of all files. */
  readonly unpackedSize: number;
}

/** What is never packed, and what is large and not needed to pack. */
const skipped = new Set(['node_modules', '.git', 'dist', 'coverage', '.build']);

/** Packs peal, and leaves the archive in `folder`. Takes some seconds. */
export async function packInto(folder: string): Promise<Packed> {
  const copy = mkdtempSync(path.join(tmpdir(), 'peal-checkout-'));
  try {
    for (const name of readdirSync(repositoryRoot)) {
      if (!skipped.has(name)) copyWithoutPackages(name, copy);
    }
    for (const part of ['src', 'workers', 'scripts']) copyWithoutPackages(path.join('dist', part), copy);
    symlinkSync(path.join(repositoryRoot, 'node_modules'), path.join(copy, 'node_modules'));
    await run(process.execPath, [path.join(copy, 'dist/scripts/write-man.js')], { cwd: copy });
    await run(process.execPath, [path.join(copy, 'dist/scripts/package.js')], { cwd: copy });
    const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
    const { stdout } = await run('npm', args, { cwd: copy, maxBuffer: 1 << 26 });
    const [packed] = JSON.parse(stdout) as [Omit<Packed, 'tarball'> & { filename: string }];
    return { ...packed, tarball: path.join(folder, packed.filename) };
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function copyWithoutPackages(name: string, to: string): void {
  const filter = (file: string): boolean => path.basename(file) !== 'node_modules';
  mkdirSync(path.dirname(path.join(to, name)), { recursive: true });
  cpSync(path.join(repositoryRoot, name), path.join(to, name), { recursive: true, filter });
}
