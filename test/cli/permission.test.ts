/**
 * `peal send --out` under Node's permission model, in a process of its own. Node 22 refuses other files; Node 24
 * refuses fsync, too, and Node 26 the network, unless it is allowed. Skipped by name on Node 20, whose model is an
 * experiment with another flag.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { scriptedToken } from '../../src/simulator/books/token-script.js';
import { repositoryRoot } from '../support/repository.js';
import { Fixture, randomTokens } from './fixture.js';

const allows = (flag: string): boolean => process.allowedNodeEnvironmentFlags.has(flag);
const skipped = allows('--permission') ? '' : ' (skipped: this Node has no --permission)';

interface Ended {
  readonly code: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

describe(`peal send under node --permission${skipped}`, () => {
  let fixture: Fixture;
  let folder: string;

  before(async function () {
    if (skipped !== '') return this.skip();
    fixture = await Fixture.open();
    folder = realpathSync(fixture.folder);
    mkdirSync(path.join(folder, 'runs'));
  });

  after(() => fixture?.[Symbol.asyncDispose]());

  /** Runs the command in the folder of the fixture. */
  function peal(args: readonly string[], permissions: readonly string[], readable = folder): Promise<Ended> {
    const files = [`--allow-fs-read=${repositoryRoot}`, `--allow-fs-read=${readable}`];
    const flags = ['--no-warnings', '--permission', ...files, ...permissions];
    const main = path.join(repositoryRoot, 'dist/src/cli/main.js');
    return new Promise((resolve) => {
      execFile(process.execPath, [...flags, main, ...args], { cwd: folder }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : error.code, stdout, stderr });
      });
    });
  }

  const network = allows('--allow-net') ? ['--allow-net'] : [];

  it('keeps a campaign, is stopped, and goes on, with what the documents name', async () => {
    const allowed = [...network, '--allow-worker', '--allow-addons', `--allow-fs-write=${path.join(folder, 'runs')}`];
    const tokens = [...randomTokens(2_000), scriptedToken('BadDeviceToken', 1), ...randomTokens(20_000)];
    const list = await fixture.write('list.txt', tokens.join('\n'));
    const send = fixture.send(list, { without: ['--out', '--force'], with: ['--out', 'runs/spring'] });
    const stopped = await peal([...send, '--max-failures', '0', '--rate', '20000/s'], allowed);
    assert.equal(stopped.code, 7, stopped.stderr);
    const ended = await peal(send, allowed);
    assert.equal(ended.stderr.replace(/^peal: going on.*\n/, ''), '');
    assert.equal(ended.code, 3, ended.stdout);
    assert.match(ended.stdout, /accepted +22,000/);
    const names = readdirSync(path.join(folder, 'runs/spring'));
    for (const name of ['summary.json', 'report.html', 'rejected.csv']) assert.ok(names.includes(name), name);
    assert.ok(!names.some((name) => /\.(cut|partial)$/.test(name)), names.join(' '));
    assert.deepEqual([...(await fixture.outputLines('unsent.txt', 'runs/spring'))], []);
  });

  it('says which permission it lacks', async () => {
    const list = await fixture.write('short.txt', randomTokens(3).join('\n'));
    const send = fixture.send(list, { without: ['--out', '--force'], with: ['--out', 'runs/autumn'] });
    const noWriting = await peal(send, [...network, '--allow-worker', '--allow-addons']);
    assert.match(noWriting.stderr, /runs.autumn may not be written: Node runs with --permission/);
    const noAddons = await peal(send, [...network, '--allow-worker', `--allow-fs-write=${path.join(folder, 'runs')}`]);
    assert.match(noAddons.stderr, /lmdb.*\. Allow it \(--allow-addons/);
    const onThreads = fixture.send(list, { without: ['--out', '--force', '--threads'], with: ['--threads', '2'] });
    const noThreads = await peal(onThreads, network);
    assert.match(noThreads.stderr, /shard \d may not start: Node runs with --permission and without --allow-worker\./);
    if (network.length === 0) return;
    const noNetwork = await peal(fixture.send(list, { without: ['--out', '--force'] }), ['--allow-worker']);
    assert.match(noNetwork.stderr, /cannot be reached: Node runs with --permission and without --allow-net/);
    assert.equal(noNetwork.code, 4);
  });

  it('says so where it may not look for a configuration file, and takes none for three', async () => {
    const list = await fixture.write('short.txt', randomTokens(3).join('\n'));
    const send = fixture.send(list, { without: ['--out', '--force'], with: ['--dry-run'] });
    const refused = await peal(send, network, path.join(folder, 'short.txt'));
    const sentence =
      /^peal: peal\.config\.json may not be looked for: Node runs with --permission\. Name this directory in/;
    assert.match(refused.stderr, sentence);
    assert.equal(refused.code, 2);
  });

  it('does not take a refused file for a limit of open files', async () => {
    const examined = await peal(['doctor'], network);
    assert.match(examined.stdout, /skipped +open files +not counted: Node runs with --permission/);
    assert.equal(examined.code, 0, examined.stdout);
  });
});
