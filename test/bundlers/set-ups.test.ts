/**
 * Projects that do not let Node load ES modules itself: TypeScript that compiles to CommonJS, and Jest in CommonJS with
 * ts-jest, as NestJS sets it up. And what publint and arethetypeswrong say of the package.
 */
import assert from 'node:assert/strict';
import { describeWithTools, Project, runNode } from './project.js';

const program = `
import { APNs, Message, type Result, Session } from 'peal';
import { createTlsBackend } from 'peal/backend';
import { type ReceivedRequest, scriptedToken, startSimulator } from 'peal/simulator';

export async function push(threads: number): Promise<Result> {
  const requests: ReceivedRequest[] = [];
  const simulator = await startSimulator({ onRequest: (request) => requests.push(request) });
  const session = new Session({ threads, ca: simulator.caCertificate!, ...(threads === 0 && { backend: createTlsBackend() }) });
  try {
    const apns = new APNs(session.getConnection(simulator.url, null));
    const tokens = ['ab'.repeat(32), scriptedToken('Unregistered')];
    const result = await apns.send(new Message(tokens, { alert: 'Hello', topic: 'com.example.app' }));
    if (requests.map(({ token }) => token).sort().join() !== [...tokens].sort().join()) throw new Error('others were asked for');
    return result;
  } finally {
    await session.shutdown();
    await simulator.close();
  }
}
`;

const printing = `
import { push } from './push';

push(Number(process.argv[2])).then(({ counts }) => console.log(JSON.stringify([counts.accepted, counts.rejected])));
`;

const test = `
import { push } from './push';
import { parseDeviceToken, PealError, Session } from 'peal';
import { PealError as SimulatorError, startSimulatorThread } from 'peal/simulator';

describe('a service that pushes', () => {
  it.each([0, 1])('sends over %i threads', async (threads) => {
    const { counts, gone, stopped } = await push(threads);
    expect([counts.accepted, counts.rejected, gone.size, stopped]).toEqual([1, 1, 1, null]);
  });

  it('has a simulator with a thread of its own', async () => {
    const simulator = await startSimulatorThread();
    const { requests } = await simulator.ledger.summary().finally(() => simulator.close());
    expect(requests).toBe(0);
    expect(SimulatorError).toBe(PealError);
  });

  it('takes bytes and errors for what they are', () => {
    expect(parseDeviceToken('ab'.repeat(32))).toEqual(expect.any(Uint8Array));
    expect(() => new Session({ threads: -1 })).toThrow(PealError);
  });
});
`;

/** A file of CommonJS beside a module: a session that one makes goes to the other. */
const closing = `
import apn = require('peal/compat/node-apn');
import { Session } from 'peal';

export const isOne = (session: Session): boolean => session instanceof Session;
export const close = (session: Session): Promise<void> => session.close();
export const note = (): apn.Notification => new apn.Notification();
`;

const mixed = `
import { Session } from 'peal';
import { Notification } from 'peal/compat/node-apn';
import { close, isOne, note } from './close.cjs';

const session = new Session();
const made: Notification = note();
console.log(isOne(session), made instanceof Notification);
await close(session);
`;

const strict = {
  strict: true,
  target: 'es2022',
  lib: ['es2023', 'esnext.disposable'],
  types: ['node'],
  rootDir: '.',
  outDir: 'out',
};

const compilers: Record<string, object> = {
  'module: Node16': { module: 'node16', moduleResolution: 'node16' },
  'module: NodeNext': { module: 'nodenext', moduleResolution: 'nodenext' },
  'module: CommonJS, moduleResolution: Bundler': { module: 'commonjs', moduleResolution: 'bundler' },
};

describeWithTools('a project of CommonJS', () => {
  let project: Project;

  before(async () => {
    project = await Project.create();
  });

  after(() => project.dispose());

  for (const [name, options] of Object.entries(compilers)) {
    it(`in TypeScript with ${name} compiles, and runs with and without threads`, async () => {
      const folder = name.replaceAll(/\W+/g, '-');
      project.write({
        [`${folder}/package.json`]: '{ "name": "app", "private": true }',
        [`${folder}/tsconfig.json`]: JSON.stringify({
          compilerOptions: { ...strict, ...options },
          include: ['*.ts'],
        }),
        [`${folder}/push.ts`]: program,
        [`${folder}/main.ts`]: printing,
      });
      const compiled = await project.tool('typescript/bin/tsc', ['-p', '.'], project.file(folder));
      assert.deepEqual(compiled, { code: 0, stdout: '', stderr: '' });
      for (const threads of ['0', '1']) {
        const { stdout, stderr } = await runNode([project.file(folder, 'out/main.js'), threads], project.file(folder));
        assert.deepEqual([stdout, stderr], ['[1,1]\n', '']);
      }
    });
  }

  for (const module of ['node16', 'nodenext']) {
    it(`in TypeScript with module: ${module} takes what a module has made for what it is, and checks all declarations`, async () => {
      const folder = `mixed-${module}`;
      project.write({
        [`${folder}/package.json`]: '{ "name": "app", "private": true }',
        [`${folder}/tsconfig.json`]: JSON.stringify({
          compilerOptions: { ...strict, module, moduleResolution: module, skipLibCheck: false },
          include: ['*.mts', '*.cts'],
        }),
        [`${folder}/close.cts`]: closing,
        [`${folder}/main.mts`]: mixed,
      });
      const compiled = await project.tool('typescript/bin/tsc', ['-p', '.'], project.file(folder));
      assert.deepEqual(compiled, { code: 0, stdout: '', stderr: '' });
      const { stdout, stderr } = await runNode([project.file(folder, 'out/main.mjs')], project.file(folder));
      assert.deepEqual([stdout, stderr], ['true true\n', '']);
    });
  }

  it('tests with Jest and ts-jest, as NestJS sets them up', async () => {
    project.write({
      'nest/package.json': JSON.stringify({
        name: 'app',
        private: true,
        jest: {
          moduleFileExtensions: ['js', 'json', 'ts'],
          rootDir: 'src',
          testRegex: '.*\\.spec\\.ts$',
          transform: { '^.+\\.(t|j)s$': 'ts-jest' },
          testEnvironment: 'node',
        },
      }),
      'nest/tsconfig.json': JSON.stringify({
        compilerOptions: {
          ...strict,
          module: 'node16',
          moduleResolution: 'node16',
          types: ['node', 'jest'],
          isolatedModules: true,
        },
      }),
      'nest/src/push.ts': program,
      'nest/src/push.spec.ts': test,
    });
    const { code, stdout, stderr } = await project.tool('jest/bin/jest.js', ['--runInBand'], project.file('nest'));
    assert.equal(code, 0, `${stdout}${stderr}`);
    assert.match(stderr, /Tests: +4 passed, 4 total/);
  });
});

/** What a program in plain JavaScript gets of each entry, by `require` and by `import`. */
const entries = `
const manifest = require('peal/package.json');
const names = Object.keys(manifest.exports).filter((entry) => !entry.endsWith('.json')).map((entry) => entry.replace(/^\\./, 'peal'));

async function main() {
  const seen = {};
  for (const name of names) {
    const required = require(name);
    const imported = await import(name);
    const named = (exported) => Object.keys(exported).filter((key) => !['default', 'module.exports', '__esModule'].includes(key)).sort();
    const known = named(imported);
    const isSame = named(required).join() === known.join();
    seen[name] = { isSame, isOneCopy: known.every((key) => required[key] === imported[key]) };
  }
  const { startSimulatorThread } = require('peal/simulator');
  const simulator = await startSimulatorThread();
  const { requests } = await simulator.ledger.summary().finally(() => simulator.close());
  console.log(JSON.stringify({ seen, requests }));
}
main().catch((error) => console.log(error));
`;

describeWithTools('the installed package in plain JavaScript', () => {
  let project: Project;

  before(async () => {
    project = await Project.create();
    project.write({ 'entries.cjs': entries });
  });

  after(() => project.dispose());

  const answer = (isOneCopy: boolean): object => {
    const each = { isSame: true, isOneCopy };
    const names = [
      'peal',
      'peal/backend',
      'peal/cluster',
      'peal/compat/apns2',
      'peal/compat/firebase-messaging',
      'peal/compat/node-apn',
      'peal/compat/node-apn/mock',
      'peal/fcm',
      'peal/simulator',
    ];
    return { seen: Object.fromEntries(names.map((name) => [name, each])), requests: 0 };
  };

  it('has one copy of each entry, required or imported', async () => {
    const { stdout, stderr } = await runNode([project.file('entries.cjs')], project.folder);
    assert.equal(stderr, '');
    assert.deepEqual(JSON.parse(stdout), answer(true));
  });

  it('has the same in CommonJS where require takes no ES modules', async () => {
    const args = ['--no-experimental-require-module', project.file('entries.cjs')];
    const { stdout, stderr } = await runNode(args, project.folder);
    assert.equal(stderr, '');
    assert.deepEqual(JSON.parse(stdout), answer(false));
  });
});

describeWithTools('the package', () => {
  let project: Project;

  before(async () => {
    project = await Project.create();
  });

  after(() => project.dispose());

  it('is without fault for publint', async () => {
    const { code, stdout, stderr } = await project.tool('publint/src/cli.js', [project.tarball, '--strict']);
    assert.equal(code, 0, `${stdout}${stderr}`);
    assert.match(stdout, /All good!/);
  });

  it('has types that arethetypeswrong finds right, for every entry', async () => {
    const { code, stdout, stderr } = await project.tool('@arethetypeswrong/cli/dist/index.js', [
      project.tarball,
      ...['--profile', 'node16', '--no-emoji', '--no-color', '--format', 'ascii'],
    ]);
    assert.equal(code, 0, `${stdout}${stderr}`);
    // One way of resolution that Node never had is left out; each of the others says OK of each entry.
    assert.doesNotMatch(stdout.replaceAll(/^.*ignored.*$/gm, ''), /fail|problem|masquerading|wrong|unexpected/i);
    for (const entry of [
      '"peal"',
      '"peal/backend"',
      '"peal/compat/apns2"',
      '"peal/compat/firebase-messaging"',
      '"peal/fcm"',
      '"peal/compat/node-apn"',
      '"peal/compat/node-apn/mock"',
      '"peal/simulator"',
    ])
      assert.ok(stdout.includes(entry), `${entry} is not among them`);
    assert.ok((stdout.match(/^node16 \(from CJS\): OK \(CJS\)$/gm)?.length ?? 0) >= 3, stdout);
  });
});
