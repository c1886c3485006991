import assert from 'node:assert/strict';
import { silentLogger } from '../../../src/base/log.js';
import { EchoedIds } from '../../../src/engine/shard/echoed-ids.js';
import type { Notification, PersonalParts } from '../../../src/push/notification.js';
import { notification } from '../../support/engine-fixtures.js';

const first = 'c6ab1a3b-9f6b-4c1e-8f5b-0a1b2c3d4e5f';
const second = '00000000-0000-4000-8000-00000000000f';
const own: PersonalParts = {
  apnsIds: Buffer.from(`${first}${second}`.replaceAll('-', ''), 'hex'),
  payloads: null,
  payloadOffsets: null,
};

describe('echoed-ids', () => {
  let warned: object[];
  let ids: EchoedIds;

  beforeEach(() => {
    warned = [];
    ids = new EchoedIds({ ...silentLogger, warn: (fields) => warned.push(fields) }, { routeId: 3 });
  });

  const request = (personal: PersonalParts | null, headers: Notification['headers'] = []) => ({
    notification: { ...notification, headers },
    personal,
  });

  it('is silent where the id comes back, in letters of either case', () => {
    ids.check(request(own), 0, first);
    ids.check(request(own), 1, second.toUpperCase());
    ids.check(request(null, [['apns-id', first]]), 0, first.toUpperCase());
    assert.deepEqual(warned, []);
  });

  it('is silent where there is nothing to compare: no id of ours, or none in the answer', () => {
    ids.check(request(null), 0, first);
    ids.check(request({ ...own, apnsIds: null }), 0, first);
    ids.check(request(own), 0, null);
    assert.deepEqual(warned, []);
  });

  it('warns of an answer with the id of another, with both, whether the id was of a recipient or of the message', () => {
    ids.check(request(own), 1, first);
    assert.deepEqual(warned, [{ routeId: 3, sent: second.replaceAll('-', ''), answered: first, mismatches: 1 }]);
    new EchoedIds({ ...silentLogger, warn: (fields) => warned.push(fields) }, {}).check(
      request(null, [['apns-id', second]]),
      0,
      first,
    );
    assert.deepEqual(warned[1], { sent: second, answered: first, mismatches: 1 });
  });

  it('counts the others, and warns of every tenfold only', () => {
    for (let index = 0; index < 250; index++) ids.check(request(own), 1, first);
    assert.deepEqual(
      warned.map((fields) => (fields as { mismatches: number }).mismatches),
      [1, 10, 100],
    );
  });
});
