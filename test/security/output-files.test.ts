/** Files that are written: for their owner only, never through a link, never over what is read, whole or not at all. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { OutputFile } from '../../src/campaign/outputs/output-file.js';
import { FeedbackOutput } from '../../src/cli/feedback/feedback-output.js';
import { refuseOwnFiles } from '../../src/cli/send/own-files.js';
import type { Terminal } from '../../src/cli/shared/terminal.js';
import { runCommand } from '../support/command.js';
import { quietPort } from '../support/quiet-port.js';

const names = ['invalid.csv', 'rejected.csv', 'unknown.txt', 'unsent.txt'];

describe('security: files that are written', () => {
  let folder: string;
  const at = (...parts: string[]): string => path.join(folder, ...parts);
  const modeOf = (file: string): number => statSync(file).mode & 0o777;

  /** A campaign whose gateway nobody listens at: all of its recipients are unsent. */
  const send = async (out: string, ...more: string[]) => {
    writeFileSync(at('tokens.txt'), `${'ab'.repeat(32)}\nnone\n`);
    const gateway = ['--gateway', `https://127.0.0.1:${await quietPort()}`, '--threads', '0'];
    return await runCommand(['send', at('tokens.txt'), '--alert', 'x', ...gateway, '--out', at(out), ...more]);
  };

  before(function () {
    if (process.platform === 'win32') this.skip();
  });

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'peal-test-'));
  });

  afterEach(() => rm(folder, { recursive: true }));

  it('files: 0600 in a directory of 0700, also where they existed with other rights, and whatever the umask', async () => {
    const umask = process.umask(0);
    try {
      mkdirSync(at('old'), { mode: 0o755 });
      for (const name of names) writeFileSync(at('old', name), 'older', { mode: 0o666 });
      for (const out of ['old', 'new']) {
        assert.equal((await send(out, '--force')).code, 4);
        for (const name of readdirSync(at(out))) assert.equal(modeOf(at(out, name)), 0o600, name);
        for (const name of names) assert.notEqual(readFileSync(at(out, name), 'utf8'), 'older', name);
      }
      assert.equal(modeOf(at('new')), 0o700);
    } finally {
      process.umask(umask);
    }
  });

  it('files: a link under the name of a file is replaced, and what it points to stays as it was', async () => {
    writeFileSync(at('victim'), 'untouched');
    mkdirSync(at('out'));
    for (const name of names) symlinkSync(at('victim'), at('out', name));
    assert.equal((await send('out', '--force')).code, 4);
    assert.equal(readFileSync(at('victim'), 'utf8'), 'untouched');
    for (const name of names) assert.ok(lstatSync(at('out', name)).isFile());
  });

  it('files: the certificate of peal simulate, which everybody may read, replaces a link, too', async () => {
    writeFileSync(at('victim'), 'untouched');
    symlinkSync(at('victim'), at('ca.pem'));
    const { code, stderr } = await runCommand(['simulate', '--json', '--ca-out', at('ca.pem')], {
      whileRunning: async (child, output) => {
        while (!output().includes('\n')) await once(child.stdout!, 'data');
        child.kill('SIGINT');
      },
    });
    assert.deepEqual([code, stderr], [0, '']);
    assert.equal(readFileSync(at('victim'), 'utf8'), 'untouched');
    assert.ok(lstatSync(at('ca.pem')).isFile());
    assert.match(readFileSync(at('ca.pem'), 'utf8'), /^-----BEGIN CERTIFICATE-----/);
    assert.deepEqual(readdirSync(folder).sort(), ['ca.pem', 'victim']);
  });

  it('files: the names under which they are written cannot be guessed, and something else there is never opened', async () => {
    const made = new Set<string>();
    for (let round = 0; round < 20; round++) {
      const file = await OutputFile.create(folder, 'list.csv');
      const [name] = readdirSync(folder);
      assert.match(name!, /^list\.csv\.[0-9a-f]{8,}\.partial$/);
      made.add(name!);
      await file.discard();
    }
    assert.equal(made.size, 20);
  });

  it('files: what the command reads, keys among it, is not replaced under any name for it', async () => {
    mkdirSync(at('out'));
    for (const name of names) {
      writeFileSync(at('out', name), 'a key');
      symlinkSync(at('out', name), at(`link-${name}`));
      symlinkSync(at('out'), at('folder'));
      for (const input of [at('out', name), at('out', '..', 'out', name), at(`link-${name}`), at('folder', name)]) {
        await assert.rejects(refuseOwnFiles(at('out'), [input]), { code: 'ERR_PEAL_OPTION' }, input);
        await assert.rejects(refuseOwnFiles(at('folder'), [input]), { code: 'ERR_PEAL_OPTION' }, input);
      }
      assert.deepEqual(readdirSync(at('out')), [name], 'and nothing is left behind');
      await rm(at('out', name));
      await rm(at('folder'));
    }
  });

  it('files: the list of peal feedback and the certificate of peal simulate do not replace what the command reads', async () => {
    writeFileSync(at('key.pem'), 'a key');
    symlinkSync(at('key.pem'), at('link'));
    for (const out of [at('key.pem'), at('link')]) {
      const reading = { gateway: 'feedback://localhost:1', format: 'csv', cert: at('key.pem'), out } as const;
      const terminal = { stdout: process.stdout } as unknown as Terminal;
      await assert.rejects(FeedbackOutput.open(reading, terminal), { code: 'ERR_PEAL_OPTION' });
      const args = ['simulate', '--port', '0', '--client-ca', at('key.pem'), '--ca-out', out];
      const { code, stderr } = await runCommand(args);
      assert.equal(code, 2, stderr);
      assert.match(stderr, /^peal: --ca-out: .* is read by this command/);
    }
    assert.equal(readFileSync(at('key.pem'), 'utf8'), 'a key');
  });

  it('files: one that is given up leaves nothing, and one that replaces another is whole at every moment', async () => {
    writeFileSync(at('list.csv'), 'older');
    const first = await OutputFile.create(folder, 'list.csv');
    first.append('newer');
    await first.discard();
    assert.deepEqual(readdirSync(folder), ['list.csv']);
    const second = await OutputFile.create(folder, 'list.csv');
    second.append('newer');
    assert.equal(readFileSync(at('list.csv'), 'utf8'), 'older');
    await second.publish();
    assert.equal(readFileSync(at('list.csv'), 'utf8'), 'newer');
  });

  it('files: contents are durable before they get their name, and the name after that', async () => {
    const synced: string[] = [];
    const probe = await open(folder);
    const prototype = Object.getPrototypeOf(probe) as { sync(): Promise<void> };
    await probe.close();
    const original = prototype.sync;
    prototype.sync = async function (this: Awaited<ReturnType<typeof open>>) {
      synced.push((await this.stat()).isDirectory() ? `directory with ${readdirSync(folder)}` : 'file');
      return original.call(this);
    };
    try {
      const file = await OutputFile.create(folder, 'list.csv');
      file.append('newer');
      await file.publish();
    } finally {
      prototype.sync = original;
    }
    assert.deepEqual(synced, ['file', 'directory with list.csv']);
  });

  it('files: a directory that may not be written to is said so, and nothing is made in it', async function () {
    if (process.getuid?.() === 0) this.skip();
    chmodSync(folder, 0o500);
    try {
      assert.equal((await send('.')).code, 2);
    } finally {
      chmodSync(folder, 0o700);
    }
    assert.deepEqual(readdirSync(folder), []);
  });
});
