/** Header blocks of many encoders, from the http2jp/hpack-test-case collection, where it is at hand. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { HpackDecoder } from '../../../src/codec/hpack/decoder.js';
import { repositoryRoot } from '../../support/repository.js';

const archive = path.join(repositoryRoot, '..', 'shared', 'vectors', 'hpack-test-case.tar.xz');

interface StoryCase {
  readonly wire?: string;
  readonly headers: readonly Record<string, string>[];
  readonly header_table_size?: number | null;
}

/** The blocks of one story share a decoder. Returns how many there were. */
function checkStory(file: string, name: string): number {
  const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: StoryCase[] };
  const maxTableBytes = Math.max(4096, ...cases.map(({ header_table_size: bytes }) => bytes ?? 0));
  const decoder = new HpackDecoder({ maxTableBytes, maxHeaderListBytes: 1 << 20, maxFields: 1000 });
  let blocks = 0;
  for (const { wire, headers } of cases) {
    if (wire === undefined) continue; // raw-data: lists without blocks
    const expected = headers.map((header) => Object.entries(header)[0]);
    assert.deepEqual(decoder.decode(Buffer.from(wire, 'hex')), expected, `${name}, block ${blocks}`);
    blocks++;
  }
  return blocks;
}

describe('HPACK vectors of http2jp/hpack-test-case', () => {
  let folder: string | null = null;

  before(function skipWithoutVectors() {
    if (!existsSync(archive)) {
      console.log('      skipped: ../shared/vectors/hpack-test-case.tar.xz is not there');
      this.skip();
    }
    folder = mkdtempSync(path.join(tmpdir(), 'peal-hpack-'));
    try {
      execFileSync('tar', ['-xJf', archive, '-C', folder], { stdio: 'pipe' });
    } catch {
      console.log('      skipped: tar with xz is needed to unpack hpack-test-case.tar.xz');
      this.skip();
    }
  });

  after(() => {
    if (folder !== null) rmSync(folder, { recursive: true, force: true });
  });

  it('are decoded, every block of every encoder', () => {
    let stories = 0;
    let blocks = 0;
    for (const name of readdirSync(folder!, { recursive: true, encoding: 'utf8' })) {
      if (!/story_\d+\.json$/.test(name)) continue;
      const inStory = checkStory(path.join(folder!, name), name);
      blocks += inStory;
      if (inStory > 0) stories++;
    }
    console.log(`      ${blocks} header blocks in ${stories} stories`);
    assert.ok(blocks > 0, 'the archive holds no header blocks');
  });
});
