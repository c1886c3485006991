/**
 * What a process loads of peal before its first bytes reach a gateway, found by reading imports. Called by
 * `scripts/package.ts`, which puts these modules into files of their own, and by the test that bounds them.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

/**
 * What `peal send` of one message to a plain list loads from the main thread, and from none of these by an `import`
 * statement.
 */
export const sendEntries: readonly string[] = [
  'src/cli/run-process.js',
  'src/cli/program.js',
  'src/cli/command-line.js',
  'src/cli/send/send.js',
  'src/campaign/run/open-run.js',
  'src/campaign/run/campaign-run.js',
  'src/engine/dispatcher/dispatcher.js',
  'src/engine/hosts/local-shard.js',
  'src/transport/tls.js',
];

/** The same for a thread that sends. */
export const shardEntries: readonly string[] = ['workers/shard.js'];

/**
 * The compiled files that `roots` import by statements, and these in turn, among them themselves. What `import()` loads
 * when it is needed is left out. Paths are relative to `dist`.
 */
export function importedAtOnce(dist: string, roots: readonly string[]): ReadonlySet<string> {
  const found = new Set(roots);
  for (const file of found) {
    const source = ts.createSourceFile(file, readFileSync(path.join(dist, file), 'utf8'), ts.ScriptTarget.Latest);
    for (const statement of source.statements) {
      if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) continue;
      const from = statement.moduleSpecifier;
      if (from === undefined || !ts.isStringLiteral(from) || !from.text.startsWith('.')) continue;
      found.add(path.posix.join(path.posix.dirname(file), from.text));
    }
  }
  return found;
}
