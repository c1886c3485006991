/**
 * The layout of src/, as docs/architecture.md describes it: which folder may import which, that no two files or folders
 * need each other, and that a reader finds each name and each file once. Reads the sources, not the compiled files; all
 * of them are parsed once.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from './support/repository.js';
import { codeOf, parseSources, type SourceFile, type SourceImport } from './support/source-tree.js';

/** From the ground up. `index` stands for the files right in src/. */
const layers = [
  'base',
  'push',
  'apns',
  'fcm',
  'push-services',
  'codec',
  'transport',
  'connection',
  'engine',
  'services',
  'session',
  'compat',
  'campaign',
  'stores',
  'credentials',
  'metrics',
  'cluster',
  'service',
  'simulator',
  'cli',
  'index',
] as const;

/**
 * Layers that know less than those before them. The simulator is a second opinion on what the sender does, so it shares
 * only what both sides must agree on. The push services do not know each other, and the codec knows neither.
 */
const narrower: Readonly<Record<string, readonly string[]>> = {
  simulator: ['base', 'push', 'apns', 'fcm', 'push-services', 'codec', 'transport'],
  push: ['base'],
  apns: ['base', 'push'],
  fcm: ['base', 'push'],
  codec: ['base', 'push'],
};

/**
 * The folders of a layer, from the ground up; `.` stands for the files right in the layer, which are at the bottom
 * where the folders share them, and on top where they put the folders together.
 */
const rooms: Readonly<Record<string, readonly string[]>> = {
  base: ['.', 'files'],
  push: ['.', 'credentials'],
  apns: ['.', 'credentials'],
  fcm: ['.'],
  'push-services': ['.'],
  codec: ['.', 'hpack', 'http2', 'requests', 'binary'],
  transport: ['.'],
  connection: ['.', 'http2', 'binary', 'pool'],
  engine: ['.', 'shard', 'hosts', 'dispatcher'],
  services: ['.'],
  session: ['options', 'recipients', 'message', 'personal', 'send', 'single', 'many', 'channels', '.'],
  compat: ['apns2', 'firebase-messaging', 'node-apn'],
  campaign: ['recipients', 'tables', 'input', 'journal', 'control', 'report', 'outputs', 'view', 'senders', 'run', '.'],
  stores: ['.'],
  credentials: ['sealing', 'kinds', '.'],
  metrics: ['.'],
  cluster: ['store', 'slices', 'tokens', 'limits', 'queue', 'dispatch', 'worker', '.'],
  service: ['http', 'push', 'campaigns', '.'],
  simulator: ['settings', 'books', 'rules', 'channels', 'fcm', 'faults', 'http2', 'listen', 'binary', '.'],
  cli: [
    'shared',
    'send',
    'campaign',
    'feedback',
    'simulate',
    'demo',
    'credentials',
    'channels',
    'cluster',
    'serve',
    'doctor',
    'config',
    'completion',
    '.',
  ],
  index: ['.'],
};

/** What package.json exports, and what threads begin with. */
const entryPoints = [
  'src/index.ts',
  'src/backend.ts',
  'src/simulator/index.ts',
  'src/fcm.ts',
  'src/cluster/index.ts',
  'src/compat/apns2/index.ts',
  'src/compat/firebase-messaging/index.ts',
  'src/compat/node-apn/index.ts',
  'src/compat/node-apn/mock.ts',
  'src/cli/main.ts',
];

/** A list of files that fits on one screen is read; a longer one is searched. */
const maxFilesOfFolder = 21;

/** Heavy packages, each behind the modules named here. */
const packageOwners: Readonly<Record<string, RegExp>> = {
  piscina: /^src\/engine\//,
  comlink: /^src\/engine\//,
  commander: /^src\/cli\//,
  'cli-progress': /^src\/cli\//,
  picocolors: /^src\/cli\//,
  'csv-parse': /^src\/campaign\/tables\//,
  hyparquet: /^src\/campaign\/tables\//,
  'hyparquet-compressors': /^src\/campaign\/tables\//,
  fzstd: /^src\/campaign\/recipients\//,
  'xxhash-wasm': /^src\/campaign\/recipients\//,
  tinyglobby: /^src\/campaign\/input\//,
  lmdb: /^src\/campaign\/journal\//,
  '@bomb.sh/tab': /^src\/cli\/completion\//,
  ioredis: /^src\/stores\//,
  pg: /^src\/stores\//,
  bullmq: /^src\/cluster\/queue\//,
  'prom-client': /^src\/metrics\//,
  pino: /^src\/cli\/shared\//,
  zod: /^src\/cli\/config\//,
  yaml: /^src\/cli\/config\//,
};

/** Exports that only tests import, with the reason of each group. */
const forTests: Readonly<Record<string, readonly string[]>> = {
  'types of parameters and results, by which tests make doubles and tables': [
    'Bounds',
    'ClientConnectionOptions',
    'FeedbackTuple',
    'HpackDecoderOptions',
    'InputOptions',
    'KeepaliveVerdict',
    'LookUp',
    'NotedAnswer',
    'OutcomeFilesOptions',
    'PackageFile',
    'ProcessFacts',
    'ProgressOptions',
    'RawFields',
    'RetryCase',
    'RoutePoolOptions',
    'RoutePoolStats',
    'Shown',
    'Vitals',
  ],
  'decisions that a test checks case by case, of which a caller shows a few cases only': [
    'Durability',
    'Keepalive',
    'ProviderTokenMinter',
    'estimateLines',
    'estimateRecipients',
    'hideSecrets',
    'installedFile',
    'missingOutNote',
    'otherFileProblem',
  ],
  'forms of output that a test compares as a whole': ['canaryLines', 'countsLine', 'flagWords', 'reportDataOf'],
  'constants, tables and formulas that a test compares with a specification or a page, or computes its input from': [
    'bmpText',
    'conductFields',
    'deriveSha1',
    'latencyHistogramBytes',
    'linearTicks',
    'logTicks',
    'maxInteger',
    'pinOf',
    'pipeEndDoubtMs',
    'staticValue',
    'timeTicks',
  ],
  'the class of the error that a broken promise throws': ['AssertionError'],
  'parts of a reading that a test tells apart': ['InvalidTarget'],
};

/** They load what is named at run time: a module of the program's own, and the file that a thread begins with. */
const computedImports: ReadonlySet<string> = new Set([
  'src/engine/hosts/engine-options.ts',
  'src/transport/resolve-backend.ts',
]);

const layerOf = (file: string): string => (file.split('/').length > 2 ? file.split('/')[1]! : 'index');

/** The folder within the layer; `.` for a file right in it. */
const roomOf = (file: string): string => (file.split('/').length > 3 ? file.split('/')[2]! : '.');

const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

/** Nodes of a graph by those that they need. */
type Graph = ReadonlyMap<string, ReadonlySet<string>>;

function graphOf(imports: readonly SourceImport[], nodeOf: (file: string) => string): Graph {
  const edges = new Map<string, Set<string>>();
  for (const { from, to } of imports) {
    if (to === null) continue;
    const [user, used] = [nodeOf(from), nodeOf(to)];
    if (user !== used) edges.set(user, (edges.get(user) ?? new Set()).add(used));
  }
  return edges;
}

/** Groups of nodes that all need each other (Tarjan's strongly connected components), sorted. */
function cyclesOf(graph: Graph): string[][] {
  const numbers = new Map<string, number>();
  const lowest = new Map<string, number>();
  const open: string[] = [];
  const cycles: string[][] = [];
  const visit = (node: string): void => {
    numbers.set(node, numbers.size);
    lowest.set(node, numbers.get(node)!);
    open.push(node);
    for (const next of graph.get(node) ?? []) {
      if (!numbers.has(next)) visit(next);
      if (open.includes(next)) lowest.set(node, Math.min(lowest.get(node)!, lowest.get(next)!));
    }
    if (lowest.get(node) !== numbers.get(node)) return;
    const group = open.splice(open.indexOf(node)).sort();
    if (group.length > 1) cycles.push(group);
  };
  for (const node of graph.keys()) if (!numbers.has(node)) visit(node);
  return cycles.sort();
}

describe('layers of src/', () => {
  let files: readonly SourceFile[];
  let imports: readonly SourceImport[];
  let paths: readonly string[];

  before(() => {
    files = parseSources(['src']);
    imports = files.flatMap((file) => file.imports);
    paths = files.map((file) => file.path);
  });

  it('has no folder besides the named layers and their rooms', () => {
    const strange = paths.filter((file) => !rooms[layerOf(file)]?.includes(roomOf(file)) || file.split('/').length > 4);
    assert.deepEqual(strange, []);
    assert.deepEqual(Object.keys(rooms), layers);
  });

  it('imports only from layers that come earlier in `layers`', () => {
    const wrong = imports.filter(({ from, to }) => {
      if (to === null || !to.startsWith('src/')) return false;
      const [user, used] = [layerOf(from), layerOf(to)];
      if (user === used) return false;
      const allowed: readonly string[] = narrower[user] ?? layers.slice(0, layers.indexOf(user as 'index'));
      return !allowed.includes(used);
    });
    assert.deepEqual(wrong, []);
  });

  it('imports only from rooms that come earlier in `rooms`, within a layer', () => {
    const wrong = imports.filter(({ from, to }) => {
      if (to === null || layerOf(from) !== layerOf(to) || roomOf(from) === roomOf(to)) return false;
      const order = rooms[layerOf(from)] ?? [];
      return order.indexOf(roomOf(to)) > order.indexOf(roomOf(from));
    });
    assert.deepEqual(wrong, [], 'a room imports from one that comes later in `rooms` of test/layering.test.ts');
  });

  it('has HTTP/2 and HPACK know nothing of APNs', () => {
    const wrong = imports.filter(
      ({ from, to }) =>
        /^src\/codec\/(http2|hpack)\//.test(from) && /^src\/(apns|codec\/(requests|recipients))/.test(to ?? ''),
    );
    assert.deepEqual(wrong, [], 'codec/http2 and codec/hpack are the protocols alone');
  });

  it('imports nothing outside src/, workers least of all', () => {
    const outside = imports.filter(
      ({ specifier, to }) => (to !== null && !to.startsWith('src/')) || specifier.includes('workers/'),
    );
    assert.deepEqual(outside, []);
  });

  it('names what it imports in the source, so that it can be followed', () => {
    const computed = imports.filter(({ from, specifier }) => specifier === '(computed)' && !computedImports.has(from));
    assert.deepEqual(
      computed.map(({ from }) => from),
      [],
    );
  });

  it('imports only files that exist', () => {
    const missing = imports.filter(({ to }) => to !== null && !existsSync(path.join(repositoryRoot, to)));
    assert.deepEqual(missing, []);
  });

  it('has no two folders that need each other', () => {
    assert.deepEqual(cyclesOf(graphOf(imports, path.posix.dirname)), []);
  });

  it('has no two files that need each other, types included', () => {
    const cycles = cyclesOf(graphOf(imports, (file) => file));
    assert.deepEqual(cycles, [], 'files that need each other: what both need belongs in a file below them');
  });

  it('exports each name from one file only', () => {
    const names = files
      .filter((file) => !entryPoints.includes(file.path))
      // A value and a type of one name, in one file, are one thing.
      .flatMap((file) => [...new Set(file.exports)]);
    const shared = new Set(names.filter((name, index) => names.indexOf(name) !== index));
    assert.deepEqual([...shared].sort(), [], 'exported by two files: one name for one thing');
  });

  it('has no index.ts but those that package.json exports', () => {
    const barrels = paths.filter((file) => file.endsWith('/index.ts') && !entryPoints.includes(file));
    assert.deepEqual(barrels, [], 'import from the file that has the thing');
  });

  it('passes on what another file exports in entry points only', () => {
    const passedOn = files
      .filter((file) => !entryPoints.includes(file.path) && !file.path.endsWith('/index.ts'))
      .flatMap((file) => file.passedOn.map((name) => `${path.posix.basename(file.path, '.ts')}: ${name}`));
    assert.deepEqual(passedOn.sort(), [], 'import it from the file that has it');
  });

  it(`has no folder of more than ${maxFilesOfFolder} files`, () => {
    const folders = paths.map((file) => path.posix.dirname(file));
    const large = new Set(folders.filter((folder) => folders.filter((f) => f === folder).length > maxFilesOfFolder));
    assert.deepEqual([...large].sort(), [], 'a folder for each part of it');
  });

  it('has no file without an importer', () => {
    const used = new Set(
      [...imports, ...parseSources(['workers']).flatMap((file) => file.imports)].map(({ to }) => to),
    );
    const unused = paths.filter((file) => !used.has(file) && !entryPoints.includes(file));
    assert.deepEqual(unused, [], 'imported by nothing in src/ and workers/');
  });

  it('exports only what another file imports', () => {
    const users = [...imports, ...parseSources(['workers']).flatMap((file) => file.imports)];
    const taken = new Set(users.flatMap(({ to, names }) => names.map((name) => `${to} ${name}`)));
    const unused = files
      .filter((file) => !entryPoints.includes(file.path) && !taken.has(`${file.path} *`))
      .flatMap((file) => file.exports.filter((name) => !taken.has(`${file.path} ${name}`)));
    const known = Object.values(forTests).flat();
    assert.deepEqual(unused.toSorted(), known.toSorted(), 'exports without an importer in src/ and workers/: forTests');
  });

  it('has each limit in the section of the lowest layer that imports it', () => {
    const limits = files.find((file) => file.path === 'src/base/limits.ts')!;
    const users = imports.filter(({ to }) => to === limits.path);
    const order: readonly string[] = layers;
    const misplaced = limits.syntax.text.split(/^\/\/ --- (?=[a-z])/m).flatMap((section) => {
      const layer = /^[a-z]+/.exec(section)?.[0] ?? '';
      const names = [...section.matchAll(/^export const (\w+)/gm)].map(([, name]) => name!);
      return names.flatMap((name) => {
        const lowest = Math.min(
          ...users.filter((user) => user.names.includes(name)).map(({ from }) => order.indexOf(layerOf(from))),
        );
        return order[lowest] === layer ? [] : [`${name}: ${order[lowest] ?? 'imported by nothing'}`];
      });
    });
    assert.deepEqual(misplaced, []);
  });

  it('keeps each heavy package behind one folder', () => {
    const stray = imports.filter(({ from, specifier }) => {
      const owner = packageOwners[packageOf(specifier)];
      return owner !== undefined && !owner.test(from);
    });
    assert.deepEqual(stray, []);
  });

  it('declares every package that it imports', () => {
    const manifest = JSON.parse(readFileSync(path.join(repositoryRoot, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
      optionalDependencies: Record<string, string>;
      peerDependencies: Record<string, string>;
    };
    const declared = { ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.peerDependencies };
    const undeclared = imports.filter(
      ({ specifier, to }) =>
        to === null && !/^(node:|\(computed\))/.test(specifier) && declared[packageOf(specifier)] === undefined,
    );
    assert.deepEqual(undeclared, []);
  });

  it('keeps sockets, timers, promises, clocks and chance out of the codec', () => {
    const modules = /^node:(?!buffer$)|^\(computed\)$/;
    const names =
      /\b(setTimeout|setInterval|setImmediate|queueMicrotask|Promise|Date|performance|process|crypto|require)\b|Math\.random|\basync\b|\bawait\b|new URL\(/;
    const offenders = files
      .filter((file) => layerOf(file.path) === 'codec')
      .filter((file) => names.test(codeOf(file)) || file.imports.some(({ specifier }) => modules.test(specifier)));
    assert.deepEqual(
      offenders.map((file) => file.path),
      [],
    );
  });
});
