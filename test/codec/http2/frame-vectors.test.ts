/** Single frames from the http2jp/http2-frame-test-case collection, where it is at hand. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FrameReader } from '../../../src/codec/http2/frame-reader.js';
import * as frames from '../../../src/codec/http2/frames.js';
import { readU32 } from '../../../src/codec/octets.js';
import { settingsFrame } from '../../support/frames.js';
import { octets } from '../../support/hex.js';
import { withRequests } from '../../support/peer-cases.js';
import { repositoryRoot } from '../../support/repository.js';

const archive = path.join(repositoryRoot, '..', 'shared', 'vectors', 'http2-frame-test-case.tar.xz');

interface FrameCase {
  readonly description: string;
  readonly wire: string;
  /** Allowed error codes; null for a good frame. */
  readonly error: readonly number[] | null;
  readonly frame: {
    readonly length: number;
    readonly type: number;
    readonly flags: number;
    readonly stream_identifier: number;
  } | null;
}

/** What the frame reader makes of a good frame. */
function read(wire: Uint8Array): number[][] {
  const seen: number[][] = [];
  const reader = new FrameReader(
    { onFrame: (type, flags, streamId, _bytes, start, end) => void seen.push([end - start, type, flags, streamId]) },
    16_384,
  );
  const opening = settingsFrame([]);
  reader.read(opening, opening.length);
  reader.read(wire, wire.length);
  return seen.slice(1);
}

/** The error codes with which a client connection answers, to the stream or to the connection. */
function errorsFor(wire: Uint8Array): number[] {
  const peer = withRequests();
  peer.send(wire);
  const errors: number[] = [];
  for (const { type, payload } of peer.read()) {
    if (type === frames.RST_STREAM) errors.push(readU32(payload, 0));
    if (type === frames.GOAWAY) errors.push(readU32(payload, 4));
  }
  return errors;
}

describe('frames of http2jp/http2-frame-test-case', () => {
  let folder: string | null = null;
  const cases: FrameCase[] = [];

  before(function skipWithoutVectors() {
    if (!existsSync(archive)) {
      console.log('      skipped: ../shared/vectors/http2-frame-test-case.tar.xz is not there');
      this.skip();
    }
    folder = mkdtempSync(path.join(tmpdir(), 'peal-frames-'));
    try {
      execFileSync('tar', ['-xJf', archive, '-C', folder], { stdio: 'pipe' });
    } catch {
      console.log('      skipped: tar with xz is needed to unpack http2-frame-test-case.tar.xz');
      this.skip();
    }
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (name.endsWith('.json')) cases.push(JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as FrameCase);
    }
  });

  after(() => {
    if (folder !== null) rmSync(folder, { recursive: true, force: true });
  });

  it('are read as they were written', () => {
    const good = cases.filter(({ frame }) => frame !== null);
    for (const { description, wire, frame } of good) {
      const { length, type, flags, stream_identifier: streamId } = frame!;
      assert.deepEqual(read(octets(wire)), [[length, type, flags, streamId]], description);
    }
    console.log(`      ${good.length} good frames`);
    assert.ok(good.length > 0, 'the archive holds no good frames');
  });

  it('are answered with an error that is allowed', () => {
    const bad = cases.filter(({ error }) => error !== null);
    for (const { description, wire, error } of bad) {
      const answers = errorsFor(octets(wire));
      assert.ok(
        answers.length === 1 && error!.includes(answers[0]!),
        `${description}: ${answers} where ${error} is allowed`,
      );
    }
    console.log(`      ${bad.length} frames with an error`);
    assert.ok(bad.length > 0, 'the archive holds no frames with errors');
  });
});
