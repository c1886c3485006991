/** What the release workflow takes out of CHANGELOG.md, and what it refuses. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { releaseNotes } from '../../scripts/release-notes.js';
import { version } from '../../src/base/version.js';
import { repositoryRoot } from '../support/repository.js';

const changelog = `# Changelog

## 1.1.0 — unreleased
- Next.

## 1.0.0 — 2026-12-01
- One.
- Two.

### More
- Three.

## 1.0.0-rc.1 — 2026-11-20
- Before.

## 0.9.0 — 2026-11-01
`;

describe('the notes of a release', () => {
  it('are the section of its version', () => {
    assert.equal(releaseNotes('v1.0.0', '1.0.0', changelog), '- One.\n- Two.\n\n### More\n- Three.\n');
    assert.equal(releaseNotes('v1.0.0-rc.1', '1.0.0-rc.1', changelog), '- Before.\n');
  });

  const refused: readonly (readonly [string, string, RegExp])[] = [
    ['v1.0.1', '1.0.0', /The tag v1\.0\.1 is not v1\.0\.0/],
    ['1.0.0', '1.0.0', /The tag 1\.0\.0 is not v1\.0\.0/],
    ['v1.0.0; rm -rf .', '1.0.0', /is not v1\.0\.0/],
    ['v1.2.0', '1.2.0', /has no section 1\.2\.0/],
    ['v1.1.0', '1.1.0', /calls it "1\.1\.0 — unreleased"/],
    ['v0.9.0', '0.9.0', /says nothing of 0\.9\.0/],
  ];
  for (const [tag, of, message] of refused) {
    it(`are refused for ${tag} of ${of}`, () => assert.throws(() => releaseNotes(tag, of, changelog), { message }));
  }

  it('can be made of CHANGELOG.md once it has a date', () => {
    const text = readFileSync(path.join(repositoryRoot, 'CHANGELOG.md'), 'utf8');
    const dated = text.replace(`## ${version} — unreleased`, `## ${version} — 2026-12-01`);
    assert.match(releaseNotes(`v${version}`, version, dated), /^- /);
  });
});
