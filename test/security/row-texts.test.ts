/**
 * What a row says is a recipient's, and may be a whole device token: no sentence quotes it. A canary stands in each
 * field that an option names, and is looked for in all that is said, shown and written, apart from the row itself in
 * the outcome files.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { inspect } from 'node:util';
import { APNs, Message, type PealError, Session, Template } from '../../src/index.js';
import { Fixture, randomTokens, topic } from '../cli/fixture.js';
import { type CommandResult, runCommand } from '../support/command.js';

/**
 * Of each kind that a field may hold. None of them is a time zone, a variant, a JSON value of the kind that is asked
 * for …
 */
const canaries = {
  'a device token': 'ab12cd34'.repeat(8),
  'a text': 'KANARI Ünsal <kanari@example.com>',
  'a long text': 'Kanari'.repeat(20),
  'a number': '71237123',
  JSON: '{"kanari":"kanari"}',
} as const;

/** Parts of them count, too: sentences cut what they quote. */
const traces = ['ab12cd34', 'KANARI', 'Kanari', 'kanari', '71237123', '7,1237,123'];

function assertSilent(text: string, where: string): void {
  for (const trace of traces) assert.ok(!text.includes(trace), `${where} quotes a row (${trace}):\n${text}`);
}

const optionsThatRead: Readonly<Record<string, readonly string[]>> = {
  'a collapse id': ['--alert', 'x', '--collapse-id', '{{secret}}'],
  'an expiration': ['--alert', 'x', '--expiration', '{{secret}}'],
  'a priority': ['--alert', 'x', '--priority', '{{secret}}'],
  'an apns-id': ['--alert', 'x', '--apns-id', '{{secret}}'],
  'a badge': ['--alert', 'x', '--badge', '{{secret}}'],
  'a number of the payload': ['--payload', 'number.json'],
  'a JSON value of the payload': ['--payload', 'json.json'],
  'a payload that is too large': ['--payload', 'large.json'],
  'a column of variants': ['--variant', 'de=variant.json', '--variant-column', 'secret'],
  'a time zone': ['--alert', 'x', '--local-window', '00:00-23:59', '--timezone-column', 'secret'],
  'the column of the tokens': ['--alert', 'x', '--token-column', 'secret'],
};

describe('security: what a row says is quoted by no sentence', () => {
  let fixture: Fixture;
  before(async () => {
    fixture = await Fixture.open();
    await fixture.write('number.json', '{"aps":{"alert":"x"},"n":"{{secret:number}}"}');
    await fixture.write('json.json', '{"aps":{"alert":"x"},"n":"{{secret:json}}"}');
    await fixture.write('large.json', `{"aps":{"alert":"x"},"n":"${'{{secret}}'.repeat(500)}"}`);
    await fixture.write('variant.json', '{"aps":{"alert":"Hallo"}}');
  });
  after(() => fixture[Symbol.asyncDispose]());

  const said = ({ stdout, stderr }: CommandResult): string => `${stdout}\n${stderr}`;

  for (const [what, flags] of Object.entries(optionsThatRead)) {
    it(`made into ${what}: in no output of peal send, status and report`, async () => {
      const rows = Object.values(canaries).map((canary) => ({ token: randomTokens(1)[0]!, secret: canary }));
      const csv = rows.map(({ token, secret }) => `${token},"${secret.replaceAll('"', '""')}"`).join('\n');
      const lists = [
        await fixture.write('rows.csv', `token,secret\n${csv}\n`),
        await fixture.write('rows.ndjson', `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`),
      ];
      const paths = flags.map((flag) => flag.replace(/(\w+\.json)$/, fixture.path('$1')));
      for (const [at, list] of lists.entries()) {
        await rm(fixture.path('out'), { recursive: true, force: true });
        const command = fixture.send(list, { without: ['--alert', '--force'], with: paths });
        const runs: CommandResult[] = [];
        for (const more of [['--dry-run'], ['--dry-run', '--json'], ['--json'], []])
          runs.push(await runCommand([...command, ...more]));
        for (const more of [['status'], ['status', '--json'], ['report']])
          runs.push(await runCommand([more[0]!, fixture.path('out'), ...more.slice(1)]));
        const form = at === 0 ? 'CSV' : 'NDJSON';
        // All of them were read, and some refused: else nothing is proven.
        assert.match(said(runs[1]!), /"recipients":5,"invalid":[2-5],/, form);
        for (const run of runs) {
          // A dry run shows the first payload, and says so: it is the message, not a sentence about it.
          assertSilent(withoutExample(said(run)), `the output with ${form}`);
          assert.doesNotMatch(run.stderr, /fault of peal/);
        }
        assertFilesSilent(form);
      }
    });
  }

  function withoutExample(text: string): string {
    return text.replace(/ {2}The first recipient gets\n(?: {4}.*\n)+/, '').replace(/"example":"(?:[^"\\]|\\.)*"/, '');
  }

  function assertFilesSilent(form: string): void {
    for (const name of ['summary.json', 'report.html', '.peal-series.json']) {
      const file = fixture.path(`out/${name}`);
      if (existsSync(file)) assertSilent(readFileSync(file, 'utf8'), `${name} with ${form}`);
    }
    const invalid = fixture.path('out/invalid.csv');
    if (!existsSync(invalid)) return;
    // line, text, why, list: the text is the row's.
    for (const line of readFileSync(invalid, 'utf8').trim().split('\n').slice(1)) {
      const why = /^\d*,(?:"(?:[^"]|"")*"|[^,]*),(?<why>.*)$/.exec(line)?.groups?.why;
      assert.ok(why !== undefined && why.length > 20, line);
      assertSilent(why, `invalid.csv with ${form}`);
    }
  }

  it('where a table cannot be read as it is: in no refusal', async () => {
    const token = canaries['a device token'];
    const tables: readonly (readonly [text: string, ...flags: string[]])[] = [
      [`${token},${token}\n${token},${token}\n`],
      [`${token},${token}\n`, '--header'],
      [`${token},${token}\n`, '--header', '--token-column', '1'],
      [`${token},${token}\n`, '--token-column', 'x'],
      [`${token},${token}\n`, '--token-column', '7'],
      [`"${token} Kanari?",1\n${randomTokens(1)[0]},2\n${randomTokens(1)[0]},2\n`],
      [`{"secret":"${token}","id":[1,"${token}"]}\n`],
      [`{"token":"${token}","secret":"${token}"}}\n{"token":"${token}"\n`],
      [`["${token}", {"token":"${token}"}, "${token}\n`],
    ];
    for (const [text, ...flags] of tables) {
      await rm(fixture.path('out'), { recursive: true, force: true });
      const list = await fixture.write('table', text);
      const run = await runCommand([...fixture.send(list, { without: ['--force'], with: flags }), '--dry-run']);
      assertSilent(said(run), `the refusal of ${flags.join(' ')}`);
    }
  });

  it('of recipients with something of their own: in nothing that the library says', async () => {
    const session = new Session({ ca: fixture.simulator.caCertificate!, threads: 0 });
    const { p8, keyId, teamId } = fixture.providerKey;
    const apns = new APNs(session.getConnection(fixture.simulator.url, { key: p8, keyId, teamId }));
    const own = Object.values(canaries).flatMap((canary) => [
      { collapseId: `${canary}é` },
      { expiration: `${canary}` },
      { expiration: { seconds: 1, [canary]: 1 } },
      { expiration: Number(canary) },
      { expiration: new Date(`${canary}`) },
      { priority: canary },
      { priority: Number(canary) },
      { apnsId: canary },
      { payload: canary },
      { payload: `{"aps":{"alert":"x"},"${canary}` },
      { payload: `{"aps":{"badge":${JSON.stringify(canary)}}}` },
      { payload: `{"aps":{"content-available":${JSON.stringify(canary)},"alert":"x"}}` },
      { payload: `{"aps":{"timestamp":${JSON.stringify(canary)},"alert":"x"}}` },
      { payload: `{"aps":{"interruption-level":${JSON.stringify(canary)},"alert":"x"}}` },
      { payload: { aps: { alert: canary, sound: { critical: canary } } } },
      { payload: { aps: { alert: canary, badge: canary } } },
      { payload: `{"aps":{"alert":"x"},"a":{${JSON.stringify(canary)}:1,${JSON.stringify(canary)}:2}}` },
    ]);
    const message = new Message([], { alert: 'Hello', topic });
    const sent = await apns.send(message, {
      recipients: own.map((one) => ({ token: randomTokens(1)[0]!, ...one }) as never),
    });
    await session.close();
    assert.equal(sent.invalid.length + sent.accepted, own.length);
    assert.ok(sent.invalid.length >= own.length - 6, `${sent.invalid.length} of ${own.length}`);
    for (const { why } of sent.invalid) assertSilent(why, 'the reason');
    assertSilent(inspect(sent, { depth: 9 }), 'the result');
    const template = new Template({ payload: { aps: { alert: '{{secret}}' } } });
    assertSilent(inspect(template, { depth: 9 }), 'the template');
  });

  it('but of options, which are the program’s own, a sentence does quote the value', () => {
    const says = (options: object, text: RegExp): void =>
      assert.throws(
        () => new Message([], { alert: 'x', topic, ...options }),
        (error: PealError) => text.test(error.message),
      );
    says({ priority: 7 }, /is 7, not 10, 5 or 1/);
    says({ expiration: 'soon' }, /is "soon", not a time/);
    says({ collapseId: 'é' }, /is "é": it must be 1 to 64/);
    says({ expiration: 3600 }, /is 3600, which lies before 2001: for 3600 seconds from now give \{ seconds: 3600 \}/);
  });
});
