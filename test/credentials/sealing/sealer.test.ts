import assert from 'node:assert/strict';
import { createDecipheriv, randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { silentLogger } from '../../../src/base/log.js';
import { Sealer, sealingKeyIdOf } from '../../../src/credentials/sealing/sealer.js';

const [first, second] = [randomBytes(32), randomBytes(32)];
const ring = new Sealer(`new:${first.toString('base64')}\nold:${second.toString('hex')}\n`);
const secret = Buffer.from('canary-5f0a secret');
const context = 'credential\ncom.example.app\nproduction\n1';

describe('a sealer', () => {
  it('opens what it sealed, whatever the bytes and the context are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.string({ unit: 'grapheme' }), (plain, where) => {
        assert.deepEqual([...ring.open(ring.seal(plain, where), where)], [...plain]);
      }),
    );
  });

  it('writes AES-256-GCM with a nonce of 12 bytes and a tag of 16, as the page of credentials says', () => {
    const [form, keyId, , body] = ring.seal(secret, context).split('.');
    assert.deepEqual([form, keyId], ['peal1', 'new']);
    const bytes = Buffer.from(body!, 'base64url');
    assert.equal(bytes.length, 12 + secret.length + 16);
    const decipher = createDecipheriv('aes-256-gcm', first, bytes.subarray(0, 12));
    decipher.setAAD(Buffer.from(`peal1\0new\0${context}`));
    decipher.setAuthTag(bytes.subarray(-16));
    assert.deepEqual(Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]), secret);
  });

  it('never uses a nonce again', () => {
    const nonces = Array.from({ length: 1000 }, () => ring.seal(secret, context).split('.')[3]!.slice(0, 16));
    assert.equal(new Set(nonces).size, nonces.length);
  });

  it('refuses a record of which any one character is another', () => {
    const sealed = ring.seal(secret, context);
    for (let at = 0; at < sealed.length; at++) {
      const other = sealed[at] === 'A' ? 'B' : 'A';
      const changed = sealed.slice(0, at) + other + sealed.slice(at + 1);
      assert.throws(() => ring.open(changed, context), { code: 'ERR_PEAL_CREDENTIAL' }, `character ${at}`);
    }
  });

  it('refuses a record of which any one bit is another, is cut off, or is longer', () => {
    const sealed = ring.seal(secret, context);
    const [form, keyId, check, body] = sealed.split('.');
    const bytes = Buffer.from(body!, 'base64url');
    const withBody = (changed: Buffer): string => `${form}.${keyId}.${check}.${changed.toString('base64url')}`;
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      assert.throws(() => ring.open(withBody(changed), context), /was changed/, `bit ${bit}`);
    }
    for (let length = 0; length < bytes.length; length++) {
      assert.throws(() => ring.open(withBody(bytes.subarray(0, length)), context), { code: 'ERR_PEAL_CREDENTIAL' });
    }
    assert.throws(() => ring.open(withBody(Buffer.concat([bytes, bytes])), context), /was changed/);
    assert.throws(() => ring.open(`${sealed}=`, context), /is not a sealed record/);
    assert.throws(() => ring.open(`${sealed}.x`, context), /is not a sealed record/);
  });

  it('opens a record only in the place that it was sealed for', () => {
    const sealed = ring.seal(secret, context);
    for (const other of ['', `${context}1`, context.replace('production', 'development')]) {
      assert.throws(() => ring.open(sealed, other), /moved here from another place\.$/);
    }
  });

  it('opens with each key of its ring, and seals with the first', () => {
    const before = new Sealer(`old:${second.toString('base64url')}`).seal(secret, context);
    assert.deepEqual(Buffer.from(ring.open(before, context)), secret);
    assert.equal(sealingKeyIdOf(before), 'old');
    assert.equal(sealingKeyIdOf(ring.seal(secret, context)), 'new');
  });

  it('says which key is missing, and tells another key of the same id from a changed record', () => {
    const sealed = ring.seal(secret, context);
    assert.throws(() => new Sealer(`old:${second.toString('hex')}`).open(sealed, context), {
      code: 'ERR_PEAL_CREDENTIAL',
      message: 'The record is sealed with the key "new", which is not among the sealing keys (old).',
    });
    assert.throws(() => new Sealer(`new:${second.toString('hex')}`).open(sealed, context), {
      code: 'ERR_PEAL_CREDENTIAL',
      message: 'The record is sealed with another key of the id "new": give the sealing key that it was sealed with.',
    });
  });

  it('takes one key without an id, and names it the same way each time', () => {
    const bare = new Sealer(`${first.toString('base64')}\n`);
    assert.match(bare.keyId, /^key-[0-9a-f]{8}$/);
    assert.equal(new Sealer(first.toString('hex')).keyId, bare.keyId);
  });

  it('refuses keys that are not keys, and quotes nothing of them', () => {
    const key = first.toString('base64');
    const wrong: readonly (readonly [string, RegExp])[] = [
      ['', /holds no sealing key/],
      ['# only a comment\n', /holds no sealing key/],
      ['a:canary-short', /key 1 of 1 is not valid\. Expected id:key with 32 bytes/],
      [`a:${key}\nb:canary-short`, /key 2 of 2 is not valid/],
      [`canary id/:${key}`, /key 1 of 2 is not valid/],
      [`canary/id:${key}`, /has an id that is not valid/],
      [`a:${key}\na:${second.toString('hex')}`, /key 2 of 2 has the id of an earlier key/],
      [`a:${'00'.repeat(32)}`, /the same byte 32 times/],
      [Array.from({ length: 17 }, (_, n) => `k${n}:${randomBytes(32).toString('hex')}`).join('\n'), /17 sealing keys/],
    ];
    for (const [text, message] of wrong) {
      assert.throws(
        () => new Sealer(text),
        (error: Error) => {
          assert.match(error.message, message);
          assert.doesNotMatch(inspect(error), /canary/);
          assert.ok(!inspect(error).includes(key));
          return true;
        },
      );
    }
  });

  it('shows the ids of its keys and nothing else', () => {
    const shown = inspect(ring, { depth: 9, showHidden: true }) + JSON.stringify(ring);
    assert.match(shown, /new/);
    for (const bytes of [first, second]) {
      for (const text of [bytes.toString('hex'), bytes.toString('base64'), bytes.toString('base64url')]) {
        assert.ok(!shown.includes(text));
      }
    }
  });

  it('reads its keys from a file, and warns where every user may read it', function () {
    if (process.platform === 'win32') return this.skip();
    const folder = mkdtempSync(path.join(tmpdir(), 'peal-'));
    try {
      const file = path.join(folder, 'seal.keys');
      writeFileSync(file, `# made today\r\nnew:${first.toString('base64')}\r\n`, { mode: 0o600 });
      const warnings: string[] = [];
      const log = { ...silentLogger, warn: (_fields: object, message: string) => void warnings.push(message) };
      assert.deepEqual(new Sealer({ file }, log).keyIds, ['new']);
      assert.deepEqual(warnings, []);
      chmodSync(file, 0o604);
      new Sealer({ file }, log);
      assert.match(warnings.join(), /every user of this machine may read this file/);
      assert.throws(() => new Sealer({ file: `${file}.not` }), /does not exist\.$/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
