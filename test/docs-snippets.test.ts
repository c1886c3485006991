/**
 * Every example of README.md and docs/ in JavaScript or TypeScript, run as it stands by the Node that runs the tests:
 * TypeScript is compiled with all checks first. Those that go on from the first example of docs/library.md are given
 * its names. What they send goes to a simulator, and has to be accepted there.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import ts from 'typescript';
import {
  createThrowAwayProviderKey,
  type Simulator,
  startSimulator,
  ThrowAwayAuthority,
} from '../src/simulator/index.js';
import { randomTokens } from './cli/fixture.js';
import { repositoryRoot } from './support/repository.js';
import { type Snippet, snippets } from './support/snippets.js';

const run = promisify(execFile);
const world = new URL('./support/snippet-world.js', import.meta.url).href;
/** Within the package, so that `peal` means the one that is tested. */
const folder = path.join(repositoryRoot, 'dist', 'snippets');

/** What the first example of docs/library.md has made; each is given to an example that uses it without making it. */
const given: Readonly<Record<string, string>> = {
  tokens: "const tokens = ['ab'.repeat(32), 'cd'.repeat(32)];",
  session: 'const session = new peal.Session();',
  apns: 'const apns = new peal.APNs(session.getConnection(givenGateway, givenCredential));',
  gateway: 'const gateway = session.getConnection(givenGateway, givenCredential);',
  message: "const message = new peal.Message(tokens, { alert: 'Hello', topic: 'com.example.app' });",
};
/** The same for those of docs/fcm.md, whose first example is another one. */
const givenOfFcm: Readonly<Record<string, string>> = {
  tokens: `const tokens = ['${fcmToken('a')}', '${fcmToken('b')}'];`,
  session: given.session!,
  fcm: "const fcm = new peal.FCM(session.getConnection('fcm', { serviceAccount: { file: 'service-account.json' } }));",
  message: "const message = new peal.FcmMessage(tokens, { title: 'Hello' });",
};
const needs: Readonly<Record<string, readonly string[]>> = {
  apns: ['session'],
  fcm: ['session'],
  gateway: ['session'],
  message: ['tokens'],
};

function fcmToken(letter: string): string {
  return `${letter.repeat(22)}:APA91b${letter.repeat(120)}`;
}

function preludeOf({ text, page }: Snippet): string {
  const isOfFcm = page === 'docs/fcm.md';
  const values = isOfFcm ? givenOfFcm : given;
  const makes = (name: string): boolean => new RegExp(`\\b(const|let|using) (\\{[^}]*)?\\b${name}\\b`).test(text);
  const uses = (name: string): boolean =>
    new RegExp(`(?<!\\.)\\b${name}\\b`).test(text.replaceAll(/^import .*$/gm, '')) && !makes(name);
  const names = new Set(Object.keys(values).filter(uses));
  for (const name of names) for (const more of needs[name] ?? []) if (!makes(more)) names.add(more);
  if (names.size === 0) return '';
  const service = page === 'docs/binary.md' ? (text.includes('feedback()') ? 'feedback' : 'push') : 'api';
  const credential = "{ key: { file: 'AuthKey_ABC123DEFG.p8' }, keyId: 'ABC123DEFG', teamId: 'DEF123GHIJ' }";
  return [
    `import * as peal from '${isOfFcm ? 'peal/fcm' : 'peal'}';`,
    `const givenGateway = '${service}_production';`,
    `const givenCredential = ${service === 'api' ? credential : "{ certFile: 'push.pem', passphrase: '…' }"};`,
    ...Object.keys(values).flatMap((name) => (names.has(name) ? values[name]! : [])),
    '',
  ].join('\n');
}

/** The program of an example, and where it is written to. */
function programOf(snippet: Snippet, index: number): { readonly file: string; readonly text: string } {
  const prelude = preludeOf(snippet);
  const end = prelude.includes('const session') ? '\nawait session.shutdown();\n' : '';
  // The one stand-in: an example names tokens that nobody has.
  const body = snippet.text
    .replaceAll(/'1a2b…', '3c4d…'/g, "'ab'.repeat(32), 'cd'.repeat(32)")
    .replaceAll(/'dYxV…:APA91b…', 'fQ3k…:APA91b…'/g, `'${fcmToken('d')}', '${fcmToken('f')}'`);
  const ending = snippet.language === 'ts' ? 'mts' : /\brequire\(/.test(body) ? 'cjs' : 'mjs';
  return { file: path.join(folder, `snippet-${index}.${ending}`), text: `${prelude}${body}${end}` };
}

/** Packages of others, which peal does not depend on. */
const packagesOfOthers: Readonly<Record<string, string>> = {
  pino: 'exports.pino = () => console;\n',
  'google-auth-library': "exports.GoogleAuth = class { getAccessToken = async () => 'ya29.text'; };\n",
};

const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  types: ['node'],
  strict: true,
  skipLibCheck: true,
};

/** Compiles the files, beside themselves; returns what the compiler finds wrong. */
function compile(files: string[]): string[] {
  const program = ts.createProgram(files, options);
  const found = [...ts.getPreEmitDiagnostics(program), ...program.emit().diagnostics];
  return found.map(({ file, messageText }) => {
    return `${path.basename(file?.fileName ?? '')}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
}

describe('examples of the documents', () => {
  let home: string;
  let simulator: Simulator;
  let env: NodeJS.ProcessEnv;
  const programs = snippets
    .filter(({ language }) => language === 'ts' || language === 'js')
    .map((snippet, index) => ({ snippet, ...programOf(snippet, index) }));

  before(async () => {
    home = mkdtempSync(path.join(tmpdir(), 'peal-snippets-'));
    const authority = new ThrowAwayAuthority();
    simulator = await startSimulator({ binaryPort: 0, feedbackPort: 0, clientCa: authority.certificate, fcm: true });
    const { cert, key } = authority.issueClient('com.example.app');
    const locked = createPrivateKey(key).export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: '…',
    });
    const list = `${randomTokens(100).join('\n')}\n`;
    const files: Record<string, string | Uint8Array> = {
      'AuthKey_ABC123DEFG.p8': createThrowAwayProviderKey().p8,
      'AuthKey_ABCDE12345.p8': createThrowAwayProviderKey().p8,
      'service-account.json': JSON.stringify(simulator.fcm!.serviceAccount),
      'push.pem': `${cert}\n${locked}`,
      'tokens.txt': list,
      'tokens.txt.gz': gzipSync(list),
      'ca.pem': simulator.caCertificate!,
      'exports/customers.csv': `token,name\n${randomTokens(100).join(',Zoë\n')},Bo\n`,
    };
    mkdirSync(path.join(home, 'exports'));
    for (const [name, content] of Object.entries(files)) writeFileSync(path.join(home, name), content, { mode: 0o600 });
    env = {
      ...process.env,
      NODE_EXTRA_CA_CERTS: path.join(home, 'ca.pem'),
      SNIPPET_GATEWAYS: JSON.stringify({
        api: simulator.url,
        push: simulator.binaryUrl,
        feedback: simulator.feedbackUrl,
        fcm: simulator.fcm!.url,
      }),
    };
    rmSync(folder, { recursive: true, force: true });
    for (const [name, text] of Object.entries(packagesOfOthers)) {
      const place = path.join(folder, 'node_modules', name);
      mkdirSync(place, { recursive: true });
      writeFileSync(path.join(place, 'index.js'), text);
    }
    for (const { file, text } of programs) writeFileSync(file, text);
  });

  after(async () => {
    await simulator.close();
    rmSync(home, { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
  });

  const rejected = (): number => simulator.ledger.summary().rejected + simulator.fcm!.summary().messages.rejected;

  it('are there in all languages that a page may have, and in no other', () => {
    const languages = new Set(snippets.map(({ language }) => language));
    // Without a language: drawings, and what a program prints.
    // In java, go and ruby: programs that others have.
    const known = ['', 'sh', 'js', 'ts', 'json', 'python', 'java', 'go', 'ruby', 'text', 'yaml'];
    assert.deepEqual(
      [...languages].filter((language) => !known.includes(language)),
      [],
    );
    assert.ok(programs.length >= 12, `only ${programs.length} can be run`);
  });

  it('in TypeScript compile with all checks on', () => {
    const files = programs.filter(({ file }) => file.endsWith('.mts')).map(({ file }) => file);
    assert.ok(files.length > 0);
    assert.deepEqual(compile(files), []);
  });

  for (const { snippet, file } of programs) {
    it(`${snippet.page}, line ${snippet.line} (${snippet.language})`, async () => {
      const program = file.replace(/\.mts$/, '.mjs');
      const before = rejected();
      try {
        await run(process.execPath, ['--import', world, program], { cwd: home, env });
      } catch (error) {
        assert.fail(`${(error as { stderr: string }).stderr}\n${readFileSync(file, 'utf8')}`);
      }
      assert.equal(rejected(), before, 'the simulator refused what it sent');
    });
  }

  it('that send have been heard by the simulator', () => {
    const { requests } = simulator.ledger.summary();
    assert.ok(requests >= 200, `${requests} requests`);
    const { accepted } = simulator.fcm!.summary().messages;
    assert.ok(accepted >= 15, `${accepted} messages to FCM`);
    assert.equal(rejected(), 0);
  });
});
