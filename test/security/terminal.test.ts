/**
 * What a gateway, or a list, says is printed without what acts on terminals, logs, line-based files and spreadsheets.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ThrowAwayAuthority } from '../../src/simulator/listen/certificate.js';
import { runCommand } from '../support/command.js';
import { Http2Gateway } from '../support/http2-gateway.js';

/** Controls of both sets, line breaks of all kinds, and what turns the direction of text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what it looks for
const harmful = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202f\u2066-\u2069]/;
const poisoned = 'Bad\u001b]0;title\u0007\u001b[2J\r\nDone\u009b31m\u202e';
const lines = [`${'00'.repeat(31)}01`, `zz${poisoned.replace(/[\r\n]/g, '')}`];

describe('security: text that comes from outside', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'peal-test-'));
    await writeFile(path.join(folder, 'tokens.txt'), lines.join('\n'));
  });

  afterEach(() => rm(folder, { recursive: true }));

  async function send(port: number, ca: string, more: readonly string[] = []) {
    const file = (name: string): string => path.join(folder, name);
    await writeFile(file('ca.pem'), ca);
    const where = ['--gateway', `https://127.0.0.1:${port}`, '--ca', file('ca.pem'), '--threads', '0'];
    const what = ['--tokens', file('tokens.txt'), '--alert', 'Hello', '--out', file('out'), '--force'];
    return runCommand(['send', ...where, ...what, ...more]);
  }

  const output = (name: string): Promise<string> => readFile(path.join(folder, 'out', name), 'utf8');

  it('terminal: escape sequences in a reason reach neither screen, nor JSON lines, nor files', async () => {
    const gateway = await Http2Gateway.open({
      answer: () => ({ status: 400, body: JSON.stringify({ reason: poisoned }) }),
    });
    try {
      for (const more of [[], ['--json']]) {
        const { stdout, stderr } = await send(gateway.address.port, gateway.ca, more);
        assert.match(stdout, /Bad\]0;title/, 'what is harmless of it is shown');
        assert.doesNotMatch(`${stdout}${stderr}`, harmful);
        assert.doesNotMatch(await output('rejected.csv'), harmful);
        assert.equal((await output('rejected.csv')).trimEnd().split('\n').length, 2);
        assert.doesNotMatch(await output('invalid.csv'), harmful);
      }
    } finally {
      await gateway.close();
    }
  });

  it('terminal: escape sequences in the debug data of a GOAWAY do not reach the screen', async () => {
    const authority = new ThrowAwayAuthority();
    const server = createSecureServer(authority.issueServer());
    server.on('session', (session) => {
      session.on('error', () => {});
      session.goaway(0, 0, Buffer.from(JSON.stringify({ reason: `BadCertificate${poisoned}` })));
      session.close();
    });
    const port = await listening(server);
    try {
      const { code, stdout, stderr } = await send(port, authority.certificate);
      assert.equal(code, 4);
      assert.match(stderr, /GOAWAY/);
      assert.doesNotMatch(`${stdout}${stderr}`, harmful);
    } finally {
      server.close();
    }
  });

  it('terminal: escape sequences in names, options and scenarios are written as what they are', async () => {
    const name = 'x\u001b]0;title\u0007\u009b31m\u202e';
    const file = path.join(folder, 'scenario.json');
    const scenarios = [{ faults: [{ do: 'fin', [name]: 1 }] }, { faults: [{ do: name }] }].map((one) => {
      return JSON.stringify(one);
    });
    for (const text of [...scenarios, `{"faults":${name}`]) {
      await writeFile(file, text);
      const { code, stderr } = await runCommand(['simulate', '--scenario', file]);
      assert.equal(code, 2);
      assert.match(stderr, /x\\u\{1b\}\]0;title|no JSON/);
      assert.doesNotMatch(stderr, harmful);
    }
    const out = path.join(folder, name);
    for (const more of [
      [`--${name}`],
      ['--priority', name],
      ['--ca', name],
      ['--out', out],
      ['--out', path.join(out, '\n')],
    ]) {
      const args = [
        'send',
        '--tokens',
        path.join(folder, 'tokens.txt'),
        '--alert',
        'Hello',
        '--topic',
        'com.example.app',
      ];
      const result = await runCommand([...args, '--gateway', 'https://localhost:1', '--threads', '0', ...more]);
      assert.notEqual(result.code, 0);
      assert.doesNotMatch(`${result.stdout}${result.stderr}`, harmful, more.join(' '));
    }
  });

  it('CSV: a reason that a spreadsheet would run as a formula gets an apostrophe, and quotes', async () => {
    for (const start of ['=', '+', '-', '@']) {
      const reason = `${start}HYPERLINK("https://x.example","a,b")`;
      const gateway = await Http2Gateway.open({ answer: () => ({ status: 400, body: JSON.stringify({ reason }) }) });
      try {
        await send(gateway.address.port, gateway.ca);
      } finally {
        await gateway.close();
      }
      const [, row = ''] = (await output('rejected.csv')).split('\n');
      assert.equal(row.split(',400,')[1], `"'${reason.replaceAll('"', '""')}",`);
    }
  });
});

async function listening(server: Http2SecureServer): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
