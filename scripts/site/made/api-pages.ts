/**
 * The reference of the library: a page for each public name, made by typedoc from the source of each entry of the
 * package. Called by the staging of the site. typedoc comes from site/node_modules and runs in a process of its own.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { code, page, table } from '../markdown.js';
import type { MadeText } from './made-text.js';

/** Where the pages stand in the site. */
const place = 'reference/api';

/** An entry of the package, and what is found there. */
interface Entry {
  /** What programs import. */
  readonly specifier: string;
  readonly source: string;
  readonly about: string;
}

const abouts: Readonly<Record<string, string>> = {
  '.': 'Sessions, messages, sends, single pushes, channels, campaigns, results and errors.',
  './backend': 'What a transport of one’s own is made of and tested with.',
  './cluster': 'Campaigns on several machines.',
  './fcm': 'Firebase Cloud Messaging.',
  './simulator': 'The stand-in for a gateway, for tests.',
  './compat/apns2': 'The interface of apns2.',
  './compat/firebase-messaging': 'The messaging of firebase-admin.',
  './compat/node-apn': 'The interface of @parse/node-apn.',
  './compat/node-apn/mock': 'The mock of @parse/node-apn.',
};

/** The entries of the package that programs import. */
export function entriesOf(root: string): Entry[] {
  const { exports } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    exports: Readonly<Record<string, string | { readonly default: string }>>;
  };
  return Object.entries(exports).flatMap(([entry, target]) => {
    if (typeof target === 'string') return [];
    const about = abouts[entry];
    if (about === undefined)
      throw new Error(`package.json exports ${entry}, which scripts/site/made/api-pages.ts lacks`);
    const source = target.default.replace(/^\.\/dist\//, '').replace(/\.js$/, '.ts');
    return [{ specifier: path.posix.join('peal', entry), source, about }];
  });
}

/** Writes the pages below `folder`, and returns those that the contents have. */
export function writeApiPages(root: string, folder: string): MadeText[] {
  const entries = entriesOf(root);
  const work = path.join(folder, '..', 'api');
  // A module of typedoc is called after its file: each entry gets one that has the name which programs import.
  const files = entries.map(({ specifier, source }) => {
    const file = path.join(work, `${specifier}.ts`);
    mkdirSync(path.dirname(file), { recursive: true });
    const from = path.relative(path.dirname(file), path.join(root, source)).split(path.sep).join('/');
    const module = `'${from.replace(/\.ts$/, '.js')}'`;
    // All names of a module are those without its default.
    const hasDefault = /^export default /m.test(readFileSync(path.join(root, source), 'utf8'));
    const rest = hasDefault ? `export { default } from ${module};\n` : '';
    writeFileSync(file, `export * from ${module};\n${rest}`);
    return file;
  });
  const configuration = path.join(work, 'tsconfig.json');
  const extended = path.relative(work, path.join(root, 'tsconfig.json'));
  const compilerOptions = {
    rootDir: root,
    incremental: false,
    composite: false,
    typeRoots: [path.join(root, 'node_modules/@types')],
  };
  writeFileSync(configuration, JSON.stringify({ extends: `./${extended}`, compilerOptions, include: [], files }));
  const options = path.join(work, 'typedoc.json');
  writeFileSync(
    options,
    JSON.stringify({
      ...settings,
      tsconfig: configuration,
      entryPoints: files,
      basePath: work,
      out: path.join(folder, place),
    }),
  );
  const program = path.join(root, 'site/node_modules/typedoc/bin/typedoc');
  execFileSync(process.execPath, [program, '--options', options], {
    cwd: path.join(root, 'site'),
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const rows = entries.map(({ specifier, about }) => [`[${code(specifier)}](./${specifier}/index.md)`, about]);
  const text = page(
    'Public names',
    'Each entry of the package, with every class, function and type that it exports. These pages are made from the source. ' +
      '[The library](../../library.md) explains how the names go together.',
    table(['import from', 'what is there'], rows),
  );
  const overview: MadeText = { address: `${place}/index`, title: 'Public names', text };
  const listed = entries.map(({ specifier }) => ({ address: `${place}/${specifier}/index`, title: specifier }));
  return [
    overview,
    ...listed.map((each) => ({ ...each, text: readFileSync(path.join(folder, `${each.address}.md`), 'utf8') })),
  ];
}

const settings = {
  plugin: ['typedoc-plugin-markdown'],
  name: 'peal',
  indexFormat: 'table',
  router: 'member',
  entryFileName: 'index',
  readme: 'none',
  disableSources: true,
  excludeInternal: true,
  excludePrivate: true,
  excludeExternals: true,
  skipErrorChecking: true,
  hideBreadcrumbs: true,
  hidePageHeader: true,
  parametersFormat: 'table',
  interfacePropertiesFormat: 'list',
  githubPages: false,
  // Types that a public type names and that no entry exports are shown as their names.
  validation: { notExported: false, invalidLink: true },
  logLevel: 'Warn',
};
