/** What `peal send` makes of the message's options: how they may be written, and in whose words it refuses them. */
import assert from 'node:assert/strict';
import { durationBetween, timeText } from '../../../src/cli/shared/option-values.js';
import { jsonLines, runCommand } from '../../support/command.js';
import { assertOneSentence, Fixture, randomTokens } from '../fixture.js';

describe('peal send, its message', () => {
  let fixture: Fixture;
  let tokens: string;
  before(async () => {
    fixture = await Fixture.open();
    tokens = await fixture.write('tokens.txt', randomTokens(3).join('\n'));
  });
  beforeEach(() => fixture.simulator.ledger.reset());
  after(async () => {
    await fixture[Symbol.asyncDispose]();
  });

  async function refused(args: readonly string[], sentence: RegExp): Promise<void> {
    const result = await runCommand(args);
    assert.equal(result.code, 2, result.stderr);
    assert.match(result.stderr, sentence);
    assert.ok(!/\{ seconds|The option|pushType|collapseId|\[host, port\]/.test(result.stderr), result.stderr);
    assert.equal(fixture.simulator.ledger.summary().requests, 0);
  }

  const sentences: readonly (readonly [args: readonly string[], without: readonly string[], sentence: RegExp])[] = [
    [
      ['--expiration', '1900000000000'],
      [],
      /^peal: --expiration is 1900000000000, which lies after 2106: give seconds/m,
    ],
    [
      ['--expiration', 'soon'],
      [],
      /--expiration <time>' argument 'soon' is invalid\. It has to be a time: from now, such as 90s/,
    ],
    [['--expiration', '2031-01-31T12:00'], [], /ISO 8601 with its zone/],
    [['--collapse-id', 'x'.repeat(65)], [], /^peal: --collapse-id has 65 bytes, more than 64\.$/m],
    [['--push-type', 'allert'], [], /^peal: --push-type is "allert", which is not known: use one of alert,/m],
    [
      ['--topic', 'com.example.app.voip', '--push-type', 'alert'],
      ['--topic'],
      /^peal: --topic is "com\.example\.app\.voip", which is a topic of --push-type voip, not alert: change one of them\.$/m,
    ],
    [
      ['--push-type', 'background'],
      [],
      /^peal: The payload cannot be sent: --push-type background needs --payload with \{"aps":\{"content-available":1\}\}\.$/m,
    ],
    [
      ['--push-type', 'liveactivity', '--topic', 'com.example.app.push-type.liveactivity'],
      ['--topic'],
      /^peal: The payload cannot be sent: --push-type liveactivity needs aps\.event in --payload: start, update or end/m,
    ],
    [
      ['--alert', 'x'.repeat(5000)],
      ['--alert'],
      /^peal: The payload has 50\d\d bytes, but --push-type alert allows 4096: shorten it\.$/m,
    ],
    [
      ['--expiration', '99999999d'],
      [],
      /^peal: --expiration is "99999999d", which lies after 2106: give an earlier time\.$/m,
    ],
    [
      ['--gateway', 'sandbux'],
      ['--gateway'],
      /^peal: The address "sandbux" is not known; did you mean sandbox: give production, sandbox/m,
    ],
  ];
  for (const [args, without, sentence] of sentences) {
    it(`refuses ${args.join(' ').slice(0, 60)} in the words of the command line`, () =>
      refused(fixture.send(tokens, { without, with: args }), sentence));
  }

  it('refuses a payload by its place in the file', async () => {
    const file = await fixture.write('payload.json', '{"aps":{"alert":"x","content-available":true}}');
    const args = fixture.send(tokens, { without: ['--alert'], with: ['--payload', file] });
    await refused(
      args,
      /^peal: The payload cannot be sent: --payload: aps\.content-available is true: in a payload it must be 1 or 0\.$/m,
    );
    const foreign = await fixture.write('foreign.json', '{"notification":{"title":"x"}}');
    await refused(
      fixture.send(tokens, { without: ['--alert'], with: ['--payload', foreign] }),
      /the form of another service/,
    );
  });

  it('puts the keys of --aps beside those of the other options, and fills in columns', async () => {
    const list = await fixture.write('named.csv', `token,name\n${randomTokens(1)[0]},Ada\n`);
    const aps = ['--aps', '{"thread-id":"orders","new":{"who":"{{name}}"}}', '--badge', '2'];
    const sent = await runCommand(fixture.send(list, { with: aps }));
    assert.equal(sent.code, 0, sent.stderr);
    assert.equal((await runCommand(fixture.send(tokens, { with: ['--aps', '{"new":1}'] }))).code, 0);
    const refusals: readonly (readonly [json: string, sentence: RegExp])[] = [
      ['{"badge":1}', /^peal: --aps has the key "badge" beside --badge: leave one out\.$/m],
      ['{"alert":"x"}', /^peal: --aps has the key "alert" beside --alert or --title: leave one out\.$/m],
      ['[1]', /^peal: --aps must be a JSON object, such as \{"thread-id":"orders"\}: quote it for the shell\.$/m],
      ['{thread-id:1}', /^peal: --aps must be a JSON object/m],
      ['{"content-available":true}', /^peal: The payload cannot be sent: --aps: aps\.content-available is true: in/m],
      ['{"threadId":"x"}', /has the key "threadId": write thread-id\.$/m],
    ];
    fixture.simulator.ledger.reset();
    for (const [json, sentence] of refusals) {
      await refused(fixture.send(tokens, { with: ['--badge', '2', '--aps', json] }), sentence);
    }
    const both = fixture.send(tokens, { without: ['--alert'], with: ['--payload', tokens, '--aps', '{"a":1}'] });
    await refused(both, /'--payload <file>' cannot be used with option '--aps <json>'/);
  });

  for (const flag of [
    '--alert',
    '--aps',
    '--title',
    '--sound',
    '--topic',
    '--collapse-id',
    '--expiration',
    '--payload',
    '--key-id',
    '--out',
  ]) {
    it(`refuses an empty ${flag}, as of a shell variable that is not set`, () =>
      refused(
        fixture.send(tokens, { without: [flag], with: [flag, ''] }),
        new RegExp(`option '${flag} <[^']*' argument '' is invalid\\. It is empty: .* the shell variable is set\\.`),
      ));
  }

  it('takes times and durations as people write them', async () => {
    for (const args of [
      ['--expiration', '1h', '--retry-time', '90s'],
      ['--expiration', '+3600', '--retry-time', '5m'],
      ['--expiration', '3600', '--retry-time', '60'],
      ['--expiration', '2031-01-31T12:00:00Z', '--retry-time', 'PT1M'],
      ['--expiration', '0', '--retry-time', '0'],
    ]) {
      const { code, stderr } = await runCommand(fixture.send(tokens, { with: args }));
      assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
    }
    assert.deepEqual(
      ['90', '90s', '+5m', 'PT1H'].map(durationBetween(0, 3_600_000)),
      [90_000, 90_000, 300_000, 3_600_000],
    );
    assert.deepEqual(['0.5', '250ms', '1s'].map(durationBetween(0, 600_000, 1)), [0.5, 250, 1000]);
    assert.throws(() => durationBetween(0, 3_600_000)('61m'), /a duration up to 1h, such as 90 \(seconds\)/);
    assert.equal(timeText('+1h'), '+1h');
  });

  it('takes a list without --tokens, and a stray word beside it for a text without quotes', async () => {
    const args = fixture.send(tokens, { without: ['--tokens'], with: ['--json', tokens] });
    const taken = await runCommand(args);
    assert.equal(taken.code, 0, taken.stderr);
    assert.equal(jsonLines(taken.stdout).at(-1)!.accepted, 3);
    fixture.simulator.ledger.reset();
    const stray = await runCommand(fixture.send(tokens, { with: ['world'] }));
    assert.equal(stray.code, 2);
    assertOneSentence(stray, /^peal: "world" belongs to no option: put text with blanks in quotes/);
    const none = await runCommand(fixture.send(tokens, { without: ['--tokens'] }));
    assert.equal(none.code, 2);
    assertOneSentence(none, /--tokens FILE/);
    await refused(fixture.send(tokens, { without: ['--tokens'], with: [''] }), /the name of a list is empty/);
    assert.equal(fixture.simulator.ledger.summary().requests, 0);
  });

  it('knows the sandbox by both of its names', async () => {
    for (const name of ['sandbox', 'development', 'production']) {
      const args = fixture.send(tokens, {
        without: ['--gateway', '--ca', '--key', '--key-id', '--team-id'],
        with: ['--environment', name],
      });
      const { code, stderr } = await runCommand(args);
      assert.equal(code, 2);
      assert.match(stderr, /^peal: Apple's gateways need a credential/m);
    }
  });
});
