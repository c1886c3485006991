/**
 * Makes of what the compiler wrote to dist/ what the package holds, in place: only modules that an entry or a thread
 * can load, without comments and source maps; only declarations that an entry needs, with their comments; and dist/cjs,
 * which the command is loaded from. Run by `npm pack` and `npm publish` (prepack). `npm run build` makes all of dist/
 * again.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { withoutComments } from './comments.js';
import { type BundledFiles, writeCommonJs } from './commonjs.js';
import { importedAtOnce, sendEntries, shardEntries } from './first-modules.js';

interface Manifest {
  readonly exports: Readonly<Record<string, string | Conditions>>;
  readonly bin: Readonly<Record<string, string>>;
}

interface Conditions {
  readonly import: { readonly types: string; readonly default: string };
  readonly require: { readonly types: string; readonly default: string };
}

const dist = fileURLToPath(new URL('../', import.meta.url));
const manifest = JSON.parse(readFileSync(path.join(dist, '../package.json'), 'utf8')) as Manifest;
const entries = Object.values(manifest.exports).filter((entry) => typeof entry !== 'string');

/** A path of package.json, relative to dist/. */
const within = (file: string): string => file.replace(/^(\.\/)?dist\//, '');
const asDeclarations = (file: string): string => file.replace(/\.js$/, '.d.ts');

/** The files that `roots` import, directly or not, among them themselves: paths relative to dist/. */
function reachable(roots: readonly string[], resolve: (specifier: string) => string): Set<string> {
  const found = new Set(roots);
  for (const file of found) {
    const { importedFiles } = ts.preProcessFile(readFileSync(path.join(dist, file), 'utf8'));
    for (const { fileName } of importedFiles) {
      if (fileName.startsWith('.')) found.add(path.posix.join(path.posix.dirname(file), resolve(fileName)));
    }
  }
  return found;
}

function* filesBelow(folder: string): Generator<string> {
  for (const entry of readdirSync(path.join(dist, folder), { withFileTypes: true })) {
    const file = `${folder}/${entry.name}`;
    if (entry.isDirectory()) yield* filesBelow(file);
    else yield file;
  }
}

const threads = ['workers/shard.js', 'workers/simulator.js'];
const imported = entries.map((entry) => within(entry.import.default));
const declarations = reachable(
  entries.map((entry) => within(entry.import.types)),
  asDeclarations,
);

const required = entries.map((entry) => within(entry.require.default).replace(/^cjs\//, ''));
const library = reachable([...imported, ...threads], (file) => file);
const [main] = Object.values(manifest.bin).map(within);
const command = reachable([main!], (file) => file);
command.delete(main!);
/** What most processes need is parsed by itself, and the rest where one of them is asked for. */
const first = new Set([...importedAtOnce(dist, sendEntries), ...importedAtOnce(dist, shardEntries)]);
const files: BundledFiles = [
  { name: 'sending.js', modules: [...library].filter((file) => first.has(file)) },
  { name: 'modules.js', modules: [...library].filter((file) => !first.has(file)) },
  { name: 'command.js', modules: [...command].filter((file) => !library.has(file) && first.has(file)) },
  { name: 'commands.js', modules: [...command].filter((file) => !library.has(file) && !first.has(file)) },
];
writeCommonJs(dist, files, { entries: required, threads, main: main! });

/**
 * Of the ES modules the package holds those of the library, and what starts the command, which is loaded from dist/cjs.
 */
const modules = new Set([...library, main!, 'src/cli/run-process.js']);
for (const file of [...filesBelow('src'), ...filesBelow('workers')]) {
  const where = path.join(dist, file);
  if (modules.has(file)) writeFileSync(where, withoutComments(file, readFileSync(where, 'utf8')));
  else if (!declarations.has(file)) rmSync(where);
}
const missing = [...modules, ...declarations, ...required.map((file) => `cjs/${file}`)].filter(
  (file) => !existsSync(path.join(dist, file)),
);
if (missing.length > 0 || required.length === 0) throw new Error(`dist/ is not whole: ${missing.join(', ')}`);
