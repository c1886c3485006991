/**
 * Disks that are full while a command writes to them: a small file system in memory where one may be mounted, and
 * /dev/full as standard output. The command says so, ends with the code of its contract, claims nothing that it has not
 * written, and tells the books of what it has sent.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { startSimulator } from '../../src/index.js';
import { scriptedToken } from '../../src/simulator/books/token-script.js';
import { ThrowAwayAuthority } from '../../src/simulator/listen/certificate.js';
import { assertOneSentence, Fixture, linesOf, randomTokens } from '../cli/fixture.js';
import { ServiceWorld } from '../service/service-world.js';
import { type CommandResult, jsonLines, runCommand } from '../support/command.js';
import { runInShell } from './shell.js';

/** Mounts a file system of so many bytes; false where that is not allowed. */
function mountSmall(folder: string, bytes: number): boolean {
  mkdirSync(folder);
  return spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder]).status === 0;
}

describe('a disk that is full', () => {
  let fixture: Fixture;
  let disk: string;

  beforeEach(async () => {
    fixture = await Fixture.open();
    disk = fixture.path('disk');
  });

  afterEach(async () => {
    if (existsSync(disk)) spawnSync('umount', [disk]);
    await fixture[Symbol.asyncDispose]();
  });

  const rejected = Array.from({ length: 8_000 }, (_, index) => scriptedToken('Unregistered', index));

  async function sendTo(out: string, list: readonly string[]): Promise<CommandResult> {
    const tokens = await fixture.write('tokens.txt', list.join('\n'));
    return runCommand(fixture.send(tokens, { without: ['--out'], with: ['--json', '--out', out] }));
  }

  it('under --out from the start: nothing is sent, and the sentence names the file', async function () {
    // Room for a page: for the head of one file, and not of the other.
    if (!mountSmall(disk, 4096)) this.skip();
    const list = randomTokens(1_000);
    const result = await sendTo(disk, list);
    assert.equal(result.code, 6, result.stderr);
    assertOneSentence(
      result,
      /(?:\.csv cannot be written: |journal\.lmdb cannot be written, because )the disk is full/,
    );
    assert.equal(jsonLines(result.stdout).at(-1)!.accepted, 0);
    assert.equal(fixture.simulator.ledger.summary().requests, 0);
    assert.deepEqual(
      readdirSync(disk).filter((name) => /\.(?:csv|txt)$/.test(name)),
      [],
    );
  });

  it('under --push-journal: ids are refused, each id given is on disk, and it goes on once there is room', async function () {
    if (!mountSmall(disk, 128 * 1024)) this.skip();
    await using world = await ServiceWorld.open({ pushJournalFolder: disk });
    const ballast = path.join(disk, 'ballast');
    writeFileSync(ballast, new Uint8Array(100 * 1024));
    const given: string[] = [];
    const ask = async (): Promise<number> => {
      const { status, json } = await world.post('/v1/push?wait=no', { token: randomTokens(1)[0], alert: 'Hi' });
      if (status === 202) given.push(json.id);
      return status;
    };
    let refused = 0;
    for (let lot = 0; lot < 40; lot++) {
      refused += (await Promise.all(Array.from({ length: 10 }, ask))).filter((status) => status === 503).length;
    }
    assert.ok(given.length > 0 && refused > 0, `${given.length} given, ${refused} refused`);
    const files = readdirSync(disk).filter((name) => name.startsWith('pushes-'));
    assert.ok(files.length <= 2, files.join(' '));
    const onDisk = files.map((name) => readFileSync(path.join(disk, name), 'utf8')).join('\n');
    assert.deepEqual(
      given.filter((id) => !onDisk.includes(`"id":"${id}"`)),
      [],
    );
    const openFiles = readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith(path.join(disk, 'pushes-'));
      } catch {
        return false;
      }
    });
    assert.ok(openFiles.length <= 1, openFiles.join(' '));
    rmSync(ballast);
    assert.equal(await ask(), 202);
    await world.restart();
    for (const id of given) assert.equal((await world.get(`/v1/push/${id}`)).json.counts.accepted, 1);
  });

  it('under --out: the table names the files that are there, and no other', async function () {
    if (!mountSmall(disk, 4096)) this.skip();
    const tokens = await fixture.write('tokens.txt', randomTokens(200).join('\n'));
    const args = fixture.send(tokens, { without: ['--out'], with: ['--accepted', '--out', disk] });
    const { code, stdout } = await runCommand(args);
    assert.equal(code, 6);
    const said = /^ {2}(.*) (?:is|are) in \S+$/m.exec(stdout)?.[1]?.split(/, | and /) ?? [];
    const there = readdirSync(disk).filter((name) => /^[a-z]+\.(?:csv|txt)$/.test(name));
    assert.deepEqual(said.sort(), there.sort());
    assert.ok(!said.includes('accepted.csv'), stdout);
  });

  it('under --out in the middle of a campaign: the table names no file that is not there', async function () {
    if (!mountSmall(disk, 1024 * 1024)) this.skip();
    const tokens = await fixture.write('tokens.txt', randomTokens(100_000).join('\n'));
    const args = fixture.send(tokens, { without: ['--out'], with: ['--accepted', '--out', disk] });
    const { code, stdout } = await runCommand(args);
    assert.equal(code, 6);
    const said = / {2}(\S.*) (?:is|are) in \S+$/m.exec(stdout)?.[1]?.split(/, | and /) ?? [];
    assert.ok(said.includes('accepted.csv'), stdout);
    assert.deepEqual(
      said.filter((name) => !existsSync(path.join(disk, name))),
      [],
    );
  });

  it('under --out in the middle of a campaign: it stops, and its books balance', async function () {
    if (!mountSmall(disk, 1024 * 1024)) this.skip();
    const list = [...rejected, ...randomTokens(100_000)];
    const result = await sendTo(disk, list);
    assert.equal(result.code, 6, result.stderr);
    assert.match(
      result.stderr,
      /^peal: .*(?:gone\.csv cannot be written: |journal\.lmdb cannot be written, because )the disk is full/,
    );
    const lines = jsonLines(result.stdout);
    assert.deepEqual([lines.at(-2)!.messageType, lines.at(-2)!.code], ['error', 'ERR_PEAL_INPUT']);
    const summary = lines.at(-1)!;
    const { recipients, accepted, unsent, unknown } = summary;
    assert.deepEqual([recipients, unknown], [list.length, 0]);
    assert.equal(Number(accepted) + Number(summary.rejected) + Number(unsent), list.length);
    const ledger = fixture.simulator.ledger.summary();
    assert.deepEqual([accepted, summary.rejected], [ledger.accepted, ledger.rejected]);
    assert.equal(ledger.duplicates, 0);
  });

  it('under the file of peal feedback: it says so, and no file has the name', async function () {
    if (!mountSmall(disk, 64 * 1024)) this.skip();
    const authority = new ThrowAwayAuthority();
    const { cert, key } = authority.issueClient('com.example.app');
    const feedback = randomTokens(5_000).map((token) => ({ token, when: new Date() }));
    const auth = { auth: 'certificate', clientCa: authority.certificate, binaryPort: 0, feedbackPort: 0 } as const;
    await using simulator = await startSimulator({ ...auth, feedback });
    const ca = await fixture.write('other-ca.pem', simulator.caCertificate!);
    const who = ['--cert', await fixture.write('c.pem', cert), '--cert-key', await fixture.write('c.key', key)];
    const args = ['feedback', '--gateway', simulator.feedbackUrl!, '--ca', ca, ...who, '--out', `${disk}/gone.csv`];
    const result = await runCommand(args);
    assert.equal(result.code, 6, result.stderr);
    assert.match(result.stderr, /gone\.csv cannot be written: the disk is full/);
    assert.ok(!existsSync(`${disk}/gone.csv`));
  });

  for (const format of ['--json', '--threads']) {
    it(`behind standard output (${format === '--json' ? 'JSON' : 'the table'}): the campaign is done, the files are whole`, async function () {
      if (!existsSync('/dev/full')) this.skip();
      const list = [...randomTokens(3_000), ...rejected.slice(0, 50)];
      const tokens = await fixture.write('tokens.txt', list.join('\n'));
      const args = fixture.send(tokens, format === '--json' ? { with: [format] } : {});
      const { code, stderr } = await runInShell(args, '>/dev/full');
      assert.equal(code, 6, stderr);
      assert.match(stderr, /^peal: standard output cannot be written: the disk is full.*\.\n/m);
      assert.ok(!/\n +at /.test(stderr), stderr);
      assert.equal(linesOf(readFileSync(fixture.path('out/gone.csv'), 'utf8')).length, 51);
      assert.equal(fixture.simulator.ledger.summary().requests, list.length);
    });
  }

  it('behind --ca-out of the simulator: it says so, does not start, and no file has the name', async function () {
    if (process.platform === 'win32') this.skip();
    const file = fixture.path('ca.out');
    const result = await runCommand(['simulate', '--ca-out', file], { maxFileBytes: 0 });
    assert.equal(result.code, 2);
    assertOneSentence(
      result,
      /--ca-out: .*ca\.out cannot be written: the file would be larger than this system allows/,
    );
    assert.ok(!existsSync(file));
  });
});
