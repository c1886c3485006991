/** The batch that pushes of one turn share: what each of them says is what a shard gets, however it came there. */
import assert from 'node:assert/strict';
import { apnsIdBytesOf } from '../../../src/apns/apns-id.js';
import { maxBatchRecipients } from '../../../src/base/limits.js';
import { batchFault } from '../../../src/engine/batch.js';
import { BatchBuffers } from '../../../src/engine/dispatcher/buffers.js';
import type { SendJob } from '../../../src/engine/dispatcher/job.js';
import { OWN_COLLAPSE_ID, OWN_EXPIRATION, OWN_PRIORITY } from '../../../src/push/personal-fields.js';
import { CallerPush } from '../../../src/session/single/caller-push.js';
import { LaneBatch, NAMED, type Push } from '../../../src/session/single/lane-batch.js';

const job = {} as SendJob;
const allFields = OWN_EXPIRATION | OWN_PRIORITY | OWN_COLLAPSE_ID;

function idOf(number: number): string {
  return `5eed0000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
}

/** What push `number` says. */
function partsOf(number: number) {
  const payloadText = `{"n":${number},"text":"${'Größe 漢字 😀 '.repeat(number % 9)}"}`;
  return {
    payloadText,
    expiration: 1_900_000_000 + number,
    priority: number % 10,
    collapseId: 'c'.repeat(number % 40),
  };
}

function add(batch: LaneBatch, number: number, deadlineMs = 1_000, text: string | null = null): Push {
  const push = new CallerPush(
    { timeoutMs: deadlineMs, budget: null, signal: null, isStreamed: false },
    deadlineMs,
    () => {},
  );
  const bytes = new Uint8Array(batch.tokenBytes).fill(number & 0xff);
  new DataView(bytes.buffer).setUint32(0, number);
  batch.reserve().set(bytes, batch.tokenOffset);
  const { payloadText, ...fields } = partsOf(number);
  batch.add(push, text ?? payloadText, fields, apnsIdBytesOf(idOf(number))!, 0);
  return push;
}

/** The batch as a shard gets it says of each push what that push says. */
function check(batch: LaneBatch, numbers: readonly number[], hasFields: boolean): void {
  assert.equal(batchFault(batch), null);
  assert.equal(batch.tokens.count, numbers.length);
  const { buffer, personal } = new BatchBuffers(1).copyOf(batch);
  const { apnsIds, payloads, payloadOffsets, fields } = personal!;
  numbers.forEach((number, index) => {
    const { payloadText, expiration, priority, collapseId } = partsOf(number);
    assert.equal(new DataView(buffer, index * batch.tokenBytes).getUint32(0), number);
    assert.deepEqual(apnsIds!.slice(index * 16, index * 16 + 16), new Uint8Array(apnsIdBytesOf(idOf(number))!));
    const payload = payloads!.subarray(payloadOffsets![index]!, payloadOffsets![index + 1]!);
    assert.equal(Buffer.from(payload).toString('utf8'), payloadText);
    if (!hasFields) return;
    const { expirations, priorities, collapseIds, collapseIdOffsets } = fields!;
    assert.deepEqual([expirations![index], priorities![index]], [expiration, priority]);
    const ids = collapseIds!.subarray(collapseIdOffsets![index]!, collapseIdOffsets![index + 1]!);
    assert.equal(Buffer.from(ids).toString('latin1'), collapseId);
  });
  if (!hasFields) assert.equal(fields, null);
}

const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, index) => from + index);

describe('LaneBatch', () => {
  for (const [mask, tokenBytes] of [
    [0, 32],
    [allFields, 32],
    [allFields, 100],
  ] as const) {
    it(`grows to a full batch of tokens of ${tokenBytes} bytes, fields ${mask}, and is used again`, () => {
      const batch = new LaneBatch();
      for (const count of [1, 16, 17, maxBatchRecipients, 65, 3]) {
        batch.begin(tokenBytes, mask | NAMED);
        const pushes = range(count, count).map((number) => add(batch, number));
        assert.equal(batch.isFull, count === maxBatchRecipients);
        batch.close(job);
        check(batch, range(count, count), mask !== 0);
        pushes.forEach((push, index) => {
          assert.equal(batch.apnsIdAt(push.index), idOf(count + index));
          batch.leave(push);
        });
        assert.equal(batch.unresolved, 0);
      }
    });
  }

  it('is used again for another shape', () => {
    const batch = new LaneBatch();
    for (const [tokenBytes, mask] of [
      [32, 0],
      [8, allFields],
      [100, 0],
      [32, allFields],
    ] as const) {
      batch.begin(tokenBytes, mask | NAMED);
      const pushes = range(0, 100).map((number) => add(batch, number));
      batch.close(job);
      check(batch, range(0, 100), mask !== 0);
      for (const push of pushes) batch.leave(push);
    }
  });

  it('gives the memory of large payloads up, and is used again', () => {
    const batch = new LaneBatch();
    batch.begin(32, 0 | NAMED);
    const pushes = range(0, maxBatchRecipients).map((number) => add(batch, number, 1_000, 'x'.repeat(4_000)));
    batch.close(job);
    for (const push of pushes) batch.leave(push);
    assert.ok(batch.payloadRoom >= maxBatchRecipients * 4_000);
    batch.trim();
    assert.ok(batch.payloadRoom <= 256 * 1024);
    batch.begin(32, 0 | NAMED);
    add(batch, 7);
    batch.close(job);
    check(batch, [7], false);
  });

  it('takes pushes over from others with all that they say, and leaves out who has an outcome', () => {
    const from = new LaneBatch();
    from.begin(32, allFields | NAMED);
    const pushes = range(0, 90).map((number) => add(from, number, 1_000 - number));
    for (const push of pushes) if (push.index % 3 === 0) from.leave(push);
    const to = new LaneBatch();
    to.begin(32, allFields | NAMED);
    add(to, 500);
    for (const push of from.pushes) if (push !== null) to.takeOver(push);
    assert.equal(from.unresolved, 0);
    assert.equal(to.earliestMs, 1_000 - 89);
    to.close(job);
    const left = range(0, 90).filter((number) => number % 3 !== 0);
    check(to, [500, ...left], true);
    assert.deepEqual(
      pushes.filter(({ batch }) => batch !== null).map(({ index }) => index),
      range(1, left.length),
    );
    from.begin(32, allFields | NAMED);
    add(from, 7);
    from.close(job);
    check(from, [7], true);
  });

  it('takes no push of another shape, none while it is under way, and is not used again before all have outcomes', () => {
    const batch = new LaneBatch();
    batch.begin(32, 0 | NAMED);
    const push = add(batch, 1);
    const other = new LaneBatch();
    other.begin(32, OWN_PRIORITY | NAMED);
    assert.throws(() => other.takeOver(push), /a push goes to a batch of its shape/);
    assert.throws(() => batch.begin(32, 0 | NAMED), /used again after all/);
    batch.close(job);
    assert.throws(() => add(batch, 2), /being filled/);
  });

  it('knows once of each token that is gone', () => {
    const batch = new LaneBatch();
    batch.begin(32, 0 | NAMED);
    batch.leave(add(batch, 1));
    assert.deepEqual([batch.noteGone(0), batch.noteGone(0), batch.noteGone(1)], [true, false, true]);
    batch.begin(32, 0 | NAMED);
    assert.equal(batch.noteGone(0), true);
  });
});
