/** What is done where Node refuses fsync; test/cli/permission.test.ts has it under a Node that refuses it. */
import assert from 'node:assert/strict';
import { newDurable, sync, syncData, writeThrough } from '../../src/base/durable.js';

const failing = (code: string) => {
  const error = Object.assign(new Error(code), { code });
  return { sync: () => Promise.reject(error), datasync: () => Promise.reject(error) };
};

describe('base/durable', () => {
  it('takes a refusal of fsync by the permission model for no failure, and any other error for one', async () => {
    await sync(failing('ERR_ACCESS_DENIED'));
    await syncData(failing('ERR_ACCESS_DENIED'));
    for (const code of ['EIO', 'ENOSPC', 'EBADF']) {
      await assert.rejects(sync(failing(code)), { code });
      await assert.rejects(syncData(failing(code)), { code });
    }
  });

  it('has no write wait for the disk where fsync is allowed', () => {
    assert.equal(writeThrough, 0);
    assert.equal(newDurable & writeThrough, 0);
  });
});
