/**
 * Writes dist/cjs: the library as CommonJS, file by file from what the compiler made of it, with declarations that say so.
 * Run by `npm run build:commonjs`, before the package is packed.
 *
 * Node itself never loads it: `require('peal')` gets the ES modules there (the condition "module-sync"), so that a program
 * has one copy. It is for those who do not let Node load modules (Jest, some bundlers), and its declarations for TypeScript
 * that compiles to CommonJS.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const dist = fileURLToPath(new URL('../', import.meta.url));
const target = path.join(dist, 'cjs');

/** Files that `entries` import, directly or not, among them themselves: paths relative to dist/. */
function reachable(entries: readonly string[], resolve: (specifier: string) => string): string[] {
  const found = new Set(entries);
  for (const file of found) {
    const { importedFiles } = ts.preProcessFile(readFileSync(path.join(dist, file), 'utf8'));
    for (const { fileName } of importedFiles) {
      if (fileName.startsWith('.')) found.add(path.join(path.dirname(file), resolve(fileName)));
    }
  }
  return [...found];
}

/**
 * A module as CommonJS. Files of the package are required also where they are loaded later, because Jest has no
 * `import()`; what a user names (a back-end's module) is imported, because it may be a URL.
 */
function asCommonJs(text: string, fileName: string): string {
  const { outputText } = ts.transpileModule(text, {
    fileName: fileName.replace(/\.js$/, '.cts'),
    compilerOptions: { module: ts.ModuleKind.Node20, target: ts.ScriptTarget.ES2023 },
    transformers: { before: [requireOwnFiles] },
  });
  return outputText.replaceAll('import.meta.url', 'require("node:url").pathToFileURL(__filename).href');
}

const requireOwnFiles: ts.TransformerFactory<ts.SourceFile> = (context) => (source) => {
  const { factory } = context;
  const visit = (node: ts.Node): ts.Node => {
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const specifier = node.arguments[0]!;
      if (ts.isStringLiteral(specifier)) {
        const required = factory.createCallExpression(factory.createIdentifier('require'), undefined, [specifier]);
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

/** What package.json says that `require` gets, relative to dist/, without the ending. */
function entriesOf(manifest: { exports: Record<string, string | { require?: { default: string } }> }): string[] {
  return Object.values(manifest.exports).flatMap((entry) => {
    const file = typeof entry === 'string' ? undefined : entry.require?.default;
    return file === undefined ? [] : [file.replace(/^\.\/dist\/cjs\//, '').replace(/\.js$/, '')];
  });
}

const entries = entriesOf(JSON.parse(readFileSync(path.join(dist, '../package.json'), 'utf8')));
const modules = reachable(
  [...entries, 'workers/shard', 'workers/simulator'].map((entry) => `${entry}.js`),
  (specifier) => specifier,
);
const declarations = reachable(
  entries.map((entry) => `${entry}.d.ts`),
  (specifier) => specifier.replace(/\.js$/, '.d.ts'),
);
rmSync(target, { recursive: true, force: true });
for (const file of [...modules, ...declarations]) {
  const to = path.join(target, file);
  mkdirSync(path.dirname(to), { recursive: true });
  if (file.endsWith('.d.ts')) copyFileSync(path.join(dist, file), to);
  else writeFileSync(to, asCommonJs(readFileSync(path.join(dist, file), 'utf8'), file));
}
writeFileSync(path.join(target, 'package.json'), '{ "type": "commonjs" }\n');
if (entries.length === 0 || !existsSync(path.join(target, 'src/index.d.ts'))) throw new Error('dist/cjs is not whole');
console.log(`dist/cjs: ${modules.length} modules, ${declarations.length} declarations`);
