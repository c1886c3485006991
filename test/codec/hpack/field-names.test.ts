import assert from 'node:assert/strict';
import * as fieldNames from '../../../src/codec/hpack/field-names.js';
import * as apnsNames from '../../../src/codec/requests/apns-names.js';

describe('FieldNames', () => {
  it('gives the names that are known beforehand the numbers of their constants', () => {
    const names = new fieldNames.FieldNames(0, apnsNames.apnsNames);
    const constants = Object.entries({ ...fieldNames, ...apnsNames }).filter(([key]) => key.startsWith('NAME_'));
    assert.ok(constants.length > 15);
    for (const [key, id] of constants) {
      const name = key.slice('NAME_'.length).toLowerCase().replaceAll('_', '-');
      assert.equal(names.idOf(name) || names.idOf(`:${name}`), id, key);
      assert.ok([name, `:${name}`].includes(names.nameOf(id as number)));
    }
  });

  it('tells well-formed, pseudo and connection-specific names', () => {
    const names = new fieldNames.FieldNames(32);
    const { FLAG_PSEUDO, FLAG_WELL_FORMED, FLAG_CONNECTION_SPECIFIC } = fieldNames;
    const flagsOf = (name: string): number => names.flags(names.intern(name));
    assert.equal(flagsOf('apns-id'), FLAG_WELL_FORMED);
    assert.equal(flagsOf('x_1.2~`|'), FLAG_WELL_FORMED);
    assert.equal(flagsOf(':status'), FLAG_WELL_FORMED | FLAG_PSEUDO);
    assert.equal(flagsOf(':unheard-of'), FLAG_WELL_FORMED | FLAG_PSEUDO);
    assert.equal(flagsOf('transfer-encoding'), FLAG_WELL_FORMED | FLAG_CONNECTION_SPECIFIC);
    assert.equal(flagsOf('keep-alive'), FLAG_WELL_FORMED | FLAG_CONNECTION_SPECIFIC);
    assert.equal(flagsOf('te'), FLAG_WELL_FORMED);
    assert.equal(flagsOf(':'), FLAG_PSEUDO);
    for (const name of ['', 'Apns-Id', 'a b', 'a:b', 'a\n', '\0', 'caf\u00e9', 'a\x7f']) {
      assert.equal(flagsOf(name), 0, JSON.stringify(name));
    }
  });

  it('stays as large as it is, however many names a peer brings', () => {
    const names = new fieldNames.FieldNames(2);
    const kept = names.intern('kept');
    names.retain(kept);
    const numbers = new Set<number>();
    for (let i = 0; i < 10_000; i++) numbers.add(names.intern(`name-${i}`));
    assert.ok(numbers.size < 100, `${numbers.size} numbers`);
    assert.equal(names.nameOf(kept), 'kept');
    assert.equal(names.idOf('name-0'), 0);
    assert.equal(names.nameOf(names.idOf('name-9999')), 'name-9999');
    names.release(kept);
    for (let i = 0; i < 100; i++) names.intern(`other-${i}`);
    assert.equal(names.idOf('kept'), 0);
  });

  it('does not take a spelling for a name that has lost its number', () => {
    const names = new fieldNames.FieldNames(1);
    const spelling = Buffer.from('lost', 'latin1');
    const lost = names.intern('lost');
    names.rememberSpelling(spelling, 0, 4, false, lost);
    assert.equal(names.idOfSpelling(spelling, 0, 4, false), lost);
    assert.equal(names.idOfSpelling(spelling, 0, 4, true), 0);
    assert.equal(names.idOfSpelling(spelling, 0, 3, false), 0);
    for (let i = 0; i < 100; i++) names.intern(`other-${i}`);
    assert.equal(names.idOfSpelling(spelling, 0, 4, false), 0);
  });
});
