/** docs/library.md and docs/binary.md against the code: what they leave out would not be found. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseAddress } from '../src/apns/address.js';
import { Campaign, Message, type PealError, Result, Session, Template } from '../src/index.js';
import { checkBroadcast } from '../src/session/channels/broadcast-options.js';
import { checkChannelsOptions, checkCreateOptions } from '../src/session/channels/channel-options.js';
import { checkSendOptions } from '../src/session/send/send-options.js';
import { checkPushOptions } from '../src/session/single/push-options.js';
import { checkSendEachOptions } from '../src/session/single/send-each-options.js';
import { repositoryRoot } from './support/repository.js';

const page = ['library.md', 'binary.md']
  .map((name) => readFileSync(path.join(repositoryRoot, 'docs', name), 'utf8'))
  .join('\n');

/** The options that the refusal of an unknown one names. */
function optionsNamedBy(refuse: () => unknown): string[] {
  try {
    refuse();
  } catch (error) {
    const named = /it knows (.*)\.$/.exec((error as PealError).message)?.[1];
    if (named !== undefined) return named.split(', ');
  }
  throw new Error('an unknown option was not refused');
}

const unknown = { unknownOption: 1 } as object;
const options = {
  Session: optionsNamedBy(() => new Session(unknown)),
  send: optionsNamedBy(() => checkSendOptions(new Message([], { badge: 0 }), unknown)),
  push: optionsNamedBy(() => checkPushOptions(unknown)),
  sendEach: optionsNamedBy(() => checkSendEachOptions(unknown)),
  broadcast: optionsNamedBy(() => checkBroadcast(parseAddress('sandbox'), { event: 'end' }, [], unknown)),
  Message: optionsNamedBy(() => new Message([], unknown as never)),
  Template: optionsNamedBy(() => new Template(unknown)),
  Campaign: optionsNamedBy(() => new Campaign(unknown as never)),
};

describe('docs/library.md and docs/binary.md', () => {
  for (const [owner, names] of Object.entries(options)) {
    it(`describes every option of ${owner} in a table`, () => {
      const rows = page.split('\n').filter((line) => line.startsWith('| `'));
      const firstCells = rows.map((row) => row.split('|')[1]!).join('');
      assert.deepEqual(
        names.filter((name) => !firstCells.includes(`\`${name}\``)),
        [],
      );
    });
  }

  it('names every option of Channels and its methods', () => {
    const names = [
      ...optionsNamedBy(() => checkChannelsOptions(parseAddress('sandbox'), unknown as never)),
      ...optionsNamedBy(() => checkCreateOptions(unknown)),
    ];
    const [, section = ''] = page.split('## Broadcasts and channels\n');
    assert.deepEqual(
      names.filter((name) => !section.split('\n## ')[0]!.includes(name)),
      [],
    );
  });

  it('describes every member of Session, Message and Result', () => {
    for (const owner of [Session, Result]) {
      const members = Object.getOwnPropertyNames(owner.prototype).filter(
        (name) => !['constructor', 'threads'].includes(name),
      );
      assert.deepEqual(
        members.filter((name) => !page.includes(`\`${name}`)),
        [],
      );
    }
  });

  it('explains every code of an error', () => {
    const source = readFileSync(path.join(repositoryRoot, 'src/base/errors.ts'), 'utf8');
    const codes = [...source.matchAll(/'(ERR_PEAL_[A-Z_]+)'/g)].map((match) => match[1]!);
    assert.ok(codes.length > 15);
    assert.deepEqual(
      codes.filter((code) => !page.includes(`\`${code}\``)),
      [],
    );
  });
});
