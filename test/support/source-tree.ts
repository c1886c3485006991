/**
 * The TypeScript sources of the package, parsed once: what each file imports by name and what it exports. Used by the
 * tests that watch over the layout of src/.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { repositoryRoot } from './repository.js';

export interface SourceImport {
  /** Path of the importing file from the root of the repository, with forward slashes. */
  readonly from: string;
  readonly specifier: string;
  /** Path of the imported file from the root, or null for packages and built-in modules. */
  readonly to: string | null;
  /** The names that are taken; `*` for all of them (a namespace or a dynamic import). */
  readonly names: readonly string[];
}

export interface SourceFile {
  /** Path from the root of the repository. */
  readonly path: string;
  readonly syntax: ts.SourceFile;
  /** Every import: static, `export … from`, dynamic, and `import('…')` as a type. */
  readonly imports: readonly SourceImport[];
  /** Names that the file declares and exports. */
  readonly exports: readonly string[];
  /** Names that it exports for another file: `export … from`, and `export { … }` of what it imports. */
  readonly passedOn: readonly string[];
}

/** The .ts files of `folders` (paths from the root), parsed, by path. */
export function parseSources(folders: readonly string[]): SourceFile[] {
  return folders.flatMap((folder) =>
    readdirSync(path.join(repositoryRoot, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.includes('node_modules'))
      .map((name) => parse(`${folder}/${name.split(path.sep).join('/')}`))
      .sort((a, b) => (a.path < b.path ? -1 : 1)),
  );
}

function parse(file: string): SourceFile {
  const text = readFileSync(path.join(repositoryRoot, file), 'utf8');
  const syntax = ts.createSourceFile(file, text, ts.ScriptTarget.ESNext, true);
  const imports: SourceImport[] = [];
  const visit = (node: ts.Node): void => {
    const found = importOf(node);
    if (found !== null) {
      const { specifier, names } = found;
      const target = path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier));
      imports.push({
        from: file,
        specifier,
        to: specifier.startsWith('.') ? target.replace(/\.js$/, '.ts') : null,
        names,
      });
    }
    ts.forEachChild(node, visit);
  };
  visit(syntax);
  const imported = new Set(syntax.statements.flatMap(importedNames));
  const exported = syntax.statements.flatMap(exportedNames);
  return {
    path: file,
    syntax,
    imports,
    exports: exported.filter((name) => !imported.has(name)),
    passedOn: [...exported.filter((name) => imported.has(name)), ...syntax.statements.flatMap(namesPassedOn)],
  };
}

function importOf(node: ts.Node): { specifier: string; names: string[] } | null {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    const clause = node.importClause;
    const bindings = clause?.namedBindings;
    const named = bindings === undefined ? [] : ts.isNamedImports(bindings) ? namesOf(bindings.elements) : ['*'];
    return {
      specifier: node.moduleSpecifier.text,
      names: clause?.name === undefined ? named : ['default', ...named],
    };
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined && ts.isStringLiteral(node.moduleSpecifier)) {
    const clause = node.exportClause;
    const names = clause !== undefined && ts.isNamedExports(clause) ? namesOf(clause.elements) : ['*'];
    return { specifier: node.moduleSpecifier.text, names };
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const [argument] = node.arguments;
    // One that is put together at run time cannot be followed: the tests refuse it by this name.
    if (argument === undefined || !ts.isStringLiteralLike(argument)) return { specifier: '(computed)', names: ['*'] };
    return { specifier: argument.text, names: unpackedNames(node) };
  }
  if (ts.isCallExpression(node) && isRequire(node.expression)) {
    const [argument] = node.arguments;
    const isPlain = argument !== undefined && ts.isStringLiteralLike(argument);
    return { specifier: isPlain ? argument.text : '(computed)', names: ['*'] };
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
    const name = node.qualifier === undefined ? '*' : (node.qualifier.getText().split('.')[0] ?? '*');
    return { specifier: node.argument.literal.text, names: [name] };
  }
  return null;
}

/** `require(…)`, and what `createRequire(…)` returns where it is called at once. */
function isRequire(callee: ts.Expression): boolean {
  if (ts.isIdentifier(callee)) return callee.text === 'require';
  return ts.isCallExpression(callee) && /createRequire$/.test(callee.expression.getText());
}

/** The names that `const { … } = await import(…)` takes; all of them where the module is kept as it is. */
function unpackedNames(call: ts.CallExpression): string[] {
  const declaration = ts.isAwaitExpression(call.parent) ? call.parent.parent : call.parent;
  if (!ts.isVariableDeclaration(declaration) || !ts.isObjectBindingPattern(declaration.name)) return ['*'];
  return declaration.name.elements.map(({ name, propertyName }) => (propertyName ?? name).getText());
}

/** The names as the imported file knows them. */
function namesOf(elements: ts.NodeArray<ts.ImportSpecifier | ts.ExportSpecifier>): string[] {
  return elements.map(({ name, propertyName }) => (propertyName ?? name).text);
}

/** The names by which a file knows what it imports. */
function importedNames(statement: ts.Statement): string[] {
  const bindings = ts.isImportDeclaration(statement) ? statement.importClause?.namedBindings : undefined;
  return bindings !== undefined && ts.isNamedImports(bindings) ? bindings.elements.map(({ name }) => name.text) : [];
}

function namesPassedOn(statement: ts.Statement): string[] {
  return ts.isExportDeclaration(statement) ? (importOf(statement)?.names ?? []) : [];
}

function exportedNames(statement: ts.Statement): string[] {
  if (ts.isExportDeclaration(statement) && statement.moduleSpecifier === undefined) {
    const clause = statement.exportClause;
    return clause !== undefined && ts.isNamedExports(clause) ? clause.elements.map(({ name }) => name.text) : [];
  }
  const modifiers = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : [];
  if (!modifiers.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) return [];
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map(({ name }) => name.getText());
  }
  const { name } = statement as ts.DeclarationStatement;
  return name === undefined ? ['default'] : [name.getText()];
}

/** The text of a file without comments and without the insides of strings. */
export function codeOf({ syntax }: SourceFile): string {
  const printer = ts.createPrinter({ removeComments: true });
  return printer.printFile(syntax).replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, "''");
}
