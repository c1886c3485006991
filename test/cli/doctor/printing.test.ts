/** The steps for people: within the columns of a terminal, with and without colour; a line each elsewhere. */
import assert from 'node:assert/strict';
import { Readable, Writable } from 'node:stream';
import { stepPrinter } from '../../../src/cli/doctor/printing.js';
import { failed, ok, type Step, skipped, warning } from '../../../src/cli/doctor/step.js';

const long =
  'a sentence of many words that does not fit into one line of a terminal, so that it has to be broken at blanks';
const steps: readonly Step[] = [
  ok('files', '20,000 files may be open'),
  warning('clock', '1 minute slow, by \u001b[31mtime.example', 'Set it forward.'),
  failed('tls', long, `Do what ${long} says.`, 4),
  skipped('push', 'no connection to the gateway was made'),
];

function printed(
  screen: { readonly columns?: number; readonly isTTY?: boolean },
  env: Record<string, string>,
  shown: readonly Step[] = steps,
  isAboutBoth = false,
): string {
  let text = '';
  const write = (chunk: Buffer, _encoding: BufferEncoding, done: () => void): void => {
    text += chunk.toString();
    done();
  };
  const stdout = Object.assign(new Writable({ write }), screen);
  const printer = stepPrinter(
    { stdin: Readable.from([]), stdout, stderr: stdout, env },
    { isJson: false, isAboutBoth },
  );
  for (const step of shown) printer.step(step);
  printer.end(shown, shown === steps ? 4 : 0);
  return text;
}

describe('the steps of peal doctor for people', () => {
  for (const columns of [80, 60, 200]) {
    it(`fit a terminal of ${columns} columns`, () => {
      const lines = printed({ isTTY: true, columns }, { NO_COLOR: '1' }).split('\n');
      for (const line of lines) assert.ok(line.length < Math.min(columns, 101), `${line.length}: ${line}`);
      assert.ok(lines.filter((line) => line.includes('→')).length === 2);
      assert.equal(lines.filter((line) => line.startsWith('failed')).length, 1);
    });
  }

  it('are one line each, and one for what to do, where they go into a file', () => {
    assert.equal(
      printed({}, {}),
      [
        'ok       open files    20,000 files may be open',
        'warning  clock         1 minute slow, by \\u{1b}[31mtime.example',
        '                       → Set it forward.',
        `failed   TLS           ${long}`,
        `                       → Do what ${long} says.`,
        'skipped  test push     no connection to the gateway was made',
        '',
        '1 step failed, and 1 warning. Begin with the first: TLS. 1 step was skipped.',
        '',
      ].join('\n'),
    );
  });

  it('say which service they are about, in a run about both', () => {
    const both: Step[] = [
      ok('files', '20,000 files may be open'),
      { ...ok('key', 'key ABCDE12345'), service: 'apns' },
      { ...warning('service-account', 'old', 'Make another one.'), service: 'fcm' },
      { ...ok('push', 'the gateway accepts the credential'), service: 'apns' },
      { ...skipped('push', 'there is no token to send with'), service: 'fcm' },
    ];
    assert.deepEqual(printed({}, {}, both, true).split('\n'), [
      'ok             open files    20,000 files may be open',
      'ok       APNs  key           key ABCDE12345',
      'warning  FCM   account       old',
      '                             → Make another one.',
      'ok       APNs  test push     the gateway accepts the credential',
      'skipped  FCM   test push     there is no token to send with',
      '',
      'Nothing failed. 1 warning. The gateway of FCM was not asked whether it accepts a push. 1 step was skipped.',
      '',
    ]);
    const broken: Step[] = [...both, { ...failed('http2', 'x', 'Y.', 4), service: 'fcm' }];
    assert.match(printed({}, {}, broken, true), /Begin with the first: HTTP\/2 \(FCM\)\./);
    for (const line of printed({ isTTY: true, columns: 60 }, { NO_COLOR: '1' }, broken, true).split('\n')) {
      assert.ok(line.length < 60, line);
    }
  });

  it('end with a sentence where no gateway was asked, because nothing failed then either', () => {
    const unasked = [ok('files', '20,000 files may be open'), skipped('push', '--offline')];
    assert.match(
      printed({}, {}, unasked),
      /in order\. No gateway was asked whether it accepts a push\. 1 step was skipped\.\n$/,
    );
    assert.match(
      printed({}, {}, [ok('push', 'the gateway accepts it')]),
      /\nEverything that was looked at is in order\.\n$/,
    );
  });

  it('say the same with colour, which the state has', () => {
    const coloured = printed({ isTTY: true, columns: 80 }, {});
    const esc = String.fromCharCode(27);
    for (const code of ['32mok', '33mwarning', '31mfailed', '2mskipped'])
      assert.ok(coloured.includes(`${esc}[${code}`));
    const bare = coloured.replaceAll(new RegExp(`${esc}\\[\\d+m`, 'g'), '');
    assert.equal(bare, printed({ isTTY: true, columns: 80 }, { NO_COLOR: '1' }));
  });
});
