/**
 * What `npm pack` puts into the package: what a program needs at run time and a person at his desk, and nothing else.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { withoutComments } from '../../scripts/comments.js';
import { type Packed, packInto } from '../support/packed.js';
import { repositoryRoot } from '../support/repository.js';

const run = promisify(execFile);
const manifest = JSON.parse(readFileSync(path.join(repositoryRoot, 'package.json'), 'utf8')) as {
  readonly exports: Readonly<Record<string, unknown>>;
  readonly bin: Readonly<Record<string, string>>;
  readonly man: readonly string[];
  readonly dependencies: Readonly<Record<string, string>>;
};

/** Every file of the package is one of these. */
const kinds: readonly RegExp[] = [
  /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|SECURITY\.md|SUPPORT\.md|THIRD-PARTY-LICENSES\.md)$/,
  /^peal\.config\.schema\.json$/,
  /^man\/peal[a-z-]*\.1$/,
  /^dist\/(src|workers)\/([a-z0-9-]+\/)*[a-z0-9-]+\.js$/,
  /^dist\/src\/([a-z0-9-]+\/)*[a-z0-9-]+\.d\.ts$/,
  /^dist\/cjs\/(package\.json|(sending|modules|commands?)\.js|(src|workers)\/([a-z0-9-]+\/)*[a-z0-9-]+(\.js|\.d\.ts))$/,
  /^docs\/(openapi\.json|((guide|how-to)\/)?(README|[a-z0-9-]+)\.md)$/,
  /^examples\/([a-zA-Z0-9-]+\/)*[a-zA-Z0-9@.-]+$/,
];
/** Some room for what is written next; a jump is to be looked at. */
const atMost = { files: 1_250, packedBytes: 1_900_000, unpackedBytes: 7_600_000 };

describe('the package', () => {
  let folder: string;
  let packed: Packed;
  let paths: readonly string[];
  const textOf = (file: string): string => readFileSync(path.join(folder, 'package', file), 'utf8');

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'peal-packed-'));
    packed = await packInto(folder);
    paths = packed.files.map((file) => file.path);
    await run('tar', ['-xzf', packed.tarball, '-C', folder]);
    // Packages that peal depends on are those of the repository.
    symlinkSync(path.join(repositoryRoot, 'node_modules'), path.join(folder, 'node_modules'));
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  it('holds files of known kinds only: no test, no benchmark, no map, no source, no picture', () => {
    assert.deepEqual(
      paths.filter((file) => !kinds.some((kind) => kind.test(file))),
      [],
    );
    for (const file of ['README.md', 'LICENSE', 'CHANGELOG.md', 'SECURITY.md', 'SUPPORT.md', 'docs/cli.md']) {
      assert.ok(paths.includes(file), file);
    }
    const unwanted =
      /(^|\/)(test|bench|site|node_modules|api|\.ci)\/|^(src|scripts)\/|\.map$|\.svg$|\.tsbuildinfo$|\.log$/;
    assert.deepEqual(
      paths.filter((file) => unwanted.test(file.replace(/^examples\/testing\//, ''))),
      [],
    );
  });

  it('is small', () => {
    const { size, unpackedSize } = packed;
    const sizes = `${paths.length} files, ${size} bytes packed, ${unpackedSize} unpacked`;
    assert.ok(paths.length <= atMost.files, sizes);
    assert.ok(size <= atMost.packedBytes, sizes);
    assert.ok(unpackedSize <= atMost.unpackedBytes, sizes);
  });

  it('holds everything that package.json names', () => {
    const named: string[] = [];
    const collect = (value: unknown): void => {
      if (typeof value === 'string') named.push(path.posix.normalize(value));
      else if (typeof value === 'object' && value !== null) Object.values(value).forEach(collect);
    };
    collect([manifest.exports, manifest.bin, manifest.man]);
    assert.ok(named.length > 30);
    assert.deepEqual(
      named.filter((file) => !paths.includes(file)),
      [],
    );
  });

  it('has in each module no comment but those for bundlers, and no address of a map', () => {
    const modules = paths.filter((file) => file.startsWith('dist/') && file.endsWith('.js'));
    assert.ok(modules.length > 500);
    for (const [index, file] of modules.entries()) {
      const text = textOf(file);
      assert.ok(!text.includes('//# sourceMappingURL'), file);
      if (index % 20 === 0 && !file.startsWith('dist/cjs/')) assert.equal(withoutComments(file, text), text, file);
    }
    assert.match(textOf('dist/src/engine/hosts/engine-options.js'), /import\(\/\* webpackIgnore: true \*\//);
    assert.match(textOf('dist/src/cli/main.js'), /^#!\/usr\/bin\/env node\n/);
  });

  it('has in its declarations the words that an editor shows', () => {
    assert.match(textOf('dist/src/session/session.d.ts'), /\/\*\*/);
    for (const file of paths.filter((name) => /^dist\/cjs\/.*\.d\.ts$/.test(name))) {
      assert.match(textOf(file), /^\/\/ @ts-ignore\nexport \* from '(\.\.\/)+src\/[a-z0-9/-]+\.js';\n/, file);
    }
  });

  it('imports only what it holds, or depends on', async () => {
    const known = new Set(paths);
    for (const file of paths.filter((name) => /^dist\/(src|workers)\/.*(\.js|\.d\.ts)$/.test(name))) {
      for (const [, specifier] of textOf(file).matchAll(/(?:from|import\() ?['"](\.[^'"]+)['"]/g)) {
        const target = path.posix.join(path.posix.dirname(file), specifier!);
        assert.ok(known.has(file.endsWith('.d.ts') ? target.replace(/\.js$/, '.d.ts') : target), `${file}: ${target}`);
      }
    }
  });

  it('imports nothing for its effects, as sideEffects promises to bundlers', () => {
    const modules = paths.filter((file) => /^dist\/src\/(?!cli\/).*\.js$/.test(file));
    assert.ok(modules.length > 500);
    for (const file of modules) assert.doesNotMatch(textOf(file), /^import ['"]/m, file);
    const { sideEffects } = JSON.parse(textOf('package.json')) as { sideEffects: readonly string[] };
    assert.deepEqual(sideEffects, ['./dist/src/cli/**', './dist/workers/**', './dist/cjs/**']);
  });

  it('holds of the command, as ES modules, only what Node starts, which loads the rest from dist/cjs', async () => {
    assert.deepEqual(paths.filter((file) => /^dist\/src\/cli\/.*\.js$/.test(file)).sort(), [
      'dist/src/cli/main.js',
      'dist/src/cli/run-process.js',
    ]);
    for (const args of [['--version'], ['send', '--help'], ['serve', '--help'], ['status', '--help']]) {
      const outputs = [];
      for (const root of [path.join(folder, 'package'), repositoryRoot]) {
        outputs.push((await run(process.execPath, [path.join(root, manifest.bin.peal!), ...args])).stdout);
      }
      assert.equal(outputs[0], outputs[1]);
      assert.ok(outputs[0]!.length > 0);
    }
  });

  it('runs a simulator in a process of its own and sends from a thread, from these files', async () => {
    const main = path.join(folder, 'package', manifest.bin.peal!);
    const { stdout } = await run(process.execPath, [main, 'demo', '--tokens', '3000', '--threads', '1']);
    assert.match(stdout, /3,000/);
    assert.match(stdout, /Both books are equal/);
  });

  it('reads Parquet and completes command lines also where require takes no ES modules', async () => {
    const list = path.join(folder, 'list.parquet');
    const tokens = ['a', 'b'].map((digit) => digit.repeat(64));
    const columnData = [{ name: 'token', data: tokens }];
    const gzip = {
      codec: 'GZIP',
      compressors: { GZIP: (bytes: Uint8Array) => new Uint8Array(gzipSync(bytes)) },
    } as const;
    writeFileSync(list, Buffer.from(parquetWriteBuffer({ columnData, ...gzip })));
    const peal = ['--no-experimental-require-module', path.join(folder, 'package', manifest.bin.peal!)];
    const dry = ['--gateway', 'https://localhost:1', '--topic', 'com.example.app', '--alert', 'Hi', '--dry-run'];
    const sent = await run(process.execPath, [...peal, 'send', '--tokens', list, ...dry, '--json']);
    assert.equal((JSON.parse(sent.stdout) as { recipients: number }).recipients, 2);
    assert.match((await run(process.execPath, [...peal, 'completion', 'zsh'])).stdout, /compdef/);
  });

  it('gives each entry to import and to require, also where require takes no ES modules', async () => {
    const installed = path.join(folder, 'project/node_modules');
    await run('mkdir', ['-p', installed]);
    await run('cp', ['-r', path.join(folder, 'package'), path.join(installed, 'peal')]);
    const program = `
      const names = Object.keys(require('peal/package.json').exports).filter((name) => !name.endsWith('.json'));
      Promise.all(names.map(async (name) => {
        const own = name.replace(/^\\./, 'peal');
        const shown = (module) => Object.keys(module).filter((key) => !/^(default|module.exports|__esModule)$/.test(key));
        return shown(require(own)).sort().join() === shown(await import(own)).sort().join() ? '' : own;
      })).then((wrong) => console.log(names.length, wrong.join('')));
    `;
    for (const options of [[], ['--no-experimental-require-module']]) {
      const { stdout } = await run(process.execPath, [...options, '-e', program], { cwd: path.dirname(installed) });
      const count = Object.keys(manifest.exports).filter((name) => !name.endsWith('.json')).length;
      assert.equal(stdout, `${count} \n`);
    }
  });
});
