import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import { maxRotatedHosts } from '../../src/base/limits.js';
import { createRotatingLookup } from '../../src/transport/lookup.js';

const v6 = (n: number): LookupAddress => ({ address: `::${n}`, family: 6 });
const v4 = (n: number): LookupAddress => ({ address: `10.0.0.${n}`, family: 4 });

describe('transport/lookup', () => {
  function ask(lookup: ReturnType<typeof createRotatingLookup>, host = 'host'): string[] {
    let found: string[] = [];
    lookup(host, { all: true }, (error, addresses) => {
      assert.equal(error, null);
      found = (addresses as LookupAddress[]).map(({ address }) => address);
    });
    return found;
  }

  it('asks anew for each connection and begins at the next address of each family', () => {
    let asked = 0;
    const lookup = createRotatingLookup((_host, _options, callback) => {
      asked++;
      callback(null, [v6(1), v6(2), v4(1), v4(2), v4(3)]);
    }, 0);
    assert.deepEqual(ask(lookup), ['::1', '::2', '10.0.0.1', '10.0.0.2', '10.0.0.3']);
    assert.deepEqual(ask(lookup), ['::2', '::1', '10.0.0.2', '10.0.0.3', '10.0.0.1']);
    assert.deepEqual(ask(lookup), ['::1', '::2', '10.0.0.3', '10.0.0.1', '10.0.0.2']);
    assert.equal(asked, 3);
  });

  it('turns each host by itself', () => {
    const lookup = createRotatingLookup((_host, _options, callback) => callback(null, [v4(1), v4(2)]), 0);
    const first = ['one', 'other', 'one', 'other', 'one'].map((host) => ask(lookup, host)[0]);
    assert.deepEqual(first, ['10.0.0.1', '10.0.0.1', '10.0.0.2', '10.0.0.2', '10.0.0.1']);
  });

  it('remembers the turns of so many hosts only, of those that are asked for', () => {
    const lookup = createRotatingLookup((_host, _options, callback) => callback(null, [v4(1), v4(2), v4(3)]), 0);
    const first = (host: string): string => ask(lookup, host)[0]!;
    first('rare');
    first('often');
    for (let i = 0; i < maxRotatedHosts - 2; i++) first(`host ${i}`);
    assert.equal(first('often'), '10.0.0.2');
    first('one too many');
    assert.equal(first('often'), '10.0.0.3');
    assert.equal(first('rare'), '10.0.0.1');
  });

  it('begins anywhere, so that threads and processes do not all take the same address', () => {
    const first = new Set<string>();
    for (let i = 0; i < 200; i++) {
      const lookup = createRotatingLookup((_host, _options, callback) => callback(null, [v4(1), v4(2), v4(3), v4(4)]));
      first.add(ask(lookup)[0]!);
    }
    assert.equal(first.size, 4);
  });

  it('hands on one address where one is asked for, and errors', () => {
    const lookup = createRotatingLookup((_host, _options, callback) => callback(null, [v4(1), v4(2)]), 0);
    lookup('host', {}, (_error, address, family) => assert.deepEqual([address, family], ['10.0.0.1', 4]));
    const failure = Object.assign(new Error('no'), { code: 'ENOTFOUND' });
    createRotatingLookup((_host, _options, callback) => callback(failure, []))('host', {}, (error) =>
      assert.equal(error, failure),
    );
  });
});
