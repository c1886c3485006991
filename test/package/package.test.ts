/**
 * The packed package in a fresh project outside the repository, as npm installs it from the registry with everything
 * that it needs: the three ways in of README.md (a shell, a program, the simulator in tests of one's own) on each Node
 * that is supported. `PEAL_TEST_PACKAGE` names the binaries of these Nodes, divided as in PATH, as .ci/run does;
 * without it these tests are skipped by name, because they load packages from a registry.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createThrowAwayProviderKey } from '../../src/simulator/index.js';
import { repositoryRoot } from '../support/repository.js';
import { FreshProject, type NodeBinary } from './fresh-project.js';
import { libraryFinds, projectFiles, typedFinds } from './programs.js';

const nodes: NodeBinary[] = (process.env.PEAL_TEST_PACKAGE ?? '')
  .split(path.delimiter)
  .filter((file) => file !== '')
  .map((file) => ({ file, version: execFileSync(file, ['--version'], { encoding: 'utf8' }).trim().slice(1) }));

const { version, bin, exports, dependencies, devDependencies } = JSON.parse(
  readFileSync(path.join(repositoryRoot, 'package.json'), 'utf8'),
) as Readonly<Record<'bin' | 'exports' | 'dependencies' | 'devDependencies', Record<string, unknown>>> & {
  readonly version: string;
};

const recipients = 12_000;

/** Rows of CSV, each with a device token. */
function userList(): string {
  const rows = Array.from({ length: recipients }, (_, index) => `${randomBytes(32).toString('hex')},Ada ${index}`);
  return `token,name\n${rows.join('\n')}\n`;
}

const skipped = nodes.length === 0 ? ' (skipped: PEAL_TEST_PACKAGE names no Node)' : '';

describe(`the packed package${skipped}`, () => {
  let project: FreshProject;
  let newest: NodeBinary;
  const { p8, keyId, teamId } = createThrowAwayProviderKey();

  before(async function () {
    if (nodes.length === 0) return this.skip();
    newest = nodes.at(-1)!;
    const tools = ['typescript', '@types/node'].map((name) => `${name}@${devDependencies[name]}`);
    // Scripts of packages do not run, as from npm 12 on.
    project = await FreshProject.create(['--ignore-scripts'], tools);
    project.write({ ...projectFiles, 'users.csv': userList(), 'AuthKey.p8': p8 });
    execFileSync('chmod', ['600', project.file('AuthKey.p8')]);
  });

  after(async () => {
    await project?.stop();
    project?.dispose();
  });

  describe('is installed', () => {
    it('without a warning or a complaint about peers', () => {
      const { code, stdout, stderr } = project.installation;
      assert.deepEqual([code, stderr], [0, '']);
      assert.match(stdout, /added \d+ packages/);
    });

    it('with all that it needs, and nothing that it does not name', async () => {
      const { code, stdout, stderr } = await project.run(newest, 'npm', 'ls', '--all', '--json');
      const tree = JSON.parse(stdout) as {
        problems?: string[];
        dependencies: Record<string, { dependencies?: object }>;
      };
      assert.deepEqual([code, stderr, tree.problems], [0, '', undefined]);
      const needed = Object.keys(tree.dependencies.peal?.dependencies ?? {});
      for (const name of Object.keys(dependencies)) assert.ok(needed.includes(name), name);
    });

    it('with every file that its package.json names', () => {
      const targets = (of: unknown): string[] =>
        typeof of === 'string' ? [of] : Object.values(of as object).flatMap(targets);
      const named = [
        ...targets(exports),
        ...targets(bin),
        ...targets(JSON.parse(project.read('node_modules/peal/package.json')).man ?? []),
      ];
      assert.deepEqual(
        named.filter((file) => !existsSync(project.file('node_modules/peal', file))),
        [],
      );
    });

    it('also where scripts of packages may run', async () => {
      const other = await FreshProject.create([], [], project.tarball);
      try {
        assert.equal(other.installation.code, 0, other.installation.stderr);
        // npm 11 says that scripts of optional packages did not run; nothing else is complained about.
        assert.doesNotMatch(other.installation.stderr, /peer|deprecated|EBADENGINE|npm error/i);
        assert.equal((await other.run(newest, 'npx', 'peal', '--version')).stdout, `${version}\n`);
      } finally {
        other.dispose();
      }
    });
  });

  it('compiles with TypeScript in strict programs, the declarations of all entries checked', async () => {
    const compiled = await project.run(newest, 'npx', 'tsc', '-p', 'typed');
    assert.deepEqual(compiled, { code: 0, stdout: '', stderr: '' });
  });

  it('reads no file outside the project', async function () {
    // Node 22 has permissions for files, and none yet for the network.
    const node = nodes.find((one) => one.version.startsWith('22.'));
    if (node === undefined) this.skip();
    const gateway = await simulator(node);
    const allowed = [`--allow-fs-read=${project.folder}`, `--allow-fs-write=${project.file('only')}`];
    const flags = ['--no-warnings', '--permission', ...allowed, '--allow-worker', '--allow-addons'];
    project.write({ 'only/.keep': '' });
    const sent = await project.run(
      node,
      'node',
      ...flags,
      `node_modules/peal/${bin.peal}`,
      ...send(gateway, 'only/run'),
    );
    assert.equal(sent.code, 0, sent.stderr);
    assert.match(sent.stdout, /accepted +12,000/);
    await project.stop();
  });

  it('has manual pages, completion, and settings from a file whose schema it has itself', async () => {
    const { man } = JSON.parse(project.read('node_modules/peal/package.json')) as { man: string[] };
    assert.ok(man.some((file) => file.endsWith('peal-send.1')));
    assert.match((await project.run(newest, 'npx', 'peal', 'completion', 'bash')).stdout, /peal/);
    const schema = 'node_modules/peal/peal.config.schema.json';
    const found = await project.run(newest, 'node', '-p', 'require.resolve("peal/config.schema.json")');
    assert.equal(found.stdout.trim(), project.file(schema));
    project.write({ 'settings.json': JSON.stringify({ $schema: schema, send: { rate: '500/s' } }) });
    const printed = await project.run(newest, 'npx', 'peal', 'config', 'print', 'send', '--config', 'settings.json');
    assert.equal(printed.code, 0, printed.stderr);
    assert.match(printed.stdout, /rate.*500\/s.*settings\.json/);
  });

  for (const node of nodes) {
    describe(`on Node ${node.version}`, () => {
      afterEach(() => project.stop());

      it('says its version, helps, and shows the demo', async () => {
        assert.deepEqual(await project.run(node, 'npx', 'peal', '--version'), {
          code: 0,
          stdout: `${version}\n`,
          stderr: '',
        });
        assert.match((await project.run(node, 'npx', 'peal', 'send', '--help')).stdout, /^Usage: peal send/);
        const demo = await project.run(node, 'npx', 'peal', 'demo', '--tokens', '20000');
        assert.equal(demo.code, 0, demo.stdout + demo.stderr);
      });

      it('sends a campaign that is stopped and resumed, with a report, and nobody gets it twice', async () => {
        const gateway = await simulator(node);
        const out = `run-${node.version}`;
        const sender = project.start(node, ...send(gateway, out, '--rate', '4000/s', '--json', '--progress', '100ms'));
        const ended = once(sender.process, 'exit');
        for await (const line of sender.lines) {
          const { messageType, accepted } = JSON.parse(line) as { messageType: string; accepted: number };
          if (messageType === 'progress' && accepted > 0) break;
        }
        sender.process.kill('SIGINT');
        assert.deepEqual(await ended, [130, null]);
        const resumed = await project.run(node, 'npx', 'peal', 'resume', out, '--json');
        assert.equal(resumed.code, 0, resumed.stderr);
        const summary = JSON.parse(resumed.stdout.trim().split('\n').at(-1)!) as Readonly<Record<string, unknown>>;
        assert.deepEqual([summary.messageType, summary.accepted], ['summary', recipients]);
        const report = await project.run(node, 'npx', 'peal', 'report', out);
        assert.equal(report.code, 0, report.stderr);
        assert.match(project.read(out, 'report.html'), /<html/);
        assert.match((await project.run(node, 'npx', 'peal', 'status', out)).stdout, /finished\n +100 %/);
        const ledger = (await (await fetch(gateway.ledgerUrl)).json()) as Readonly<Record<string, unknown>>;
        assert.deepEqual([ledger.accepted, ledger.distinctTokens, ledger.duplicates], [recipients, recipients, 0]);
      });

      for (const program of ['library.mjs', 'library.cjs']) {
        it(`sends from a program, ${program}, whose books are those of the gateway`, async () => {
          const { code, stdout, stderr } = await project.run(node, 'node', program);
          assert.deepEqual([code, stderr], [0, '']);
          assert.deepEqual(JSON.parse(stdout), libraryFinds);
        });
      }

      for (const program of ['esm.mjs', 'commonjs.cjs']) {
        it(`sends from a program that was compiled from TypeScript, ${program}`, async () => {
          const { code, stdout, stderr } = await project.run(node, 'node', `typed/out/${program}`);
          assert.deepEqual([code, stderr], [0, '']);
          assert.deepEqual(JSON.parse(stdout), typedFinds);
        });
      }

      it("is tested against by a project's own tests", async () => {
        const { code, stdout } = await project.run(node, 'node', '--test', '--test-reporter=tap', 'simulator.test.mjs');
        assert.equal(code, 0, stdout);
        assert.match(stdout, /^# pass 1$/m);
      });
    });
  }

  interface Gateway {
    readonly url: string;
    readonly ledgerUrl: string;
  }

  /** Starts a simulator; `project.stop` ends it. */
  async function simulator(node: NodeBinary): Promise<Gateway> {
    const { lines } = project.start(node, 'simulate', '--json', '--ca-out', 'ca.pem');
    const [line] = (await once(lines, 'line')) as [string];
    return JSON.parse(line) as Gateway;
  }

  function send(gateway: Gateway, out: string, ...others: string[]): string[] {
    return [
      ...['send', 'users.csv', '--out', out, '--alert', 'Hi {{name}}', '--topic', 'com.example.app'],
      ...['--key', 'AuthKey.p8', '--key-id', keyId, '--team-id', teamId],
      ...['--gateway', gateway.url, '--ca', 'ca.pem', ...others],
    ];
  }
});
