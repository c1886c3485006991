/** docs/apple.md, the table of what Apple documents: it names everything that the source knows, and nothing else. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { apsFields } from '../src/apns/aps-fields.js';
import { pushTypes, ruleOf } from '../src/apns/push-type.js';
import { channelReasons, reasons } from '../src/apns/reason.js';
import type { Reason } from '../src/push/reason.js';
import { repositoryRoot } from './support/repository.js';

const page = readFileSync(path.join(repositoryRoot, 'docs/apple.md'), 'utf8');

/** The cells of the tables below a heading, up to the next of the same depth or above. */
function rowsBelow(heading: string): string[][] {
  const depth = heading.indexOf(' ');
  const [, after = ''] = page.split(`\n${heading}\n`);
  const [section = ''] = after.split(new RegExp(`^#{1,${depth}} `, 'm'));
  const rows = [...section.matchAll(/^\| (.*) \|$/gm)].map(([, row]) => row!.split(' | ').map((cell) => cell.trim()));
  assert.ok(rows.length > 0, `a table below ${heading}`);
  return rows;
}

describe('docs/apple.md', () => {
  it('has a row for each key of aps, with its option', () => {
    const rows = rowsBelow('## Generating a remote notification').filter(([key]) => key!.startsWith('`aps.'));
    assert.deepEqual(
      rows,
      Object.entries(apsFields).map(([option, [key]]) => [`\`aps.${key}\``, `\`${option}\``]),
    );
  });

  it('has a row for each push type, with the ending of its topic', () => {
    const rows = rowsBelow('### Push types').filter(([type]) => type!.startsWith('`'));
    assert.deepEqual(
      rows.map(([type]) => type),
      pushTypes.map((type) => `\`${type}\``),
    );
    for (const [type, topic] of rows) {
      const { topicSuffix } = ruleOf(type!.slice(1, -1) as (typeof pushTypes)[number]);
      if (topicSuffix !== '') assert.equal(topic, `\`${topicSuffix}\``, type);
    }
  });

  for (const [heading, table] of [
    ['## Handling notification responses from APNs', reasons],
    ['## Broadcasts and channels', channelReasons],
  ] as const) {
    it(`names each reason in the row of its class: ${heading.slice(3)}`, () => {
      const found = rowsBelow(heading).flatMap(([name, list = '']) =>
        [...list.matchAll(/(\w[\w ]*) \((\d{3})\)/g)].map(([, reason, status]) => [name, reason, Number(status)]),
      );
      const known = ({ class: name, reason, status }: Reason): unknown[] => [name, reason, status];
      const sorted = (rows: unknown[][]): string[] => rows.map((row) => row.join(' ')).sort();
      assert.deepEqual(sorted(found), sorted(table.map(known)));
    });
  }

  it('names only options and fields that the source knows', () => {
    const src = path.join(repositoryRoot, 'src');
    const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
    const source = files.map((file) => readFileSync(path.join(src, file), 'utf8')).join('\n');
    const names = [...page.matchAll(/`((?:--|')?[A-Za-z][\w-]*'?)`/g)].map(([, name]) => name!);
    assert.ok(names.length > 80, `${names.length} names`);
    assert.deepEqual(
      names.filter((name) => !source.includes(name.replaceAll("'", ''))),
      [],
    );
  });
});
