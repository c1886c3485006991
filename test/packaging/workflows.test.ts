/**
 * The workflows of GitHub: actions pinned by commit, the least of rights, no text of strangers in a shell, and commands
 * that exist. GitHub alone can run them; this reads them.
 */
import assert from 'node:assert/strict';
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { repositoryRoot } from '../support/repository.js';

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}

interface Job {
  readonly 'runs-on': string;
  readonly 'timeout-minutes'?: number;
  readonly needs?: readonly string[];
  readonly permissions?: Readonly<Record<string, string>>;
  readonly strategy?: {
    readonly matrix: {
      readonly node?: readonly string[];
      readonly include?: readonly Readonly<Record<string, string>>[];
    };
  };
  readonly steps: readonly Step[];
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const folder = path.join(repositoryRoot, '.github/workflows');
const textOf = (name: string): string => readFileSync(path.join(folder, name), 'utf8');
const workflows = new Map(readdirSync(folder).map((name) => [name, parse(textOf(name)) as Workflow]));
const release = workflows.get('release.yml')!;
const { scripts, engines } = JSON.parse(readFileSync(path.join(repositoryRoot, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>> & { readonly test?: string };
  readonly engines: { readonly node: string };
};

const jobsOf = (workflow: Workflow): [string, Job][] => Object.entries(workflow.jobs);
const commandsOf = (job: Job): string => job.steps.map(({ run = '' }) => run).join('\n');

describe('the workflows of GitHub', () => {
  it('are two, and are run by changes and by tags', () => {
    assert.deepEqual([...workflows.keys()].sort(), ['ci.yml', 'release.yml']);
    assert.deepEqual(Object.keys(workflows.get('ci.yml')!.on), ['push', 'pull_request']);
    assert.deepEqual(release.on, { push: { tags: ['v*'] } });
  });

  for (const [name, workflow] of workflows) {
    describe(name, () => {
      it('pins each action by a commit and says which version that is, the same everywhere', () => {
        const uses = [...textOf(name).matchAll(/uses: (.*)$/gm)].map(([, used]) => used!);
        assert.equal(uses.length, jobsOf(workflow).flatMap(([, { steps }]) => steps.filter((one) => one.uses)).length);
        const others = [...workflows.keys()].map(textOf).join('\n');
        for (const used of uses) {
          assert.match(used, /^actions\/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
          const action = used.split('@')[0]!;
          const all = new Set([...others.matchAll(new RegExp(`uses: (${action}@.*)$`, 'gm'))].map(([, one]) => one));
          assert.deepEqual([...all], [used]);
        }
      });

      it('gives a job no right but those that it needs, and no credentials to its steps', () => {
        for (const [job, { permissions, steps }] of jobsOf(workflow)) {
          const rights = permissions ?? workflow.permissions;
          assert.ok(rights !== undefined, `${job} has the rights of the repository's settings`);
          const writing = Object.entries(rights).filter(([, right]) => right !== 'read');
          const expected = { publish: [['id-token', 'write']], attach: [['contents', 'write']] };
          assert.deepEqual(writing, name === 'release.yml' ? (expected[job as 'publish'] ?? []) : [], job);
          for (const { uses, with: given } of steps) {
            if (uses?.startsWith('actions/checkout@')) assert.equal(given?.['persist-credentials'], false, job);
          }
        }
      });

      it('puts nothing into a shell by expression, where a name of a branch would be run', () => {
        for (const [job, { steps }] of jobsOf(workflow)) {
          for (const { run = '' } of steps) assert.doesNotMatch(run, /\$\{\{/, job);
        }
        const expressions = [...textOf(name).matchAll(/\$\{\{ *(.*?) *\}\}/g)].map(([, expression]) => expression!);
        const known = /^(matrix\.(node|system)|github\.(ref|token|repository))$/;
        assert.deepEqual(
          expressions.filter((expression) => !known.test(expression)),
          [],
        );
        assert.doesNotMatch(textOf(name), /pull_request_target|workflow_run|secrets\./);
      });

      it('ends each job in time, and installs without scripts of packages', () => {
        for (const [job, one] of jobsOf(workflow)) {
          assert.ok((one['timeout-minutes'] ?? 360) <= 120, job);
          for (const [install] of commandsOf(one).matchAll(/\bnpm (ci|install|cit)\b.*/g)) {
            assert.match(install, /--ignore-scripts/, job);
          }
        }
      });

      it('names commands and files that exist', () => {
        for (const [job, one] of jobsOf(workflow)) {
          for (const [, script] of commandsOf(one).matchAll(/\bnpm run (?:-s )?([a-z:]+)/g)) {
            assert.ok(scripts[script!] !== undefined, `${job}: npm run ${script}`);
          }
          if (/\bnpm test\b/.test(commandsOf(one))) assert.ok(scripts.test !== undefined, job);
          for (const [, script] of commandsOf(one).matchAll(/\bnode dist\/([a-z/-]+)\.js/g)) {
            assert.ok(existsSync(path.join(repositoryRoot, `${script}.ts`)), `${job}: ${script}`);
          }
          if (commandsOf(one).includes('.ci/run')) accessSync(path.join(repositoryRoot, '.ci/run'), constants.X_OK);
        }
      });
    });
  }

  it('run the tests on the Nodes that SUPPORT.md names', () => {
    const { lines, everything } = workflows.get('ci.yml')!.jobs;
    const tested = lines!.strategy!.matrix.node!;
    const page = readFileSync(path.join(repositoryRoot, 'SUPPORT.md'), 'utf8');
    const named = [...page.matchAll(/^\| ([\d.]+) \|/gm)].map(([, version]) => version!);
    assert.deepEqual([...tested, '20'].sort(), named.sort());
    assert.ok(tested.includes(engines.node.replace(/^>=(\d+\.\d+)$/, '$1.0')));
    const systems = everything!.strategy!.matrix.include!.map(({ system }) => system);
    assert.deepEqual(systems, ['ubuntu-22.04', 'ubuntu-24.04']);
  });

  it('publish what was tested and packed, with provenance, without a token, and run nothing else with that right', () => {
    const { test, pack, publish, attach } = release.jobs;
    assert.match(commandsOf(test!), /\.ci\/run/);
    const packing = commandsOf(pack!);
    const order = ['npm ci', 'write-release-notes.js "$GITHUB_REF_NAME"', 'npm run sbom', 'npm pkg set', 'npm pack'];
    const places = order.map((command) => packing.indexOf(command));
    assert.ok(
      places.every((place, index) => place >= 0 && place > (places[index - 1] ?? -1)),
      `${places}`,
    );
    assert.match(packing, /"repository\.url=git\+https:\/\/github\.com\/\$GITHUB_REPOSITORY\.git"/);
    assert.deepEqual(publish!.needs, ['test', 'pack']);
    assert.match(commandsOf(publish!), /npm publish \S+\.tgz --provenance --access public --ignore-scripts/);
    assert.deepEqual(attach!.needs, ['publish']);
    assert.match(commandsOf(attach!), /release\/\*\.tgz release\/peal\.cdx\.json/);
    for (const job of [publish!, attach!]) {
      assert.ok(!job.steps.some(({ uses }) => uses?.startsWith('actions/checkout@')));
      assert.doesNotMatch(commandsOf(job), /\b(npm (ci|install|run|test)|node |npx )/);
    }
  });
});
