/** docs/troubleshooting.md against the code: each reason, each code and each sentence that it quotes, and no other. */
import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseAddress } from '../src/apns/address.js';
import { loadCredential } from '../src/apns/credentials/load-credential.js';
import { parseDeviceToken } from '../src/apns/device-token.js';
import { binaryReasons, channelReasons, reasons } from '../src/apns/reason.js';
import { systemClock } from '../src/base/clock.js';
import { PealError } from '../src/base/errors.js';
import { silentLogger } from '../src/base/log.js';
import { proxyOf } from '../src/base/proxy-environment.js';
import { otherFileProblem } from '../src/campaign/recipients/file-kind.js';
import { listShape } from '../src/campaign/recipients/list-shape.js';
import { TokenLineParser } from '../src/campaign/recipients/token-lines.js';
import { checkSendFlags } from '../src/cli/send/send-rules.js';
import { pealVariable } from '../src/cli/shared/peal-variables.js';
import { type InvalidTarget, readTarget, type TargetKind } from '../src/fcm/registration-token.js';
import { identifyGateway } from '../src/push-services/identify-gateway.js';
import { FcmMessage } from '../src/session/message/fcm-message.js';
import { Message } from '../src/session/message/message.js';
import { checkPushProtocol, partsToPush } from '../src/session/single/push-options.js';
import { checkSendEachOptions, checkSource, itemOptions } from '../src/session/single/send-each-options.js';
import { createThrowAwayProviderKey, ThrowAwayAuthority } from '../src/simulator/listen/certificate.js';
import { repositoryRoot } from './support/repository.js';

const page = readFileSync(path.join(repositoryRoot, 'docs/troubleshooting.md'), 'utf8');

/** The rows of the tables below a heading, cell by cell. */
function rowsBelow(heading: string): string[][] {
  const section = page.split(/^(?=##+ )/m).find((text) => text.startsWith(`${heading}\n`));
  assert.ok(section, `there is no heading ${heading}`);
  const lines = section.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('|--'));
  return lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const mistakeHeadings = [
  ...['### Lists', '### The command line', '### Keys and certificates', '### Messages', '### FCM', '### Running'],
];

/** What the page quotes of peal's sentences, in the column of what one sees. */
function quotations(): string[] {
  return mistakeHeadings
    .flatMap(rowsBelow)
    .flatMap(([cell]) => [...cell!.matchAll(/`([^`]+)`/g)].map(([, sentence]) => sentence!))
    .filter((sentence) => sentence.includes(' '));
}

const key = createThrowAwayProviderKey();
const ids = { keyId: key.keyId, teamId: key.teamId };
const authority = new ThrowAwayAuthority('peal test', Date.now());
const [client, other] = [authority.issueClient('com.example.app'), authority.issueClient('com.example.other')];
const unreadable = (options: object) => () => void loadCredential(options as never);
const message = (options: object) => () => void new Message('ab'.repeat(32), options as never);
const list =
  (...lines: string[]) =>
  () =>
    listShape(lines.map((text, at) => ({ line: at + 1, text, why: 'is none' })).filter(({ text }) => text !== hex));
const head =
  (...bytes: number[]) =>
  () =>
    otherFileProblem(Buffer.from(bytes), true);
const token = (text: string) => () => (parseDeviceToken(text) as { why: string }).why;
const hex = 'ab'.repeat(32);

/** Mistakes that users make, each made here: what comes of it is a text, or thrown. */
const mistakes: Readonly<Record<string, () => unknown>> = {
  'CSV with a header': list('id,token', `1,${hex}`, `2,${hex}`),
  'CSV without one': list(`1,${hex}`, `2,${hex}`),
  'the name of a column above tokens': list('token', hex, hex),
  'a comma behind each token': list(`${hex},`, `${hex},`),
  'a JSON array': () => otherFileProblem(Buffer.from(`["${hex}"]`), true),
  NDJSON: list(`{"token":"${hex}"}`, `{"token":"${hex}"}`),
  'a JSON object on one line': list(`{"tokens": ["${hex}"]}`),
  'a JSON object': () => otherFileProblem(Buffer.from(`{\n"tokens": [\n"${hex}"\n]\n}`), true),
  'a key in the place of the list': () => otherFileProblem(Buffer.from(key.p8), true),
  'a last line that was cut off': () => halfLine([hex, hex.slice(2)]),
  NSData: list('{length = 32, bytes = 0xd3d997af 967d1f43 ... 28f10282 14af515f }'),
  SQL: list(`INSERT INTO devices VALUES (1, '${hex}');`),
  'a table of a SQL tool': list('| id | token |', `+${'-'.repeat(66)}+`, `| 1 | ${hex} |`),
  'UTF-16': head(0xff, 0xfe, 0x61, 0),
  'a spreadsheet of old': head(0xd0, 0xcf, 0x11, 0xe0),
  'a spreadsheet of today': head(0x50, 0x4b, 0x03, 0x04),
  zstd: head(0x28, 0xb5, 0x2f, 0xfd),
  xz: head(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00),
  bzip2: () => otherFileProblem(Buffer.from('BZh91AY&SY'), true),
  '7z': head(0x37, 0x7a, 0xbc, 0xaf),
  Parquet: () => otherFileProblem(Buffer.from('PAR1\0\0'), true),
  SQLite: () => otherFileProblem(Buffer.from('SQLite format 3\0'), true),
  PDF: () => otherFileProblem(Buffer.from('%PDF-1.7'), true),
  'a rule of a table': token('-'.repeat(64)),
  'a UUID': token('0a1b2c3d-0000-4000-8000-0123456789ab'),
  'a token that lacks a digit': token(hex.slice(1)),
  'a number': token('1001'),
  'an empty variable': unreadable({ key: '', ...ids }),
  'a variable that a program has made of nothing': unreadable({ key: 'undefined', ...ids }),
  'base64 that is cut off': unreadable({ key: Buffer.from(key.p8).toString('base64').slice(0, 120), ...ids }),
  'a key that is cut off': unreadable({ key: key.p8.slice(0, 90), ...ids }),
  'another text': unreadable({ key: 'not a key', ...ids }),
  'the text of a key in the place of its path': unreadable({ key: { file: key.p8 }, ...ids }),
  'the key of a certificate': unreadable({ key: rsaKey(), ...ids }),
  'a bundle id in the place of the team id': unreadable({ key: key.p8, keyId: key.keyId, teamId: 'com.example' }),
  'a key of another certificate': unreadable({ cert: client.cert, key: other.key }),
  'a certificate alone': unreadable({ cert: client.cert }),
  'several certificates': unreadable({ cert: client.cert + client.key + other.cert + other.key }),
  'an encrypted key without its passphrase': unreadable({ cert: client.cert, key: lockedKey() }),
  'a wrong passphrase': unreadable({ cert: client.cert, key: lockedKey(), passphrase: 'wrong' }),
  milliseconds: message({ alert: 'a', expiration: 1_900_000_000_000 }),
  'a duration in the place of a time': message({ alert: 'a', expiration: 3600 }),
  'the form of another service': message({ payload: { notification: { title: 'a' } } }),
  'an alert beside aps': message({ payload: { alert: 'a' } }),
  'content-available: true': message({ payload: { aps: { 'content-available': true } } }),
  'background with an alert': message({ pushType: 'background', alert: 'a', contentAvailable: true }),
  'background without content-available': message({ pushType: 'background', extra: { a: 1 } }),
  'an event alone': message({ event: 'start' }),
  'liveactivity without an event': message({ pushType: 'liveactivity', alert: 'a' }),
  'a topic of another type': message({ topic: 'com.example.app.voip', pushType: 'alert', alert: 'a' }),
  'a topic without its suffix': message({ topic: 'com.example.app', pushType: 'voip', alert: 'a' }),
  'an app as the topic of mdm': message({ topic: 'com.example.app', pushType: 'mdm', payload: { mdm: 'a' } }),
  'an empty alert': message({ alert: '' }),
  'an empty payload': message({ payload: '' }),
  'a misspelt option': message({ alert: 'a', 'thread-id': 'a' }),
  'a collapse id for a binary gateway': () =>
    new Message(hex, { alert: 'a', collapseId: 'a' }).notificationFor('binary'),
  'one apns-id for two': () => new Message([hex, hex], { alert: 'a', apnsId: '12345678-1234-4234-9234-123456789abc' }),
  'a message with tokens, pushed': () => partsToPush(new Message(hex, { alert: 'a' }), Message),
  'a push through a binary gateway': () => checkPushProtocol(parseAddress('binary://localhost')),
  'a function in the place of a stream': () => checkSource(() => []),
  'a token in the place of an item': () => itemOptions(hex as never, checkSendEachOptions()),
  'an empty variable of the command line': () => pealVariable('PEAL_PIN', { PEAL_PIN: '' }),
  'a SOCKS proxy': () => proxyOf({ ALL_PROXY: 'socks5://localhost:1' }),
  'a topic for a binary gateway': () =>
    checkSendFlags({ tokens: ['-'], alert: 'a', gateway: 'binary://localhost', topic: 'com.example.app' } as never),
};

const environment = { clock: systemClock, log: silentLogger };
const connected = (address: string, credential: unknown) => () =>
  identifyGateway(address, credential as never, environment);
const account = (serviceAccount: unknown) => connected('fcm', { serviceAccount });
const target = (text: string, kind?: TargetKind) => () => (readTarget(text, kind) as InvalidTarget).why;

/** The same with FCM. */
const fcmMistakes: Readonly<Record<string, () => unknown>> = {
  'the configuration of an Android app': account({ project_info: {}, client: [] }),
  'the configuration of a web app': account({ apiKey: 'a', messagingSenderId: '1' }),
  'the login of a person': account({ type: 'authorized_user' }),
  'an OAuth client': account({ installed: {} }),
  'workload identity as a file': account({ type: 'external_account' }),
  'impersonation as a file': account({ type: 'impersonated_service_account' }),
  'an API key': account(`AIza${'a'.repeat(35)}`),
  'no credential of FCM': connected('fcm', null),
  'a service account for APNs': connected('production', { serviceAccount: {} }),
  'a device token of APNs': target(hex),
  'a condition as a topic': target("'a' in topics", 'topic'),
  'double quotes in a condition': target('"a" in topics', 'condition'),
  'a topic as a condition': target('news', 'condition'),
  'a number in data': () => new FcmMessage('a', { data: { a: 1 } } as never),
  'a reserved key in data': () => new FcmMessage('a', { data: { from: 'me' } }),
};

/** What somebody who makes the mistake is told, in a program's words. */
function toldOf(mistake: () => unknown): string {
  try {
    return String(mistake());
  } catch (error) {
    assert.ok(error instanceof PealError, String(error));
    return error.message;
  }
}

function halfLine(lines: readonly string[]): string {
  let told = '';
  const parser = new TokenLineParser({ onBlock: () => {}, onInvalid: ({ why }) => (told = why) });
  parser.write(Buffer.from(lines.join('\n')));
  parser.end();
  return told;
}

function rsaKey(): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}

function lockedKey(): string {
  const cipher = { cipher: 'aes-256-cbc', passphrase: 'right' };
  return createPrivateKey(client.key).export({ type: 'pkcs8', format: 'pem', ...cipher }) as string;
}

const inCode = (cell: string): string => /^`([^`]+)`$/.exec(cell)?.[1] ?? cell;

describe('docs/troubleshooting.md', () => {
  it("explains each of Apple's reasons with the status that it comes with, and no other", () => {
    const rows = rowsBelow("## Apple's reasons");
    const explained = rows.filter((row) => row.length === 4 && row[1] !== 'status');
    assert.deepEqual(
      explained.map(([reason, status]) => [inCode(reason!), Number(status)]),
      reasons.map(({ reason, status }) => [reason, status]),
    );
  });

  it('explains each reason that only broadcasts and channels get, and no other', () => {
    const explained = rowsBelow('### Of broadcasts and channels').slice(1);
    assert.deepEqual(
      explained.map(([reason, status]) => [inCode(reason!), Number(status)]),
      channelReasons.map(({ reason, status }) => [reason, status]),
    );
  });

  it('explains each status of the binary protocol, and no other', () => {
    const explained = rowsBelow("## Apple's reasons").filter((row) => row.length === 3 && row[0] !== 'status');
    assert.deepEqual(
      explained.map(([status, reason]) => [Number(status), reason]),
      binaryReasons.map(({ reason, status }) => [status, reason]),
    );
  });

  it('explains each code of an error, and no other', () => {
    const source = readFileSync(path.join(repositoryRoot, 'src/base/errors.ts'), 'utf8');
    const codes = [...source.matchAll(/^ {2}\| '(ERR_PEAL_[A-Z_]+)'/gm)].map(([, code]) => code);
    assert.ok(codes.length > 20);
    const explained = rowsBelow('## Codes of errors').slice(1);
    assert.deepEqual(
      explained.map(([code]) => inCode(code!)),
      codes,
    );
  });

  it('says what to do in each row', () => {
    for (const heading of [
      "## Apple's reasons",
      '### Of broadcasts and channels',
      '## Codes of errors',
      ...mistakeHeadings,
    ]) {
      for (const row of rowsBelow(heading)) {
        for (const cell of row) assert.notEqual(cell, '', row.join(' | '));
      }
    }
  });

  it('quotes sentences that peal says', () => {
    const src = path.join(repositoryRoot, 'src');
    const sources = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
    // A sentence may be put together from several literals.
    const said = sources
      .map((file) => readFileSync(path.join(src, file), 'utf8'))
      .join('\n')
      .replaceAll(/['`] \+\s*['`]/g, '');
    const quoted = quotations().filter((sentence) => /^[A-Za-z].* .* /.test(sentence));
    assert.ok(quoted.length >= 40, `${quoted.length} sentences`);
    assert.deepEqual(
      quoted.filter((sentence) => !said.includes(sentence)),
      [],
    );
  });

  const quoted = quotations();
  for (const [what, mistake] of Object.entries({ ...mistakes, ...fcmMistakes })) {
    it(`has an entry for ${what}`, () => {
      const told = toldOf(mistake);
      assert.ok(
        quoted.some((sentence) => told.includes(sentence)),
        `no entry quotes: ${told}`,
      );
    });
  }

  it('has an entry for each file that is not a list', () => {
    const source = ['list-shape.ts', 'file-kind.ts']
      .map((name) => readFileSync(path.join(repositoryRoot, 'src/campaign/recipients', name), 'utf8'))
      .join('\n');
    const shapes = [...source.matchAll(/['"`](?:It )?((?:is|looks like) [^'"`:$]+)/g)].map(([, shape]) =>
      shape!.trim(),
    );
    assert.ok(shapes.length >= 15, `${shapes.length} shapes`);
    assert.deepEqual(
      shapes.filter((shape) => !quoted.some((sentence) => shape.startsWith(sentence) || sentence.startsWith(shape))),
      [],
    );
  });
});
