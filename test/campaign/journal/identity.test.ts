import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { option } from '../../../src/base/wording.js';
import {
  type CampaignIdentity,
  identityError,
  identityPart,
  inputIdentity,
  unreadInput,
} from '../../../src/campaign/journal/identity.js';

const parts = [
  identityPart('the payload', { aps: { alert: 'Hi' } }),
  identityPart(option('topic', 'the option '), 'com.example'),
];

function differenceOf(kept: Partial<CampaignIdentity>, given: Partial<CampaignIdentity>): string | null {
  const error = identityError('run/journal.lmdb', { parts, inputs: [], ...kept }, { parts, inputs: [], ...given });
  if (error === null) return null;
  assert.equal(error.code, 'ERR_PEAL_OPTION');
  const [, difference] =
    /^run\/journal\.lmdb holds another campaign, in which (.*)\. To resume it, give everything as it was; for a new campaign choose another directory, or remove this one with the option startAnew\.$/.exec(
      error.message,
    ) ?? [];
  assert.ok(difference !== undefined, error.message);
  return difference;
}

describe('the identity of a campaign', () => {
  let folder: string;
  let list: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'peal-identity-'));
    list = path.join(folder, 'a.csv');
    writeFileSync(list, Buffer.alloc(200_000, 'token\n'));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('is the same for the same message, in whatever order its fields are', () => {
    const one = identityPart('the payload', { aps: { alert: 'Hi', badge: 1 }, a: [1, 2] });
    const same = identityPart('the payload', { a: [1, 2], aps: { badge: 1, alert: 'Hi' } });
    assert.equal(differenceOf({ parts: [one] }, { parts: [same] }), null);
    assert.equal(differenceOf({}, {}), null);
  });

  it('names the message or the option that differs', () => {
    const other = [parts[0]!, identityPart(option('topic', 'the option '), 'com.other')];
    assert.equal(differenceOf({}, { parts: other }), 'the option topic was another one');
    assert.equal(differenceOf({ parts: [parts[1]!] }, {}), 'the payload was not given');
    assert.equal(differenceOf({}, { parts: [parts[0]!] }), 'the option topic was given, too');
  });

  it('names a few differences, and counts the others', () => {
    const many = ['a', 'b', 'c', 'd', 'e'].map((name) => identityPart(name, 1));
    const other = many.map(({ name }) => identityPart(name, 2));
    const named = differenceOf({ parts: many }, { parts: other });
    assert.equal(named, 'a was another one, b was another one, c was another one and 2 more');
  });

  it('holds no part of the message', () => {
    assert.doesNotMatch(JSON.stringify(identityPart('the payload', 'a secret')), /secret/);
  });

  it('knows a list that was moved or touched', async () => {
    const kept = [await inputIdentity(list)];
    renameSync(list, path.join(folder, 'b.csv'));
    utimesSync(path.join(folder, 'b.csv'), 1, 1);
    assert.equal(differenceOf({ inputs: kept }, { inputs: [await inputIdentity(path.join(folder, 'b.csv'))] }), null);
  });

  it('says how a list has changed', async () => {
    const kept = [await inputIdentity(list)];
    const changed = async (): Promise<string | null> =>
      differenceOf({ inputs: kept }, { inputs: [await inputIdentity(list)] });
    truncateSync(list, 199_999);
    assert.equal(await changed(), `the list ${list} had 200,000 bytes and not 199,999 bytes`);
    writeFileSync(list, Buffer.concat([Buffer.from('x'), Buffer.alloc(199_999, 'token\n')]));
    assert.equal(await changed(), `the list ${list} had another beginning`);
    const end = Buffer.alloc(200_000, 'token\n');
    end[199_990] = 0;
    writeFileSync(list, end);
    assert.equal(await changed(), `the list ${list} had another end`);
  });

  it('counts lists, and tells standard input from files', async () => {
    const [file, input] = [await inputIdentity(list), unreadInput('-')];
    assert.equal(
      differenceOf({ inputs: [file, file] }, { inputs: [file] }),
      'there were 2 lists of recipients and not 1',
    );
    assert.equal(differenceOf({ inputs: [input] }, { inputs: [input] }), null);
    assert.equal(differenceOf({ inputs: [input] }, { inputs: [file] }), `the list - was given in the place of ${list}`);
  });

  it('needs a file that can be read', async () => {
    await assert.rejects(inputIdentity(path.join(folder, 'none')), {
      code: 'ERR_PEAL_INPUT',
      message: /none does not exist/,
    });
  });
});
