import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { REJECTED } from '../../src/engine/ledger.js';
import { fcmHttp2 } from '../../src/fcm/protocol.js';
import { fcmReasons } from '../../src/fcm/reason.js';
import { adviceOf, classOf, reasonCode, reasonOf, retryKindOf } from '../../src/push-services/reasons.js';
import { repositoryRoot } from '../support/repository.js';

describe('fcm/protocol', () => {
  it('gives every reason a code of its own that fits a ledger byte, and finds it again', () => {
    const codes = new Set<number>();
    for (const row of fcmReasons) {
      assert.ok(row.code >= 121 && row.code <= 200 && REJECTED + row.code <= 255, row.reason);
      assert.ok(!codes.has(row.code), row.reason);
      codes.add(row.code);
      assert.equal(reasonCode(row.reason, 'fcm'), row.code);
      assert.equal(reasonOf(row.code), row);
      assert.equal(classOf(row.status, row.reason, 'fcm'), row.class);
      assert.match(row.advice, /^[A-Z].*[^.]\.$/, row.reason);
    }
  });

  it('keeps the codes that ledgers and journals already hold', () => {
    const expected = { UNREGISTERED: 121, SENDER_ID_MISMATCH: 124, QUOTA_EXCEEDED: 126, NOT_FOUND: 135 };
    for (const [reason, code] of Object.entries(expected)) assert.equal(reasonCode(reason, 'fcm'), code, reason);
  });

  it('says of every reason whether it may be answered otherwise next time', () => {
    const again = fcmReasons.map(({ status, reason }) => [reason, retryKindOf(status, reason, 'fcm')]);
    assert.deepEqual(Object.fromEntries(again.filter(([, kind]) => kind !== null)), {
      QUOTA_EXCEEDED: 'quota',
      'QUOTA_EXCEEDED (device)': 'busy',
      'QUOTA_EXCEEDED (topic)': 'topic-quota',
      UNAVAILABLE: 'unavailable',
      INTERNAL: 'unavailable',
      ACCESS_TOKEN_EXPIRED: 'expired',
    });
  });

  it('goes by the status where the reason is not known', () => {
    const rows = [
      [400, 'request', null],
      [401, 'credential', null],
      [403, 'credential', null],
      [404, 'credential', null],
      [408, 'connection', 'connection'],
      [413, 'request', null],
      [421, 'connection', 'connection'],
      [429, 'transient', 'quota'],
      [500, 'transient', 'unavailable'],
      [502, 'transient', 'unavailable'],
      [504, 'transient', 'unavailable'],
    ] as const;
    for (const [status, reasonClass, kind] of rows) {
      assert.equal(classOf(status, 'UNSPECIFIED_ERROR', 'fcm'), reasonClass, String(status));
      assert.equal(retryKindOf(status, 'UNSPECIFIED_ERROR', 'fcm'), kind, String(status));
      assert.match(adviceOf(status, 'UNSPECIFIED_ERROR', 'fcm'), /^[A-Z].*[^.]\.$/, String(status));
    }
  });

  it('takes a 404 for a token that is gone only where FCM says so', () => {
    assert.equal(classOf(404, 'UNREGISTERED', 'fcm'), 'gone');
    assert.equal(classOf(404, 'NOT_FOUND', 'fcm'), 'credential');
    assert.equal(classOf(404, '', 'fcm'), 'credential');
  });

  it('sends to the path of the project, and reads why a connection is closed', () => {
    const address = { protocol: 'fcm', host: 'fcm.googleapis.com', port: 443, project: 'my-app' } as const;
    assert.equal(fcmHttp2.pathOf(address), '/v1/projects/my-app/messages:send');
    assert.equal(fcmHttp2.reasonOfGoaway(new TextEncoder().encode('too_many_pings\n')), 'too_many_pings');
    assert.equal(fcmHttp2.reasonOfGoaway(new Uint8Array()), '');
  });

  it('has each reason in docs/fcm.md, with its status, class and code, and no other', () => {
    const page = readFileSync(path.join(repositoryRoot, 'docs/fcm.md'), 'utf8');
    const section = page.split(/^(?=## )/m).find((text) => text.startsWith('## Reasons\n'));
    assert.ok(section, 'there is no heading Reasons');
    const rows = section.split('\n').filter((line) => line.startsWith('| `'));
    const cells = rows.map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
    assert.deepEqual(
      cells.map(([reason, status, reasonClass]) => [reason, status, reasonClass]),
      fcmReasons.map(({ reason, status, class: reasonClass }) => [`\`${reason}\``, String(status), reasonClass]),
    );
    for (const row of cells) assert.ok(row.length === 4 && row.every((cell) => cell !== ''), row.join(' | '));
  });
});
