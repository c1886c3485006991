/** What is done where Node refuses fsync; test/cli/permission.test.ts has it under a Node that refuses it. */
import assert from 'node:assert/strict';
import { constants } from 'node:fs';
import { type FileHandle, mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Durability, newFile } from '../../src/base/durable.js';
import { writeProblem } from '../../src/base/file-errors.js';

const failing = (code: string) => {
  const error = Object.assign(new Error(code), { code });
  return { sync: () => Promise.reject(error), datasync: () => Promise.reject(error) };
};

const usual = new Durability({ isRestricted: false, writeThrough: constants.O_DSYNC });
const restricted = new Durability({ isRestricted: true, writeThrough: constants.O_DSYNC });
const windows = new Durability({ isRestricted: true, writeThrough: undefined });

describe('base/durable', () => {
  let folder: string;
  let file: string;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'peal-durable-'));
    file = path.join(folder, 'new.txt');
  });

  afterEach(() => rm(folder, { recursive: true }));

  /** Has Node refuse fsync, as its permission model does, until what it returns is called. */
  async function refuseSync(): Promise<() => void> {
    const probe = await open(path.join(folder, 'probe'), 'w');
    const prototype = Object.getPrototypeOf(probe) as FileHandle;
    await probe.close();
    await rm(path.join(folder, 'probe'));
    const { sync } = prototype;
    prototype.sync = failing('ERR_ACCESS_DENIED').sync;
    return () => {
      prototype.sync = sync;
    };
  }

  it('takes a refusal of fsync by the permission model for no failure where each write waits for the disk', async () => {
    await restricted.sync(failing('ERR_ACCESS_DENIED'));
    await restricted.syncData(failing('ERR_ACCESS_DENIED'));
  });

  it('takes any other error for a failure', async () => {
    for (const code of ['EIO', 'ENOSPC', 'EBADF']) {
      for (const each of [usual, restricted, windows]) {
        await assert.rejects(each.sync(failing(code)), { code });
        await assert.rejects(each.syncData(failing(code)), { code });
      }
    }
  });

  it('has a refusal fail where no write can wait for the disk, and says so in one sentence', async () => {
    for (const syncing of ['sync', 'syncData'] as const) {
      const refused: unknown = await windows[syncing](failing('ERR_ACCESS_DENIED')).catch((error: unknown) => error);
      assert.match(writeProblem(refused), /^would not outlive a loss of power: .* run Node without --permission$/);
    }
  });

  it('opens no file that could not be made durable, and leaves no empty one behind', async () => {
    const allow = await refuseSync();
    try {
      await assert.rejects(windows.open(file, newFile, 0o600), { code: 'ERR_SYNC_REFUSED' });
      assert.deepEqual(await readdir(folder), []);
      await (await restricted.open(file, newFile, 0o600)).close();
    } finally {
      allow();
    }
    // Node 22 restricts files, and lets them be synced.
    await (await windows.open(file, constants.O_WRONLY, 0o600)).close();
  });

  it('has no write wait for the disk where fsync is allowed', async () => {
    const isLinux = process.platform === 'linux';
    for (const [each, waits] of [
      [usual, false],
      [restricted, true],
    ] as const) {
      await rm(file, { force: true });
      const handle = await each.open(file, newFile, 0o600);
      if (isLinux) {
        const flags = /flags:\s*(\d+)/.exec(await readFile(`/proc/self/fdinfo/${handle.fd}`, 'utf8'))![1]!;
        assert.equal((Number.parseInt(flags, 8) & constants.O_DSYNC) !== 0, waits);
      }
      await handle.close();
    }
  });
});
