/** examples/many-machines: files that parse, and command lines of peal whose options exist. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { workerAbortMs, workerDrainMs } from '../src/base/limits.js';
import { pealFaultOf } from './support/command-options.js';
import { repositoryRoot } from './support/repository.js';

const folder = path.join(repositoryRoot, 'examples', 'many-machines');
const textOf = (name: string): string => readFileSync(path.join(folder, name), 'utf8');
const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });

interface Container {
  readonly args: readonly string[];
  readonly livenessProbe?: { readonly httpGet: { readonly path: string } };
  readonly readinessProbe?: { readonly httpGet: { readonly path: string } };
}

interface Pod {
  readonly terminationGracePeriodSeconds: number;
  readonly containers: readonly Container[];
}

interface Manifest {
  readonly kind: string;
  readonly spec?: { readonly template: { readonly spec: Pod } };
}

/** Of mocha's own dependencies. */
const yaml = createRequire(createRequire(import.meta.url).resolve('mocha'))('js-yaml') as {
  loadAll(text: string): unknown[];
};

const compose = yaml.loadAll(textOf('compose.yaml'))[0] as {
  readonly services: Readonly<Record<string, { readonly command: string | readonly string[] }>>;
};
const manifests = names
  .filter((name) => name.startsWith(`kubernetes${path.sep}`))
  .flatMap((name) => yaml.loadAll(textOf(name)) as Manifest[]);
const pods = manifests.flatMap(({ spec }) => (spec === undefined ? [] : [spec.template.spec]));
const units = names.filter((name) => name.endsWith('.service'));

function commands(): string[] {
  const ofUnits = units.map((name) => /^ExecStart=\/usr\/bin\/env (peal .*)$/m.exec(textOf(name))![1]!);
  const ofServices = Object.values(compose.services).flatMap(({ command }) =>
    typeof command === 'string' ? [] : [`peal ${command.join(' ')}`],
  );
  const ofPods = pods.flatMap(({ containers }) => containers.map(({ args }) => `peal ${args.join(' ')}`));
  return [...ofUnits, ...ofServices, ...ofPods];
}

describe('examples/many-machines', () => {
  it('starts a worker and a dispatcher in each way, with options that exist', () => {
    const all = commands();
    for (const name of ['worker', 'dispatch']) {
      assert.equal(all.filter((command) => command.startsWith(`peal ${name} `)).length, 3, name);
    }
    for (const command of all) assert.equal(pealFaultOf(command), null, command);
  });

  it('gives a worker more time to end than it takes', () => {
    const takesS = (workerDrainMs + 2 * workerAbortMs) / 1000;
    const ofUnit = Number(/^TimeoutStopSec=(\d+)$/m.exec(textOf('systemd/peal-worker@.service'))![1]);
    const ofService = Number(/stop_grace_period: (\d+)s/.exec(textOf('compose.yaml'))![1]);
    for (const seconds of [ofUnit, ofService, ...pods.map((pod) => pod.terminationGracePeriodSeconds)]) {
      assert.ok(seconds > takesS, `${seconds} s, and a worker takes up to ${takesS} s`);
    }
  });

  it('looks at the paths of health that a worker has', () => {
    const [worker] = pods.flatMap(({ containers }) => containers).filter(({ args }) => args[0] === 'worker');
    assert.equal(worker!.livenessProbe?.httpGet.path, '/healthz');
    assert.equal(worker!.readinessProbe?.httpGet.path, '/readyz');
  });

  it('keeps Redis durable, and lets it drop nothing', () => {
    const { command } = compose.services.redis!;
    assert.match(String(command), /--appendonly yes .*--maxmemory-policy noeviction/);
  });

  it('has units that systemd takes', function () {
    if (spawnSync('systemd-analyze', ['--version']).status !== 0) return this.skip();
    const files = units.map((name) => path.join(folder, name));
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', ...files], { encoding: 'utf8' });
    // Names that systemd complains of are ours alone: a machine may have other units that are at fault.
    const own = stderr.split('\n').filter((line) => line.includes('peal-') && !/not executable/.test(line));
    assert.deepEqual(own, [], `${status}`);
  });
});
