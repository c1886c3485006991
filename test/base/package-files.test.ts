import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { PealError } from '../../src/base/errors.js';
import { dependencyFile, installedFile, type PackageFile, packageFile } from '../../src/base/package-files.js';
import { version } from '../../src/base/version.js';
import { repositoryRoot } from '../support/repository.js';

const names: readonly PackageFile[] = ['workers/shard.js', 'workers/simulator.js', 'src/engine/hosts/thread-pool.js'];

describe('files that threads begin with', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'peal-files-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function install(where: string, installed: string): string {
    const root = path.join(folder, where, 'node_modules', 'peal');
    mkdirSync(root, { recursive: true });
    writeFileSync(path.join(root, 'package.json'), JSON.stringify({ name: 'peal', version: installed }));
    return root;
  }

  it('lie beside the code, as long as it is not bundled', () => {
    for (const name of names) assert.ok(existsSync(packageFile(name)), name);
  });

  it('are taken from the package that is installed for the program, the nearest first', () => {
    const inner = install('app', version);
    install('.', version);
    const bundle = path.join(folder, 'app', 'dist', 'bundle.mjs');
    for (const place of [bundle, pathToFileURL(bundle).href]) {
      assert.equal(
        fileURLToPath(installedFile('workers/shard.js', [place])),
        path.join(inner, 'dist/workers/shard.js'),
      );
    }
  });

  it('are looked for from each place in turn', () => {
    const root = install('second', version);
    const places = ['first', 'second'].map((name) => path.join(folder, name, 'main.js'));
    assert.equal(fileURLToPath(installedFile(names[1]!, places)), path.join(root, 'dist', names[1]!));
  });

  it('are not mixed with code of another version', () => {
    install('.', '0.0.9');
    assert.throws(
      () => installedFile('workers/shard.js', [path.join(folder, 'bundle.js')]),
      ({ code, message }: PealError) =>
        code === 'ERR_PEAL_SHARD' && message.includes(`contains peal ${version}, but peal 0.0.9 is installed`),
    );
  });

  it('are missed with advice where no package is installed', () => {
    assert.throws(
      () => installedFile('workers/shard.js', [path.join(folder, 'bundle.js')]),
      ({ code, message }: PealError) =>
        code === 'ERR_PEAL_SHARD' && message.includes('Leave peal out of the bundle (external: ["peal"])'),
    );
  });

  it('know the version that package.json has', () => {
    const manifest = JSON.parse(readFileSync(path.join(repositoryRoot, 'package.json'), 'utf8')) as { version: string };
    assert.equal(version, manifest.version);
  });

  it('of packages that peal depends on are found, or said to be missing', () => {
    assert.equal(path.basename(dependencyFile('uplot/LICENSE') ?? ''), 'LICENSE');
    assert.equal(dependencyFile('uplot/no-such-file'), null);
    assert.equal(dependencyFile('peal-no-such-package/LICENSE'), null);
  });
});
