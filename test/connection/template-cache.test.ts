import assert from 'node:assert/strict';
import { PealError } from '../../src/base/errors.js';
import { templatesPerConnection } from '../../src/base/limits.js';
import type { RequestRun } from '../../src/connection/request-source.js';
import { personalKinds, TemplateCache } from '../../src/connection/template-cache.js';
import { TokenBlock } from '../../src/push/token-block.js';

function runOf(notificationId: number, tokenBytes = 32, personal: RequestRun['personal'] = null): RequestRun {
  return {
    notification: { headers: [], payload: Buffer.from('{}'), expiration: null, priority: null },
    notificationId,
    tokens: new TokenBlock(new Uint8Array(tokenBytes), tokenBytes, 1),
    personal,
    order: Uint16Array.of(0),
    head: 0,
    tagBase: 0,
  };
}

describe('connection/template-cache', () => {
  let cache: TemplateCache<object>;

  beforeEach(() => {
    cache = new TemplateCache((run) => personalKinds(run));
  });

  it('makes one template for each notification, token length and kind of personal parts', () => {
    const ids = { apnsIds: new Uint8Array(16), payloads: null, payloadOffsets: null };
    const payloads = { apnsIds: null, payloads: new Uint8Array(2), payloadOffsets: Uint32Array.of(0, 2) };
    const runs = [runOf(1), runOf(2), runOf(1, 100), runOf(1, 32, ids), runOf(1, 32, payloads)];
    const templates = runs.map((run) => cache.templateFor(run));
    assert.equal(new Set(templates).size, runs.length);
    assert.deepEqual(
      runs.map((run) => cache.templateFor(run)),
      templates,
    );
    assert.equal(cache.templateFor(runOf(2)), templates[1], 'equal ids mean equal notifications');
  });

  it('keeps one for each set of header fields that recipients bring', () => {
    const none = { expirations: null, priorities: null, collapseIds: null, collapseIdOffsets: null };
    const one = (fields: object) =>
      runOf(1, 32, { apnsIds: null, payloads: null, payloadOffsets: null, fields: { ...none, ...fields } });
    const ids = { collapseIds: Uint8Array.of(97), collapseIdOffsets: Uint32Array.of(0, 1) };
    const expirations = Uint32Array.of(5);
    const priorities = Uint8Array.of(5);
    const all = [{}, { expirations }, { priorities }, ids, { expirations, priorities }, { expirations, ...ids }];
    assert.equal(new Set(all.map((fields) => cache.templateFor(one(fields)))).size, all.length);
    assert.deepEqual(
      all.map((fields) => personalKinds(one(fields)).ownFields),
      [0, 1, 2, 4, 3, 5],
    );
  });

  it('makes them anew once they are cleared, and only then', () => {
    const first = cache.templateFor(runOf(1));
    assert.equal(cache.templateFor(runOf(1)), first);
    cache.clear();
    assert.notEqual(cache.templateFor(runOf(1)), first);
  });

  it('keeps nothing of a run that no template can be made of', () => {
    let attempts = 0;
    const refusing = new TemplateCache(() => {
      attempts++;
      throw new PealError('ERR_PEAL_PAYLOAD', 'cannot be carried', { origin: 'usage' });
    });
    for (let i = 0; i < 2; i++) assert.throws(() => refusing.templateFor(runOf(1)), { code: 'ERR_PEAL_PAYLOAD' });
    assert.equal(attempts, 2);
  });

  it('tells the personal parts of a run', () => {
    const ids = { apnsIds: new Uint8Array(16), payloads: null, payloadOffsets: null };
    assert.deepEqual(personalKinds(runOf(1)), { hasPersonalIds: false, hasPersonalPayloads: false, ownFields: 0 });
    assert.deepEqual(personalKinds(runOf(1, 32, ids)), {
      hasPersonalIds: true,
      hasPersonalPayloads: false,
      ownFields: 0,
    });
  });

  it('keeps those that were used last', () => {
    const first = cache.templateFor(runOf(0));
    for (let id = 1; id < templatesPerConnection; id++) cache.templateFor(runOf(id));
    assert.equal(cache.templateFor(runOf(0)), first);
    const second = cache.templateFor(runOf(1));
    for (let id = 100; id < 100 + templatesPerConnection - 1; id++) cache.templateFor(runOf(id));
    assert.equal(cache.templateFor(runOf(1)), second);
    assert.notEqual(cache.templateFor(runOf(0)), first);
  });
});
