/**
 * Makes dist/cjs: the library and the command as CommonJS, many modules in one file, each run when it is asked for, and
 * beside them a short file for each entry and each thread. Called by `scripts/package.ts`, before the package is
 * packed.
 *
 * The command is loaded from here, because a file for each of its modules costs more than all that they do before the
 * first byte. Of the library, Node itself never loads it: `require('peal')` gets the ES modules there (the condition
 * "module-sync"), so that a program has one copy. It is for those who do not let Node load modules (Jest, some
 * bundlers). Its declarations pass those of the ES modules on, so that a type is the same type on both ways.
 *
 * A file of the bundle is loaded when one of its modules is asked for. `own('src/base/limits.js')` gives a module of
 * the first file, `own('src/campaign/journal/journal.js', 'modules.js')` one of another, which adds its modules to the
 * table.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import ts from 'typescript';

/** Modules are called with these; `own` gives one of them, `urlOf` the URL that it would have alone. */
const given = 'own, urlOf, __importDefault, __importStar, __exportStar';

/** The head of the first file. */
const head = (others: readonly string[]): string => `'use strict';
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const urlOf = (name) => pathToFileURL(path.join(__dirname, name)).href;
const files = {${others.map((name) => `\n  '${name}': () => require('./${name}'),`).join('')}
};
const loaded = new Map();
function own(name, file) {
  const known = loaded.get(name);
  if (known !== undefined) return known;
  if (file !== undefined) files[file]();
  const exports = {};
  loaded.set(name, exports);
  try {
    modules[name](exports);
  } catch (error) {
    loaded.delete(name);
    throw error;
  }
  return exports;
}
const __importDefault = (module) => (module && module.__esModule ? module : { default: module });
function __importStar(module) {
  if (module && module.__esModule) return module;
  const all = { default: module };
  for (const name of Object.keys(module)) if (name !== 'default') __createBinding(all, module, name);
  return all;
}
function __createBinding(to, from, name, as = name) {
  Object.defineProperty(to, as, { enumerable: true, get: () => from[name] });
}
function __exportStar(from, to) {
  for (const name of Object.keys(from)) if (name !== 'default' && !Object.hasOwn(to, name)) __createBinding(to, from, name);
}
const add = (more, otherFiles) => {
  Object.assign(modules, more);
  Object.assign(files, otherFiles);
};
module.exports = Object.assign(own, { given: { ${given} }, add });
const modules = {
`;

/** A file of the bundle, with the modules in it; their paths are relative to dist. */
export interface BundledFile {
  readonly name: string;
  readonly modules: readonly string[];
}

/** The files of the bundle by what loads them; the places of these four in what `writeCommonJs` takes. */
export type BundledFiles = readonly [
  first: BundledFile,
  rest: BundledFile,
  command: BundledFile,
  commands: BundledFile,
];

export interface EntryFiles {
  /** What package.json gives to `require`, relative to dist/cjs (`src/index.js`). */
  readonly entries: readonly string[];
  readonly threads: readonly string[];
  /** What Node starts as the command, an ES module relative to dist. */
  readonly main: string;
}

/** Where the command begins: the module that `main` imports. */
const commandEntry = 'src/cli/run-process.js';

/** Writes `dist/cjs` anew, and into dist/src the file by which the command is loaded from there. */
export function writeCommonJs(dist: string, files: BundledFiles, { entries, threads, main }: EntryFiles): void {
  const target = path.join(dist, 'cjs');
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  const [first, rest, command, commands] = files;
  const fileOf = new Map(files.flatMap(({ name, modules }) => modules.map((file) => [file, name] as const)));
  const partsOf = ({ modules }: BundledFile): string =>
    [...modules]
      .sort()
      .map((file) => asPart(file, readFileSync(path.join(dist, file), 'utf8'), askFor))
      .join('');
  /** How a module is asked for in the bundle. */
  const askFor = (file: string): readonly string[] => {
    const name = fileOf.get(file);
    if (name === undefined) throw new Error(`No file of dist/cjs has ${file}`);
    // The file of the command is loaded before anything that asks for its modules.
    return name === first.name || name === command.name ? [file] : [file, name];
  };
  const further = (file: BundledFile, more = ''): string => `'use strict';
const { add, given } = require('./${first.name}');
const { ${given} } = given;
add({
${partsOf(file)}}${more});
`;
  writeFileSync(path.join(target, first.name), `${head([rest.name])}${partsOf(first)}};\n`);
  writeFileSync(path.join(target, rest.name), further(rest));
  const later = `, { '${commands.name}': () => require('./${commands.name}') }`;
  writeFileSync(path.join(target, command.name), further(command, later));
  writeFileSync(path.join(target, commands.name), further(commands));
  writeFileSync(path.join(target, 'package.json'), '{ "type": "commonjs" }\n');

  const own = createRequire(path.join(target, first.name))(`./${first.name}`) as (...ask: readonly string[]) => object;
  const ownOf = (file: string): string =>
    `require('${upwards(file, first.name)}')(${askFor(file)
      .map((text) => `'${text}'`)
      .join(', ')})`;
  const namesOf = (file: string): string[] => Object.keys(own(...askFor(file)));
  for (const file of entries) write(path.join(target, file), entryOf(ownOf(file), namesOf(file)));
  for (const file of threads) write(path.join(target, file), `module.exports = ${ownOf(file)};\n`);
  for (const file of entries) {
    write(path.join(target, file.replace(/\.js$/, '.d.ts')), declarationsOf(file, namesOf(file)));
  }
  // For a command that starts another one.
  write(path.join(target, main), `import('${upwards(main, `../${main}`)}');\n`);
  write(path.join(dist, commandEntry), commandFrom(`cjs/${first.name}`, `cjs/${command.name}`));
}

/** The ES module in the place of the first one of the command. */
function commandFrom(first: string, command: string): string {
  return `import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
require('${upwards(commandEntry, command)}');
export const { runProcess } = require('${upwards(commandEntry, first)}')('${commandEntry}');
`;
}

/**
 * `export *` passes on everything but a default export. Where there is one the values stand beside it, because tools
 * take a lone default for `module.exports`. Older settings of TypeScript do not know that Node's `require` gives ES
 * modules.
 */
function declarationsOf(file: string, names: readonly string[]): string {
  const from = upwards(file, `../${file}`);
  const named = names.includes('default') ? names.filter((name) => name !== '__esModule') : [];
  const all = named.length === 0 ? ['*'] : ['*', `{ ${named.join(', ')} }`];
  return all.map((what) => `// @ts-ignore\nexport ${what} from '${from}';\n`).join('');
}

function write(file: string, text: string): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** An entry names what it exports one by one, for tools that read files and do not run them. */
function entryOf(own: string, names: readonly string[]): string {
  const lines = names.map((name) => `exports.${name} = own.${name};\n`);
  return `'use strict';
Object.defineProperty(exports, '__esModule', { value: true });
const own = ${own};
${lines.join('')}`;
}

/** The path of `to` as a file of dist/cjs that is called `file` has to write it; both are relative to dist/cjs. */
function upwards(file: string, to: string): string {
  const relative = path.posix.relative(path.posix.dirname(file), to);
  return relative.startsWith('.') ? relative : `./${relative}`;
}

/** How a module of the bundle is asked for: the arguments of `own`. */
type AskFor = (file: string) => readonly string[];

/** A module as a row of the table. */
function asPart(file: string, text: string, askFor: AskFor): string {
  const { outputText } = ts.transpileModule(text, {
    fileName: file.replace(/\.js$/, '.cts'),
    compilerOptions: {
      module: ts.ModuleKind.Node20,
      target: ts.ScriptTarget.ES2023,
      noEmitHelpers: true,
      removeComments: true,
    },
    transformers: { before: [requireLoadedLater], after: [askForOwnFiles(file, askFor)] },
  });
  const body = outputText
    .replace(/^"use strict";\n/, '')
    .replaceAll('import.meta.url', `urlOf(${JSON.stringify(file)})`);
  return `${JSON.stringify(file)}(exports) {\n${withoutWideCharacters(body)}},\n`;
}

/**
 * Everything outside ASCII as its escape: for a single wide character V8 keeps the text of a whole file in two bytes
 * each.
 */
function withoutWideCharacters(body: string): string {
  if (/\\\P{ASCII}/u.test(body)) throw new Error('An escaped character outside ASCII cannot be written as its escape.');
  const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return body.replaceAll(/\P{ASCII}/gu, (character) => character.split('').map(escaped).join(''));
}

/** Packages that are ES modules only: not every Node lets `require` load them (`--no-experimental-require-module`). */
const esModules: ReadonlySet<string> = new Set(['@bomb.sh/tab', 'hyparquet', 'hyparquet-compressors']);

/**
 * Files of the package are required also where they are loaded later, because Jest has no `import()`; what a user names
 * (a back-end's module) is imported, because it may be a URL. So are packages that are ES modules only.
 */
const requireLoadedLater: ts.TransformerFactory<ts.SourceFile> = (context) => (source) => {
  const { factory } = context;
  const visit = (node: ts.Node): ts.Node => {
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const specifier = node.arguments[0]!;
      if (ts.isStringLiteral(specifier) && !esModules.has(specifier.text)) {
        const asked = factory.createCallExpression(factory.createIdentifier('require'), undefined, [specifier]);
        const required = specifier.text.startsWith('.')
          ? asked
          : factory.createCallExpression(factory.createIdentifier('__importStar'), undefined, [asked]);
        const later = factory.createArrowFunction(undefined, undefined, [], undefined, undefined, required);
        const resolved = factory.createCallExpression(
          factory.createPropertyAccessExpression(factory.createIdentifier('Promise'), 'resolve'),
          undefined,
          [],
        );
        return factory.createCallExpression(factory.createPropertyAccessExpression(resolved, 'then'), undefined, [
          later,
        ]);
      }
    }
    return ts.visitEachChild(node, visit, context);
  };
  return ts.visitEachChild(source, visit, context);
};

/**
 * `require('./limits.js')` within the package becomes `own('src/base/limits.js')`; those of other packages are required
 * as before.
 */
function askForOwnFiles(file: string, askFor: AskFor): ts.TransformerFactory<ts.SourceFile> {
  return (context) => (source) => {
    const { factory } = context;
    const visit = (node: ts.Node): ts.Node => {
      const [specifier] = ts.isCallExpression(node) ? node.arguments : [];
      if (
        ts.isCallExpression(node) &&
        ts.isIdentifier(node.expression) &&
        node.expression.text === 'require' &&
        specifier !== undefined &&
        ts.isStringLiteral(specifier) &&
        specifier.text.startsWith('.')
      ) {
        const name = path.posix.join(path.posix.dirname(file), specifier.text);
        const asked = askFor(name).map((text) => factory.createStringLiteral(text));
        return factory.createCallExpression(factory.createIdentifier('own'), undefined, asked);
      }
      return ts.visitEachChild(node, visit, context);
    };
    return ts.visitEachChild(source, visit, context);
  };
}
