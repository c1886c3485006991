/** What `peal send` makes of its options: message, template and options of the campaign; and what it refuses. */
import assert from 'node:assert/strict';
import { Command } from 'commander';
import { checkQuestion } from '../../../src/cli/send/campaign-rules.js';
import { messageOf, type PayloadFiles } from '../../../src/cli/send/send-message.js';
import { type SendFlags, sendOptionGroups } from '../../../src/cli/send/send-options.js';
import { campaignOptionsOf } from '../../../src/cli/send/send-plan.js';
import { checkSendFlags } from '../../../src/cli/send/send-rules.js';
import { addOptions } from '../../../src/cli/shared/command-options.js';
import { commandMessage } from '../../../src/cli/shared/wording.js';
import type { PealError } from '../../../src/index.js';

const nowMs = Date.parse('2030-01-01T00:00:00Z');
const base = ['--tokens', 'users.csv', '--gateway', 'https://localhost:1', '--alert', 'Hi'];

/** As commander reads them; a problem is thrown as commander's text. */
function flagsOf(args: readonly string[]): { flags: SendFlags; given: ReturnType<typeof addOptions> } {
  const command = new Command('send').exitOverride().configureOutput({ writeErr: () => {}, outputError: () => {} });
  const given = addOptions(command, sendOptionGroups());
  command.parse([...args], { from: 'user' });
  return { flags: command.opts() as SendFlags, given };
}

const without = (...names: string[]): string[] => {
  const kept: string[] = [];
  for (let at = 0; at < base.length; at += 2) if (!names.includes(base[at]!)) kept.push(...base.slice(at, at + 2));
  return kept;
};

function sentenceOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return 'inWords' in (error as object) ? commandMessage(error as PealError) : (error as Error).message;
  }
  assert.fail('nothing was refused');
}

describe('the options of peal send', () => {
  describe('become those of a campaign', () => {
    const optionsOf = (...args: string[]) => {
      const { flags, given } = flagsOf([...base, ...args]);
      checkSendFlags(flags, nowMs);
      const said = { message: 'message', personal: null } as never;
      const { gateway, message, settings, recipients, ...options } = campaignOptionsOf(flags, {
        gateway: 'gateway' as never,
        said,
        nowMs,
        settings: given,
      });
      return { options, recipients, settings };
    };

    it('only where they are given: the library has the defaults', () => {
      const { options, recipients, settings } = optionsOf();
      assert.deepEqual(options, {});
      assert.deepEqual(recipients, { files: ['users.csv'] });
      assert.deepEqual(settings, [
        { name: '--tokens', value: 'users.csv' },
        { name: '--gateway', value: 'https://localhost:1' },
        { name: '--alert', value: 'Hi' },
      ]);
    });

    const cases: readonly (readonly [args: string, options: object])[] = [
      ['--keep-duplicates', { keepDuplicates: true }],
      ['--dedupe-memory 64MiB', { dedupeMemoryBytes: 64 << 20 }],
      ['--dedupe-memory 2GB', { dedupeMemoryBytes: 2e9 }],
      ['--dedupe-memory 1048576', { dedupeMemoryBytes: 1 << 20 }],
      ['--out run --force --accepted', { folder: 'run', startAnew: true, accepted: true }],
      ['--out run --output-format ndjson', { folder: 'run', outputFormat: 'ndjson' }],
      ['--rate 30000/min', { rate: '30000/min' }],
      ['--max-failures 0', { maxFailures: 0 }],
      ['--max-error-rate 2.5', { maxErrorRate: 0.025 }],
      ['--max-error-rate 5%', { maxErrorRate: 0.05 }],
      ['--max-duration 90m', { maxDurationMs: 5_400_000 }],
      ['--stop-on TopicDisallowed,BadTopic', { stopOn: ['TopicDisallowed', 'BadTopic'] }],
      ['--canary 1000 --yes', { canary: { recipients: 1000 } }],
      ['--canary 1000 --canary-share 99.5', { canary: { recipients: 1000, minAccepted: 0.995 } }],
      ['--not-before 1h', { notBefore: new Date(nowMs + 3_600_000) }],
      ['--not-after 2030-01-02T00:00:00+01:00', { notAfter: new Date('2030-01-01T23:00:00Z') }],
      [
        '--local-window 09:00-21:00 --timezone-column tz',
        { localWindow: { hours: '09:00-21:00', timezoneColumn: 'tz' } },
      ],
      [
        '--local-window 9:00-21:00 --timezone-column tz --outside-window hold --out run',
        { folder: 'run', localWindow: { hours: '9:00-21:00', timezoneColumn: 'tz', outside: 'hold' } },
      ],
      ['--retries 0', { retry: false }],
      ['--retries 4 --retry-time 30', { retry: { attempts: 5, timeMs: 30_000 } }],
      ['--on-unknown resend --stop-at-bad-tokens off', { onUnknown: 'resend', stopAtBadTokens: false }],
    ];
    for (const [args, expected] of cases) {
      it(args, () => assert.deepEqual(optionsOf(...args.split(' ')).options, expected));
    }

    it('for what is read', () => {
      const args = ['--tokens', '-', '--format', 'csv', '--token-column', '2', '--delimiter', ';', '--no-header'];
      const expected = { files: ['users.csv', '-'], format: 'csv', tokenColumn: 2, delimiter: ';', header: false };
      assert.deepEqual(optionsOf(...args).recipients, expected);
      assert.deepEqual(optionsOf('--header', '--token-column', 'push token', '--delimiter', 'tab').recipients, {
        files: ['users.csv'],
        tokenColumn: 'push token',
        delimiter: '\t',
        header: true,
      });
      assert.deepEqual(optionsOf('--delimiter', '\t').recipients, { files: ['users.csv'], delimiter: '\t' });
    });

    it('with the question after the canary, unless it is answered', () => {
      const confirm = () => true;
      const parts = { gateway: {} as never, said: { personal: null } as never, nowMs, confirm };
      const asked = campaignOptionsOf(flagsOf([...base, '--canary', '5']).flags, parts);
      assert.deepEqual(asked.canary, { recipients: 5, confirm });
      const answered = campaignOptionsOf(flagsOf([...base, '--canary', '5', '--yes']).flags, parts);
      assert.deepEqual(answered.canary, { recipients: 5 });
    });
  });

  describe('are refused in one sentence', () => {
    const refusals: readonly (readonly [args: readonly string[], sentence: RegExp])[] = [
      [['--token-column', 'a', '--format', 'list'], /^--token-column: a plain list .* has no columns/],
      [['--delimiter', ';', '--format', 'ndjson'], /^--delimiter is for CSV, not for --format ndjson\.$/],
      [['--no-header', '--format', 'parquet'], /^--no-header is for CSV, not for --format parquet\.$/],
      [['--header', '--no-header'], /option '--no-header' is given twice/],
      [['--keep-duplicates', '--dedupe-memory', '1GiB'], /^--dedupe-memory is for finding duplicates, which/],
      [['--dedupe-memory', '1000'], /It has to be a size of 1MiB or more/],
      [['--dedupe-memory', '1XB'], /It has to be a size/],
      [['--format', 'xlsx'], /Allowed choices are auto, list, csv, tsv, ndjson, json, parquet/],
      [['--variant', 'de=x.json'], /^--variant needs --variant-column NAME/],
      [['--variant-column', 'locale'], /^--variant-column chooses among variants: give each with --variant NAME=FILE/],
      [['--variant', 'x.json', '--variant-column', 'l'], /^--variant is "x\.json": write NAME=FILE/],
      [['--variant', 'a=x', '--variant', 'a=y', '--variant-column', 'l'], /^--variant: "a" is given twice\.$/],
      [['--variant', 'a=x', '--variant-column', 'l', '--literal'], /^--literal does not go with --variant/],
      [['--apns-id', 'abc'], /^--apns-id names one notification each: put a column into it/],
      [['--apns-id', '{{id}}', '--literal'], /^--apns-id names one notification each/],
      [['--badge', '{{n}}', '--literal'], /^--badge has braces, which --literal .*: it has to be a whole number\.$/],
      [['--priority', '{{n}}', '--literal'], /^--priority has braces/],
      [['--expiration', '{{n}}', '--literal'], /^--expiration has braces/],
      [['--rate', 'fast'], /--rate <rate>' argument 'fast' is invalid\. It is "fast", not a rate: write 500\/s/],
      [['--max-error-rate', '101'], /It has to be a percentage from 0 to 100/],
      [['--max-duration', 'long'], /It has to be a duration/],
      [['--stop-on', 'TopicDisalowed'], /^--stop-on: "TopicDisalowed" is not known; did you mean TopicDisallowed\?$/],
      [['--stop-on', 'Whatever,BadTopic'], /^--stop-on: "Whatever" is not known; give reasons as the gateway answers/],
      [['--stop-on', 'BadTopic,,'], /It has to be one name, or several with commas/],
      [['--canary', '0'], /It has to be a whole number from 1/],
      [['--canary-share', '95'], /^--canary-share is a share of those that --canary N sends to first/],
      [['--yes'], /^--yes answers the question of --canary N, which is missing\.$/],
      [['--not-after', '2029-12-31T00:00:00Z'], /^--not-after is a time that has passed/],
      [['--not-before', '2h', '--not-after', '1h'], /^--not-after is not later than --not-before/],
      [['--not-before', 'tomorrow'], /It has to be a time: from now/],
      [['--local-window', '09:00-21:00'], /^--local-window needs --timezone-column NAME/],
      [['--local-window', '9-21', '--timezone-column', 'tz'], /It is "9-21": write the local hours as 09:00-21:00/],
      [['--timezone-column', 'tz'], /^--timezone-column goes with --local-window/],
      [['--outside-window', 'hold'], /^--outside-window goes with --local-window/],
      [
        ['--local-window', '09:00-21:00', '--timezone-column', 'tz', '--outside-window', 'hold'],
        /^--outside-window hold keeps those who wait in a directory: give it with --out DIR\.$/,
      ],
      [
        [
          ...['--local-window', '09:00-21:00', '--timezone-column', 'tz', '--outside-window', 'hold'],
          ...['--out', 'run', '--tokens', '-'],
        ],
        /^--outside-window hold reads the list again .* standard input can be read once: give files\.$/,
      ],
      [['--accepted'], /^--accepted writes the accepted tokens to a file/],
      [['--force'], /^--force removes the campaign in --out DIR, which is missing\.$/],
      [['--output-format', 'csv'], /^--output-format is for the files of --out DIR/],
      [['--dry-run', '--force', '--out', 'run'], /^--dry-run changes nothing, and --force removes/],
    ];
    for (const [args, sentence] of refusals) {
      it(args.join(' '), () => {
        assert.match(
          sentenceOf(() => checkSendFlags(flagsOf([...base, ...args]).flags, nowMs)),
          sentence,
        );
      });
    }

    it('what a binary gateway has no field for', () => {
      const binary = [...without('--gateway'), '--gateway', 'binary://localhost:1'];
      const refused = (...args: string[]) =>
        sentenceOf(() => checkSendFlags(flagsOf([...binary, ...args]).flags, nowMs));
      assert.match(refused('--apns-id', '{{id}}'), /^--apns-id does not go with a binary gateway/);
      assert.match(refused('--collapse-id', '{{id}}'), /^--collapse-id does not go with a binary gateway/);
      assert.match(refused('--stop-on', 'BadTopic'), /^--stop-on: "BadTopic" is not known/);
      checkSendFlags(flagsOf([...binary, '--stop-on', 'Invalid token', '--priority', '{{p|5}}']).flags, nowMs);
    });

    it('a question that cannot be answered', () => {
      const screen = { stdin: { isTTY: true }, stderr: { isTTY: true } } as never;
      const pipe = { stdin: {}, stderr: { isTTY: true } } as never;
      const asks = flagsOf([...base, '--canary', '10']).flags;
      checkQuestion(asks, screen);
      const noTerminal = sentenceOf(() => checkQuestion(asks, pipe));
      assert.equal(
        noTerminal,
        '--canary asks whether to go on, and there is no terminal: give --yes to go on by itself.',
      );
      const list = flagsOf([...base, '--tokens', '-', '--canary', '10']).flags;
      assert.match(
        sentenceOf(() => checkQuestion(list, screen)),
        /standard input is the list: give --yes/,
      );
      for (const answer of ['--yes', '--dry-run']) {
        checkQuestion(flagsOf([...base, '--canary', '10', answer]).flags, pipe);
      }
    });
  });

  describe('say', () => {
    const none: PayloadFiles = { payload: null, variants: new Map() };
    const file = (payload: object): PayloadFiles => ({ ...none, payload: Buffer.from(JSON.stringify(payload)) });
    const said = (args: readonly string[], files = none) => messageOf(flagsOf(args).flags, files);

    it('one message to all where no text has a column', () => {
      const { message, personal } = said([...base, '--title', 'News', '--badge', '3', '--priority', '5']);
      assert.equal(personal, null);
      assert.equal(message.payload, '{"aps":{"alert":{"title":"News","body":"Hi"},"badge":3}}');
      assert.equal(message.priority, 5);
    });

    it('to each what is meant for him, where a text has a column', () => {
      const args = [
        ...without('--alert'),
        '--alert',
        'Hi {{name|there}}',
        '--badge',
        '{{unread|0}}',
        '--sound',
        '{{s}}',
      ];
      const { message, personal } = said(args);
      assert.deepEqual(personal?.columns, ['name', 'unread', 's']);
      assert.deepEqual(personal?.source.payload, {
        aps: { alert: 'Hi {{name|there}}', badge: '{{unread:number|0}}', sound: '{{s}}' },
      });
      assert.deepEqual([message.hasPayload, message.pushType], [false, 'alert']);
    });

    it('the same braces as they are, with --literal', () => {
      const args = [...without('--alert'), '--alert', 'Hi {{name}}', '--collapse-id', '{{x', '--literal'];
      const { message, personal } = said(args);
      assert.equal(personal, null);
      assert.equal(message.payload, '{"aps":{"alert":"Hi {{name}}"}}');
      assert.equal(message.collapseId, '{{x');
    });

    it('header fields of each with the payload for all', () => {
      const fields = ['--collapse-id', 'order-{{order}}', '--expiration', '{{until|1h}}', '--priority', '{{p|10}}'];
      const { message, personal } = said([...base, ...fields, '--apns-id', '{{id}}']);
      assert.deepEqual(personal?.columns, ['id', 'order', 'until', 'p']);
      assert.deepEqual([personal?.hasPayloads, message.payload], [false, '{"aps":{"alert":"Hi"}}']);
      assert.deepEqual([message.collapseId, message.expiration, message.priority], [null, null, null]);
    });

    it('a payload of its own by a column, with the push type of its content', () => {
      const args = [...without('--alert'), '--payload', 'p.json', '--variant', 'de=d.json', '--variant-column', 'lang'];
      const background = { aps: { 'content-available': 1 }, x: '{{x|}}' };
      const variants = new Map([['de', Buffer.from('{"aps":{"content-available":1}}')]]);
      const { message, personal } = said(args, { ...file(background), variants });
      assert.deepEqual(personal?.columns, ['lang', 'x']);
      assert.equal(message.pushType, 'background');
      const alone = said([...without('--alert'), ...args.slice(-4)], { ...none, variants });
      assert.deepEqual(alone.personal?.columns, ['lang']);
    });

    it('what the push type of the topic asks for', () => {
      const args = [...without('--alert'), '--payload', 'p.json', '--topic', 'com.example.app.voip'];
      assert.equal(said(args, file({ call: '{{id}}' })).message.pushType, 'voip');
    });

    for (const [args, sentence] of [
      [['--alert', 'Hi {{name'], /has \{\{ without \}\}.* With --literal, \{\{ and \}\} are sent as they are\.$/],
      [['--alert', 'Hi', '--collapse-id', '{{a:xml}}'], /^--collapse-id asks for the field a as "xml"/],
      [['--badge', 'at {{n}}'], /^--badge is a number: give one, or one column/],
      [['--alert', '{{a}}', '--push-type', 'background'], /--push-type background/],
      [['--alert', 'Hi', '--priority', '{{p}}', '--collapse-id', 'x'.repeat(65)], /^--collapse-id has 65 bytes/],
    ] as const) {
      it(`and refuse ${args.join(' ').slice(0, 50)}`, () => {
        assert.match(
          sentenceOf(() => said([...without('--alert'), ...args])),
          sentence,
        );
      });
    }
  });
});
