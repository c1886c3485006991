/**
 * A program that sends over peal, as one file made by each of the usual bundlers: with peal left out of it, with peal
 * in it and installed beside, and with peal in it and nowhere else. docs/bundlers.md says what is to be expected.
 */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describeWithTools, Project, runNode, toolUrl } from './project.js';

/** Sends to two tokens over as many threads as its first argument says; the simulator has one where that says so. */
const program = `
import { APNs, Message, PealError, scriptedToken, Session, startSimulator, startSimulatorThread } from 'peal';
import { createTlsBackend } from 'peal/backend';

async function main() {
  const [threads, simulatorThread] = process.argv.slice(2).map(Number);
  const simulator = await (simulatorThread ? startSimulatorThread() : startSimulator());
  const backend = threads === 0 ? createTlsBackend() : 'tls';
  const session = new Session({ threads, backend, ca: simulator.caCertificate });
  try {
    const apns = new APNs(session.getConnection(simulator.url, null));
    const tokens = ['ab'.repeat(32), scriptedToken('Unregistered')];
    const result = await apns.send(new Message(tokens, { alert: 'Hello', topic: 'com.example.app' }));
    const { accepted, rejected, unsent } = result.counts;
    const { code = null, message = null } = result.stopped ?? {};
    console.log(JSON.stringify({ accepted, rejected, unsent, code, message, isOurs: code === null || result.stopped instanceof PealError }));
  } finally {
    await session.shutdown();
    await simulator.close();
  }
}
main().catch((error) => console.log(JSON.stringify({ code: error.code, message: error.message })));
`;

/** A program that needs a little of peal. */
const small = `
import { parseDeviceToken } from 'peal';
console.log(parseDeviceToken('ab'.repeat(32)).length);
`;

type Format = 'esm' | 'cjs';
type Bundle = (entry: string, outFile: string, format: Format, external: string[]) => Promise<unknown>;

interface Esbuild {
  build(options: object): Promise<unknown>;
}
interface Rollup {
  rollup(options: object): Promise<{ write(options: object): Promise<unknown>; close(): Promise<void> }>;
}
interface Vite {
  build(options: object): Promise<unknown>;
}
type Webpack = (options: object, done: (error: Error | null, stats?: WebpackStats) => void) => void;
interface WebpackStats {
  hasErrors(): boolean;
  toString(options: object): string;
}

const bundlers: Record<string, Bundle> = {
  async esbuild(entry, outFile, format, external) {
    const { build } = (await import(toolUrl('esbuild/lib/main.js'))) as Esbuild;
    // CommonJS in an ES module asks for require, as esbuild's own documents say.
    const banner = {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    };
    const own = { bundle: true, platform: 'node', target: 'node20', logLevel: 'silent' };
    await build({
      ...own,
      entryPoints: [entry],
      outfile: outFile,
      format,
      external,
      ...(format === 'esm' && { banner }),
    });
  },

  async rollup(entry, outFile, format, external) {
    const { rollup } = (await import(toolUrl('rollup/dist/rollup.js'))) as Rollup;
    const plugin = async (file: string): Promise<(options?: object) => object> =>
      ((await import(toolUrl(`@rollup/${file}`))) as { default: () => object }).default;
    const plugins = [
      (await plugin('plugin-node-resolve/dist/es/index.js'))({ preferBuiltins: true, exportConditions: ['node'] }),
      (await plugin('plugin-commonjs/dist/es/index.js'))(),
      (await plugin('plugin-json/dist/es/index.js'))(),
    ];
    const bundle = await rollup({ input: entry, external, plugins, onwarn: () => {} });
    await bundle.write({ file: outFile, format, inlineDynamicImports: true });
    await bundle.close();
  },

  async vite(entry, outFile, format, external) {
    const { build } = (await import(toolUrl('vite/dist/node/index.js'))) as Vite;
    const output = { entryFileNames: path.basename(outFile), format };
    await build({
      configFile: false,
      logLevel: 'silent',
      root: path.dirname(entry),
      ssr: external.length === 0 ? { noExternal: true } : { external },
      build: {
        ssr: entry,
        outDir: path.dirname(outFile),
        emptyOutDir: false,
        minify: false,
        rollupOptions: { output },
      },
    });
  },

  async webpack(entry, outFile, format, external) {
    const { default: webpack } = (await import(toolUrl('webpack/lib/index.js'))) as { default: Webpack };
    const isModule = format === 'esm';
    const externals = external.map((name) => ({ [name]: `${isModule ? 'module' : 'commonjs'} ${name}` }));
    const stats = await new Promise<WebpackStats>((resolve, reject) => {
      webpack(
        {
          mode: 'none',
          target: 'node20',
          entry,
          externals,
          experiments: { outputModule: isModule },
          output: {
            path: path.dirname(outFile),
            filename: path.basename(outFile),
            ...(isModule && { module: true, chunkFormat: 'module', library: { type: 'module' } }),
          },
        },
        (error, result) => (error === null ? resolve(result!) : reject(error)),
      );
    });
    assert.ok(!stats.hasErrors(), stats.toString({ all: false, errors: true }));
  },
};

interface Said {
  readonly accepted?: number;
  readonly rejected?: number;
  readonly unsent?: number;
  readonly code: string | null;
  readonly message: string | null;
  readonly isOurs?: boolean;
}

describeWithTools('a program in one file', () => {
  let project: Project;
  /** Somewhere else, where nothing is installed. */
  let elsewhere: string;

  before(async () => {
    project = await Project.create();
    project.write({ 'app.mjs': program });
    elsewhere = realpathSync(mkdtempSync(path.join(tmpdir(), 'peal-bundle-')));
  });

  after(() => {
    project.dispose();
    rmSync(elsewhere, { recursive: true, force: true });
  });

  async function run(file: string, ...args: number[]): Promise<Said> {
    const { stdout, stderr } = await runNode([file, ...args.map(String)], path.dirname(file));
    assert.ok(stdout.startsWith('{'), `${stdout}${stderr}`);
    return JSON.parse(stdout) as Said;
  }

  const sent: Said = { accepted: 1, rejected: 1, unsent: 0, code: null, message: null, isOurs: true };

  for (const [name, bundle] of Object.entries(bundlers)) {
    for (const format of ['esm', 'cjs'] as const) {
      const ending = format === 'esm' ? 'mjs' : 'cjs';

      it(`of ${name} (${format}) sends over threads when peal is external`, async () => {
        const file = project.file(`external-${name}`, `out.${ending}`);
        await bundle(project.file('app.mjs'), file, format, ['peal', 'peal/backend']);
        assert.deepEqual(await run(file, 2, 1), sent);
      });

      it(`of ${name} (${format}) with peal in it needs the package for threads only, and says so`, async () => {
        const file = project.file(`bundled-${name}-${format}`, `out.${ending}`);
        await bundle(project.file('app.mjs'), file, format, []);
        assert.deepEqual(await run(file, 2, 1), sent);
        // With the chunks beside it.
        cpSync(path.dirname(file), path.join(elsewhere, name + format), { recursive: true });
        const alone = path.join(elsewhere, name + format, path.basename(file));
        // Webpack writes down where files were when they were bundled, and the programs are to run elsewhere.
        const away = project.file('node_modules', 'peal');
        await project.hide(away, async () => {
          assert.deepEqual(await run(alone, 0, 0), sent);
          for (const [threads, simulatorThread] of [
            [1, 0],
            [0, 1],
          ] as const) {
            const { code, message } = await run(alone, threads, simulatorThread);
            assert.equal(code, 'ERR_PEAL_SHARD', message ?? 'no error');
            assert.match(
              message!,
              /which a bundle does not contain\. Leave peal out of the bundle \(external: \["peal"\]\)/,
            );
          }
        });
      });
    }
  }

  for (const name of ['esbuild', 'rollup', 'vite'] as const) {
    it(`of ${name} holds of peal what the program uses, and not all of it`, async () => {
      project.write({ 'small.mjs': small });
      const file = project.file(`small-${name}`, 'out.mjs');
      await bundlers[name]!(project.file('small.mjs'), file, 'esm', []);
      const { stdout, stderr } = await runNode([file], path.dirname(file));
      assert.deepEqual([stdout, stderr], ['32\n', '']);
      const { size } = statSync(file);
      assert.ok(size < 64_000, `${size} bytes`);
    });
  }
});
