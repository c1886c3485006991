/**
 * `peal send` against HTTP/2 servers written by others: every token accepted, and each exactly once in the server's own
 * log. Skipped by name where a server is not installed (Debian: nginx, nghttp2-server).
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { randomTokens } from '../cli/fixture.js';
import { jsonLines, runCommand } from '../support/command.js';
import { findProgram, OtherServer } from './servers.js';

const count = 20_000;

describe(`peal send of ${count} tokens`, function () {
  this.timeout(120_000);
  let folder: string;
  let tokens: string[];
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'peal-interop-'));
    tokens = randomTokens(count);
    writeFileSync(path.join(folder, 'tokens.txt'), tokens.join('\n'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function sendsEachOnce(server: OtherServer, threads: string): Promise<void> {
    const where = ['--gateway', server.url, '--ca', server.caFile, '--threads', threads, '--topic', 'com.example.app'];
    const args = ['send', '--json', '--tokens', path.join(folder, 'tokens.txt'), '--alert', 'Hello', ...where];
    const { code, stdout, stderr } = await runCommand(args);
    assert.equal(stderr, '');
    const { accepted, unsent, unknown, rejected } = jsonLines(stdout).at(-1)!;
    assert.deepEqual({ accepted, rejected, unsent, unknown }, { accepted: count, rejected: 0, unsent: 0, unknown: 0 });
    assert.equal(code, 0);
    const requests = await server.requestsByToken();
    assert.equal(requests.size, count);
    assert.deepEqual(
      tokens.filter((token) => requests.get(token) !== 1),
      [],
    );
  }

  const nghttpd = findProgram('nghttpd');
  const nginx = findProgram('nginx');
  for (const threads of ['0', '2']) {
    it(`to nghttpd, threads: ${threads}`, async function () {
      if (nghttpd === null) this.skip();
      await using server = await OtherServer.nghttpd(nghttpd, tokens);
      await sendsEachOnce(server, threads);
    });

    it(`to nginx, threads: ${threads}`, async function () {
      if (nginx === null) this.skip();
      await using server = await OtherServer.nginx(nginx, { keepaliveRequests: 1_000_000 });
      await sendsEachOnce(server, threads);
    });
  }

  it('to nginx that ends each connection after 1,000 requests (GOAWAY), as it does by default', async function () {
    if (nginx === null) this.skip();
    await using server = await OtherServer.nginx(nginx, { keepaliveRequests: 1000 });
    await sendsEachOnce(server, '0');
  });
});
