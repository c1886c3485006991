/**
 * Campaigns against HTTP/2 servers written by others, undisturbed, with the server stopped in good order, and with it
 * killed: the sender's books against the server's own log. Prints a table. Skipped by name where a server is not
 * installed (Debian: nginx, h2o, haproxy, lighttpd, lighttpd-mod-openssl, apache2, nghttp2-server).
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { randomTokens } from '../cli/fixture.js';
import { cases } from '../support/cases.js';
import { jsonLines, runCommand } from '../support/command.js';
import { type CampaignRow, campaign, tableOf } from './campaign.js';
import { type ServerKind, serverKinds } from './server-kinds.js';
import { OtherServer, programOf } from './servers.js';

const count = cases(10_000, 5_000);
/** Of peal. */
const maxConnections = 8;

describe(`campaigns of ${count} tokens against servers written by others`, () => {
  const rows: CampaignRow[] = [];
  after(() => {
    if (rows.length > 0) console.log(`\n${tableOf(rows)}\n`);
  });

  function itServes(
    kind: ServerKind,
    what: string,
    run: (server: OtherServer, tokens: string[]) => Promise<void>,
  ): void {
    it(`${kind.name}: ${what}`, async function () {
      const program = programOf(kind);
      if (program === null) this.skip();
      const tokens = randomTokens(count);
      await using server = await OtherServer.start(kind, program, tokens);
      await run(server, tokens);
    });
  }

  /** What holds whatever happens; returns the row for what else is to be said. */
  function keep(row: CampaignRow): CampaignRow {
    rows.push(row);
    assert.equal(row.duplicates, 0, 'the server accepted a token twice');
    assert.deepEqual([row.rejected, row.unsent], [0, 0]);
    assert.equal(row.accepted + row.unknown, count);
    return row;
  }

  for (const kind of serverKinds) {
    itServes(kind, 'accepts each token once', async (server, tokens) => {
      const row = keep(await campaign(server, 'undisturbed', tokens, null));
      assert.deepEqual([row.unknown, row.unlogged], [0, 0]);
    });

    for (const stop of kind.stops) {
      itServes(kind, `${stop.name} in the middle loses nothing and repeats nothing`, async (server, tokens) => {
        const row = keep(await campaign(server, stop.name, tokens, () => server.stopGracefully(stop)));
        assert.equal(row.unlogged, 0);
        if (stop.isGraceful) assert.equal(row.unknown, 0);
        assert.ok(row.connections >= 2, 'the server was not stopped');
        assert.ok(row.unknown <= kind.streams * maxConnections, `${row.unknown} unknown`);
      });
    }

    itServes(kind, 'kill -9 in the middle repeats nothing, and names what it cannot know', async (server, tokens) => {
      const row = keep(await campaign(server, 'kill -9', tokens, () => server.killAndRestart()));
      assert.ok(row.connections >= 2, 'the server was not killed');
      const inFlight = kind.streams * maxConnections;
      assert.ok(row.unknown <= inFlight, `${row.unknown} unknown`);
      if (kind.logs === 'before') assert.equal(row.unlogged, 0);
      // It may have answered all that was in flight, and not have logged that yet.
      if (kind.logs === 'after') assert.ok(row.unlogged <= inFlight, `${row.unlogged} are not in the log`);
    });
  }

  for (const name of ['nginx (proxy)', 'nghttpd']) {
    const kind = serverKinds.find((one) => one.name === name)!;
    itServes(kind, 'peal send, with two threads, sends to each token once', async (server, tokens) => {
      const list = path.join(server.place.folder, 'tokens.txt');
      writeFileSync(list, tokens.join('\n'));
      const where = ['--gateway', server.url, '--ca', server.place.caFile, '--threads', '2'];
      const args = ['send', '--json', '--tokens', list, '--alert', 'Hello', '--topic', 'com.example.app', ...where];
      const { code, stdout, stderr } = await runCommand(args);
      assert.equal(stderr, '');
      const { accepted, unsent, unknown, rejected } = jsonLines(stdout).at(-1)!;
      assert.deepEqual({ code, accepted, rejected, unsent, unknown }, { ...zero, accepted: count });
      const answers = await server.answers();
      assert.deepEqual(answers.map(({ token }) => token).sort(), [...tokens].sort());
    });
  }
});

const zero = { code: 0, rejected: 0, unsent: 0, unknown: 0 };
