/**
 * What `peal channels` and `peal broadcast` refuse before anything is sent: in which sentence, and with which exit
 * code.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createThrowAwayProviderKey } from '../../../src/simulator/listen/certificate.js';
import { Canaries } from '../../security/canaries.js';
import { runCommand } from '../../support/command.js';
import { assertOneSentence } from '../fixture.js';

type Case = readonly [args: readonly string[], code: number, message: RegExp];

const app = ['--bundle-id', 'com.example.app'];
/** Nothing listens there. */
const gateway = [...app, '--gateway', 'https://127.0.0.1:1'];
const apple = [...app, '--environment', 'sandbox'];

describe('refused before anything is sent', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'peal-'));
  const file = (name: string): string => path.join(folder, name);
  const { p8 } = createThrowAwayProviderKey();
  const canaries = new Canaries().privateKey('key', p8);

  before(() => {
    for (const [name, text] of Object.entries({
      'key.p8': p8,
      'with-key.txt': `AAAA\n${p8}`,
      'mixed.txt': 'AAAA\nnot-an-id!\n',
      'empty.txt': '\n',
      'state.json': '{"score":"2:1"}',
      'list.json': '[1]',
      'alert.json': '{"aps":{"alert":"Hi"}}',
      'large.json': JSON.stringify({ text: 'x'.repeat(5_200) }),
    })) {
      writeFileSync(file(name), text, { mode: 0o600 });
    }
  });
  after(() => rmSync(folder, { recursive: true }));

  const assertRefused = async (command: readonly string[], cases: readonly Case[]): Promise<void> => {
    for (const [args, code, message] of cases) {
      const result = await runCommand([...command, ...args]);
      canaries.assertNone(result.stdout + result.stderr, args.join(' '));
      assert.equal(result.code, code, `${args.join(' ')}: ${result.stderr}`);
      assert.equal(result.stdout, '', args.join(' '));
      if (result.stderr.includes('--help')) assert.match(result.stderr.split('\n')[0]!, message);
      else assertOneSentence(result, message);
    }
  };

  it('by peal channels', () =>
    assertRefused(
      ['channels'],
      [
        [['crate', ...gateway], 2, /unknown command 'crate'/],
        [['list', '--environment', 'sandbox'], 2, /required option '--bundle-id <id>' not specified/],
        [
          ['list', ...app],
          2,
          /no gateway is given\. Give --environment production, --environment sandbox or --gateway/,
        ],
        [['list', ...apple], 2, /Apple's gateways need a credential: give --key, --cert or --pfx/],
        [['list', ...apple, '--key', file('key.p8')], 2, /--key needs --key-id and --team-id\.$/],
        [['list', ...apple, '--cert', file('state.json')], 5, /\(--cert\) is not PEM: it has no BEGIN line/],
        [['list', '--bundle-id', 'com example', ...gateway.slice(2)], 2, /--bundle-id must be a bundle id/],
        [['list', ...app, '--gateway', 'binary://h:1'], 2, /channels need HTTP\/2, and this is a binary gateway/],
        [['list', ...app, '--gateway', 'nowhere'], 2, /address "nowhere" is not known/],
        [['list', ...gateway, '--environment', 'sandbox'], 2, /'--gateway <address>' cannot be used with/],
        [['list', ...gateway, '--request-id', '7'], 2, /It has to be a UUID/],
        [['create', ...gateway, '--storage-policy', 'all'], 2, /Allowed choices are none, most-recent/],
        [['create', ...gateway, '--count', '0'], 2, /It has to be a whole number from 1 to 10000/],
        [
          ['create', ...gateway, '--count', '2', '--request-id', '7d8ed3e9-9a5b-4a4f-9b1a-1d2b8c0f5a11'],
          2,
          /--request-id names one request, and here are several/,
        ],
        [['read', ...gateway], 2, /missing required argument 'channel'/],
        [['read', 'AAAA', 'BBBB', ...gateway], 2, /too many arguments for 'read'/],
        [
          ['read', 'not-an-id!', ...gateway],
          2,
          /The channel on the command line is not the id of a channel: it is base64/,
        ],
        [['remove', ...gateway], 2, /no channels are given\. Give their ids, or --from FILE/],
        [['remove', 'AAAA', ...gateway], 2, /--yes is needed to remove 1 channel of com\.example\.app\.$/],
        [['remove', 'AAAA', '!', ...gateway, '--yes'], 2, /Channel 2 on the command line is not the id of a channel/],
        [['remove', ...gateway, '--from', '-'], 2, /--from - takes standard input, .*: give --yes\.$/],
        [['remove', ...gateway, '--from', file('none'), '--yes'], 6, /The file .* does not exist\.$/],
        [['remove', ...gateway, '--from', file('empty.txt'), '--yes'], 6, /empty\.txt holds no channels\.$/],
        [
          ['remove', ...gateway, '--from', file('key.p8'), '--yes'],
          6,
          /PEM .*\(a private key\), not a list of channel/,
        ],
        [['remove', ...gateway, '--from', file('with-key.txt'), '--yes'], 6, /PEM .*a private key/],
        [
          ['remove', ...gateway, '--from', file('mixed.txt'), '--yes'],
          6,
          /One line is not the id of a channel, line 2 of .*mixed\.txt\. Nothing was removed\.$/,
        ],
      ],
    ));

  const channel = [...gateway, '--channel', 'AAAA'];
  const state = ['--content-state', '{"score":"2:1"}'];

  it('by peal broadcast', () =>
    assertRefused(
      ['broadcast'],
      [
        [['--channel', 'AAAA'], 2, /required option '--bundle-id <id>' not specified/],
        [[...gateway, ...state], 2, /no channels are given\. Give --channel ID, or --channels FILE/],
        [channel, 2, /the message is empty: give --content-state FILE\.json, --payload FILE\.json or --event end\.$/],
        [[...channel, '--alert', 'Hi'], 2, /the message is empty/],
        [[...apple, '--channel', 'AAAA', ...state], 2, /Apple's gateways need a credential/],
        [[...app, '--channel', 'AAAA', ...state], 2, /no gateway is given/],
        [[...channel, ...state, 'AAAA'], 2, /too many arguments for 'broadcast'/],
        [[...channel, '--event', 'start'], 2, /Allowed choices are update, end/],
        [[...channel, ...state, '--payload', file('state.json')], 2, /'--payload <file>' cannot be used with/],
        [[...channel, '--content-state', '{score}'], 2, /--content-state is not JSON\.$/],
        [[...channel, '--content-state', file('list.json')], 2, /list\.json must hold a JSON object/],
        [[...channel, '--content-state', file('none')], 2, /--content-state: the file .* does not exist\.$/],
        [[...channel, '--content-state', file('large.json')], 2, /a broadcast allows 5120: shorten it\.$/],
        [[...channel, '--payload', file('alert.json')], 2, /needs --payload: aps\.event: start, update or end\.$/],
        [[...channel, ...state, '--stale-date', '0'], 2, /--stale-date is 0, which lies in 1970/],
        [[...channel, ...state, '--stale-date', 'soon'], 2, /It has to be a time/],
        [
          [...channel, ...state, '--dismissal-date', '1h'],
          2,
          /--dismissal-date goes with --event end, which is missing/,
        ],
        [[...channel, ...state, '--priority', '7'], 2, /It has to be 10, 5 or 1/],
        [[...gateway, ...state, '--channel', 'not-an-id!'], 2, /is not the id of a channel/],
        [[...gateway, ...state, '--channels', file('key.p8')], 6, /PEM .*\(a private key\), not a list of channel ids/],
        [[...gateway, ...state, '--channels', file('empty.txt')], 6, /holds no channels\.$/],
        [
          [...channel, '--channel', 'BBBB', ...state, '--request-id', '7d8ed3e9-9a5b-4a4f-9b1a-1d2b8c0f5a11'],
          2,
          /--request-id names one request, and here are several channels/,
        ],
      ],
    ));
});
