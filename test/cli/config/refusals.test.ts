/** Files and variables that are refused: one sentence with the file, the line, the key and what to do, and no value. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { type CommandResult, runCommand } from '../../support/command.js';
import { assertOneSentence } from '../fixture.js';
import { ConfigFolder } from './config-folder.js';

/** Stands where it must not be shown. */
const secret = 'Geheim42';

/** Texts of YAML, and what is said about them after the name of the file. */
const yaml: readonly (readonly [text: string, said: string])[] = [
  ['', ': the file is empty: check how it was written, or remove it.'],
  [' \r\n\t\n', ': the file is empty: check how it was written, or remove it.'],
  ['send:\n\trate: 5/s\n', ', line 2: a tab stands before the text: indent with blanks.'],
  [`topic: a\nkeyId: ${secret}\ntopic: b\n`, ', line 3: topic stands here a second time, after line 1: remove one.'],
  [
    `topic: a\n---\ntopic: ${secret}\n`,
    ', line 2: a second document begins here, and the file has to have one: remove the line ---.',
  ],
  [`topic: "${secret}\n`, ', line 2: a quote, bracket or colon is missing.'],
  [`- ${secret}\n`, ', line 1: the file has to be a mapping of settings, such as "topic: com.example.app".'],
  [`${secret}\n`, ', line 1: the file has to be a mapping of settings, such as "topic: com.example.app".'],
  [`topic: *${secret}\n`, ', line 1: the alias has no anchor before it.'],
  ['topic: &a {topic: *a}\n', ', line 1: values stand too deep within each other.'],
  [`topic: !!binary ${secret}\n`, ', line 1: the value has to be text, a number, true or false.'],
  [`topic: !js ${secret}\n`, ', line 1: a tag (!) stands before the value, and settings have none.'],
  ['? [a, b]\n: 1\n', ', line 1: a key has to be text.'],
  ['topc: a\n', ', line 1: the top of the file has no setting topc: did you mean topic?'],
  ['key-id: a\n', ', line 1: the top of the file has no setting key-id: did you mean keyId?'],
  ['send:\n  rtae: 5/s\n', ', line 2: peal send has no setting rtae: did you mean rate?'],
  ['sned:\n  rate: 5/s\n', ', line 1: the top of the file has no setting sned: did you mean send?'],
  ['rate: 5/s\n', ', line 1: the top of the file has no setting rate: it belongs into a section, such as send.'],
  ['channels:\n  create:\n    cuont: 3\n', ', line 3: peal channels create has no setting cuont: did you mean count?'],
  ['credentials:\n  key: a\n', ', line 2: peal credentials has no setting key: this command has no such option.'],
  [
    'send:\n  force: true\n',
    ', line 2: peal send has no setting force: it belongs to one run, so give it on the command line.',
  ],
  [
    '__proto__:\n  topic: a\n',
    ', line 1: the top of the file has no setting __proto__: docs/configuration.md lists the settings.',
  ],
  [
    'send:\n  constructor: a\n',
    ', line 2: peal send has no setting constructor: docs/configuration.md lists the settings.',
  ],
  [
    'resume:\n  rate: 5/s\n',
    ', line 1: the top of the file has no setting resume: docs/configuration.md lists the settings.',
  ],
  [
    `passphrase: ${secret}\n`,
    ', line 1: the top of the file has no setting passphrase: a secret does not belong into the file: set PEAL_PASSPHRASE, or write passphraseFile.',
  ],
  [
    `proxy: http://u:${secret}@h:1\n`,
    ', line 1: proxy is a URL with a password, which belongs into the variable PEAL_PROXY alone.',
  ],
  [
    `redis: rediss://:${secret}@h:1\n`,
    ', line 1: redis is a URL with a password, which belongs into the variable PEAL_REDIS alone.',
  ],
  [
    `store: postgres://u:${secret}@h/d\n`,
    ', line 1: store is a URL with a password, which belongs into the variable PEAL_CREDENTIALS alone.',
  ],
  [
    `key: |\n  -----BEGIN PRIVATE KEY-----\n  ${secret}\n`,
    ', line 1: key holds the text of a key or certificate, and has to be the path of a file: give the text as PEAL_KEY.',
  ],
  ['key: ~/k.p8\n', ', line 1: key begins with ~, which stands for nothing here: write the whole path.'],
  [
    'key: $HOME/k.p8\n',
    ', line 1: key names a variable, which is not replaced here: write the path, or set it by its variable.',
  ],
  ['topic:\n', ', line 1: topic has no value: give it one, or leave it out.'],
  ['topic: ""\n', ', line 1: topic is empty: give it a value, or leave it out.'],
  ['topic: [a]\n', ', line 1: topic has to be one value, not a list.'],
  [`topic:\n  a: ${secret}\n`, ', line 1: topic has to be one value, not a mapping.'],
  ['send: 5\n', ', line 1: send has to be a mapping of settings.'],
  ['keyId: 0123456789\n', ', line 1: keyId has to be text: write it in quotes.'],
  ['topic: true\n', ', line 1: topic has to be text or a number, not true or false: write it in quotes if it is text.'],
  ['metricsPort: 70000\n', ', line 1: metricsPort has to be a whole number from 0 to 65535.'],
  [`metricsPort: ${secret}\n`, ', line 1: metricsPort has to be a whole number from 0 to 65535.'],
  ['threads: off\n', ', line 1: threads has to be "auto" or a whole number from 0 to 64.'],
  ['environment: prod\n', ', line 1: environment has to be production, sandbox or development.'],
  ['send:\n  json: yes\n', ', line 2: json has to be true or false, not yes, no, on or off.'],
  ['send:\n  json: "true"\n', ', line 2: json has to be true or false, without quotes.'],
  [
    'send:\n  maxDuration: soon\n',
    ', line 2: maxDuration has to be a duration up to 366d, such as 90 (seconds), 90s, 5m or 1h.',
  ],
  ['send:\n  stopOn: []\n', ', line 2: stopOn is an empty list: give it a value, or leave it out.'],
  ['send:\n  stopOn: [BadTopic, 5]\n', ', line 2: stopOn (value 2) has to be text: write it in quotes.'],
  ['pin:\n  - a\n  - [b]\n', ', line 1: pin (value 2) has to be one value.'],
];

const json: readonly (readonly [text: string, line: number | null])[] = [
  [`{"topic": ${secret}}`, 1],
  [`{\n"topic": "${secret}",\n}`, 3],
  [`{\n'topic': "${secret}"}`, 2],
  [`// ${secret}\n{}`, 1],
  [`{"topic": "${secret}`, 1],
  ['{} x', 1],
];

describe('settings that are refused', () => {
  let folder: ConfigFolder;

  before(() => {
    folder = new ConfigFolder();
  });
  after(() => folder[Symbol.dispose]());

  const print = async (file: string): Promise<CommandResult> => runCommand(['config', 'print', '--config', file]);

  const assertRefused = (result: CommandResult, sentence: string): void => {
    assert.deepEqual([result.code, result.stdout, result.stderr], [2, '', `peal: ${sentence}\n`]);
    assert.ok(!result.stderr.includes(secret), result.stderr);
  };

  for (const [text, said] of yaml) {
    it(`are those of ${JSON.stringify(text.replaceAll(secret, 'SECRET').slice(0, 60))}`, async () => {
      const file = folder.write('peal.config.yaml', text);
      assertRefused(await print(file), `${file}${said}`);
    });
  }

  for (const [text, line] of json) {
    it(`are those of ${JSON.stringify(text.replaceAll(secret, 'SECRET'))} as JSON`, async () => {
      const file = folder.write('peal.config.json', text);
      const said =
        'the file is not JSON here: check quotes and commas, or name it peal.config.yaml to have comments in it.';
      assertRefused(await print(file), `${file}${line === null ? '' : `, line ${line}`}: ${said}`);
    });
  }

  it('are those of a file that is missing, is a directory, a link to nowhere, too large or not text', async () => {
    mkdirSync(folder.path('directory.yaml'));
    symlinkSync('nowhere', folder.path('link.yaml'));
    for (const [name, said] of [
      ['missing.yaml', 'the configuration file does not exist.'],
      ['directory.yaml', 'the configuration file is a directory, not a file.'],
      ['link.yaml', 'the configuration file does not exist.'],
      [
        folder.write('large.yaml', 'x'.repeat(10_000_000)),
        'the file has more than 64 KiB, which no configuration needs.',
      ],
      [
        folder.write('latin.yaml', Buffer.from('topic: \xe4', 'latin1')),
        'the file is not text in UTF-8. Save it as UTF-8.',
      ],
      [
        folder.write('utf16.yaml', Buffer.from('topic: a', 'utf16le')),
        'the file is not text. Give --config the file that was meant.',
      ],
    ] as const) {
      const file = name.startsWith('/') ? name : folder.path(name);
      assertRefused(await print(file), `${file}: ${said}`);
    }
  });

  it('are those of nonsense of the largest size, in bounded time and memory', async () => {
    const most = 60_000;
    for (const text of [
      ...[
        '['.repeat(most),
        '{a: '.repeat(most / 4),
        '- '.repeat(most / 2),
        '&a '.repeat(most / 3),
        '? '.repeat(most / 2),
      ],
      ...['"'.repeat(most), 'a: b: '.repeat(most / 6), '%YAML 1.1\n---\n'.repeat(most / 14)],
      Array.from({ length: 6_500 }, (_, index) => `k${index}: 1`).join('\n'),
      // Each alias stands for ten of the one before.
      `a0: &a0 x\n${Array.from({ length: 9 }, (_, n) => `a${n + 1}: &a${n + 1} [${`*a${n},`.repeat(10)}]`).join('\n')}`,
    ]) {
      const result = await print(folder.write('peal.config.yaml', text));
      assert.equal(result.code, 2, text.slice(0, 20));
      assertOneSentence(result, /peal\.config\.yaml, line \d+: /);
      assert.ok(result.stderr.length < 400, result.stderr);
    }
  });

  it('are a file and --config that are not clear', async () => {
    const file = folder.write('peal.config.yaml', 'topic: a\n');
    folder.write('peal.config.json', '{}');
    const here = { cwd: folder.folder };
    const two = await runCommand(['send', 'x'], here);
    assertRefused(
      two,
      'peal.config.json and peal.config.yaml both are in this directory: remove one, or give --config FILE.',
    );
    for (const [args, env, said] of [
      [['--config', ''], {}, '--config is empty: give the path of a file, or none for no file.'],
      [['--config'], {}, '--config needs the path of a file, or none for no file.'],
      [['--config', file, `--config=${file}`], {}, '--config is given twice, and can have only one value.'],
      [[], { PEAL_CONFIG: ' ' }, 'PEAL_CONFIG is empty: give the path of a file, or none for no file.'],
    ] as const) {
      assertRefused(await runCommand(['send', 'x', ...args], { env }), said);
    }
  });

  it('are variables that are empty, of a wrong kind, or hold a password, each by its name', async () => {
    for (const [name, value, said] of [
      ['PEAL_RATE', '', 'is empty: check that it is set where its value comes from, unset it, or give --rate.'],
      ['PEAL_RATE', '\n', 'is empty: check that it is set where its value comes from, unset it, or give --rate.'],
      ['PEAL_METRICS_PORT', secret, 'has to be a whole number from 0 to 65535.'],
      ['PEAL_SEND_THREADS', secret, 'has to be "auto" or a whole number from 0 to 64.'],
      ['PEAL_ENVIRONMENT', secret, 'has to be production, sandbox or development.'],
      ['PEAL_JSON', 'yes', 'has to be 1 or true, 0 or false.'],
      ['PEAL_TOKENS', `[${secret}`, 'has to be one value a line, or a list of texts in JSON.'],
      [
        'PEAL_SEND_PROXY',
        `http://u:${secret}@h`,
        'is a URL with a password, which belongs into the variable PEAL_PROXY alone.',
      ],
    ] as const) {
      const result = await runCommand(['send', 'x', '--alert', 'Hi'], { env: { [name]: value } });
      assertRefused(result, `The environment variable ${name} ${said}`);
    }
    // Another command does not read it.
    const other = await runCommand(['channels', 'list', '--bundle-id', 'x'], { env: { PEAL_RATE: '' } });
    assert.ok(!other.stderr.includes('PEAL_RATE'), other.stderr);
  });

  it('are options of a line that its command would refuse, before it is run', async () => {
    const none = ['config', 'print', '--config', 'none', 'send'];
    for (const [line, said] of [
      [['--rat', '5'], /unknown option --rat: /],
      [[`--passphrase=${secret}`], /unknown option --passphrase: /],
      [['--rate', 'bogus'], /'--rate <.*is invalid/],
      [['--environment', 'sandbox', '--gateway', 'https://h'], /do not go together: remove one/],
    ] as const) {
      const { code, stdout, stderr } = await runCommand([...none, ...line]);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, said);
      assert.ok(!stderr.includes(secret), stderr);
    }
    const file = folder.write('two.yaml', 'environment: sandbox\ngateway: https://h\n');
    const both = await runCommand(['config', 'print', '--config', file]);
    assert.deepEqual([both.code, both.stdout], [2, '']);
    assert.match(both.stderr, /two\.yaml, line [12]\) do not go together: remove one\.\n$/);
  });

  it('are two that contradict each other, in the words and with the code of every run', async () => {
    const pair = folder.write('pair.yaml', 'key: k.p8\ncert: c.pem\n');
    const ids = { PEAL_KEY_ID: 'ABCDE12345', PEAL_TEAM_ID: 'FGHIJ67890' };
    for (const [env, file, said] of [
      [{ PEAL_KEY: 'k.p8', PEAL_CERT: 'c.pem' }, 'none', '--key (PEAL_KEY) and --cert (PEAL_CERT)'],
      [{ ...ids, PEAL_PFX: 'x.p12' }, 'none', '--key-id (PEAL_KEY_ID) and --pfx (PEAL_PFX)'],
      [{}, pair, `--key (${pair}, line 1) and --cert (${pair}, line 2)`],
      [
        { PEAL_ENVIRONMENT: 'sandbox', PEAL_GATEWAY: 'https://h' },
        'none',
        '--environment (PEAL_ENVIRONMENT) and --gateway (PEAL_GATEWAY)',
      ],
    ] as const) {
      const sentence = `peal: ${said} do not go together: remove one.\n`;
      for (const line of [
        ['config', 'print'],
        ['config', 'print', 'send'],
        ['send', 'x', '--alert', 'Hi'],
        ['doctor', '--offline'],
      ]) {
        const { code, stdout, stderr } = await runCommand([...line, '--config', file], { env });
        assert.deepEqual([code, stdout, stderr], [2, '', sentence], line.join(' '));
      }
    }
  });

  it('are not two of which a run takes one', async () => {
    for (const env of [
      { PEAL_KEY: 'k.p8', PEAL_SEND_CERT: 'c.pem' },
      { PEAL_STORE: 'file:s', PEAL_KEY: 'k.p8' },
    ]) {
      assert.equal((await runCommand(['config', 'print', '--config', 'none'], { env })).code, 0);
    }
  });

  it('of a pipe are waited for without being deaf to Ctrl-C, and so are keys', async function () {
    if (process.platform === 'win32') this.skip();
    const pipe = folder.path('silent.yaml');
    execFileSync('mkfifo', [pipe]);
    for (const line of [
      ['config', 'print', '--config', pipe],
      ['send', 'x', '--alert', 'Hi', '--config', pipe],
      ['doctor', '--offline', '--key', pipe, '--key-id', 'ABCDE12345', '--team-id', 'FGHIJ67890'],
    ]) {
      // Its file is open once the command reads from it; then it is silent for longer than anybody waits.
      const writer = spawn('sh', ['-c', 'exec 3>"$0"; echo open; exec cat', pipe], {
        stdio: ['pipe', 'pipe', 'ignore'],
      });
      const { code, stderr } = await runCommand(line, {
        whileRunning: async (child) => {
          await once(writer.stdout, 'data');
          child.kill('SIGINT');
        },
      });
      writer.kill();
      assert.deepEqual([code, stderr], [130, 'peal: interrupted before anything was done\n'], line.join(' '));
    }
  });

  it('are variables that mean a dry run, so that nothing is sent in spite of them', async () => {
    for (const name of ['PEAL_DRY_RUN', 'PEAL_SEND_DRY_RUN']) {
      const result = await runCommand(['send', 'x', '--alert', 'Hi'], { env: { [name]: '1' } });
      assertRefused(
        result,
        `${name}: a dry run belongs to one run, so give --dry-run on the command line, or unset it.`,
      );
      const off = await runCommand(['send', 'x', '--alert', 'Hi'], { env: { [name]: '0' } });
      assert.doesNotMatch(off.stderr, /a dry run belongs/);
    }
  });

  it('are told as JSON where the environment asks for that', async () => {
    const { code, stderr } = await runCommand(['send', 'x'], { env: { PEAL_LOG_FORMAT: 'json', PEAL_RATE: '' } });
    assert.equal(code, 2);
    const line = JSON.parse(stderr) as { level: string; code: string; msg: string };
    assert.deepEqual([line.level, line.code], ['error', 'ERR_PEAL_OPTION']);
    assert.match(line.msg, /^The environment variable PEAL_RATE is empty/);
  });

  it('do not keep help from being shown, nor commands that take no settings from running', async () => {
    folder.write('peal.config.json', 'nonsense');
    const here = { cwd: folder.folder };
    assert.equal((await runCommand(['send', '--help'], here)).code, 0);
    assert.equal((await runCommand(['--version'], here)).code, 0);
    const report = await runCommand(['report', folder.path('none')], here);
    assert.equal(report.code, 6, report.stderr);
    const resume = await runCommand(['resume', folder.path('none'), '--config', 'x'], here);
    assert.match(resume.stderr, /unknown option '--config'/);
  });

  it('are noted where a variable means nothing, unless --quiet is given', async () => {
    const env = { PEAL_RAET: '5/s' };
    const { stderr } = await runCommand(['send', 'x'], { env });
    assert.match(stderr, /^peal: there is no variable PEAL_RAET \(did you mean PEAL_RATE\?\), so it has no effect\n/);
    assert.doesNotMatch((await runCommand(['send', 'x', '--quiet'], { env })).stderr, /PEAL_RAET/);
    const named = await runCommand(['send', 'x', '--key', 'env:PEAL_RAET'], { env });
    assert.doesNotMatch(named.stderr, /has no effect/);
  });

  it('are noted where every user may change the file', async () => {
    const file = folder.write('open.yaml', 'topic: a\n');
    chmodSync(file, 0o666);
    const { stderr } = await runCommand(['send', 'x', '--config', file]);
    assert.match(
      stderr,
      /^peal: \S+open\.yaml: every user of this machine may change this file.*chmod o-w \S+open\.yaml\n/,
    );
  });

  it('are followed by where options come from that a later error names', async () => {
    const file = folder.write('late.yaml', `topic: a\nkey: missing.p8\nkeyId: ABCDE12345\n`);
    const args = ['send', 'x', '--alert', 'Hi', '--config', file];
    const rule = await runCommand(args, { env: { PEAL_ENVIRONMENT: 'sandbox' } });
    assert.deepEqual(rule.stderr.split('\n'), [
      'peal: --key needs --key-id and --team-id.',
      `peal: --key is from ${file}, line 2; --key-id is from ${file}, line 3`,
      '',
    ]);
    const env = { PEAL_ENVIRONMENT: 'sandbox', PEAL_TEAM_ID: 'ABCDE12345' };
    const read = await runCommand(args, { env });
    assert.equal(read.code, 5);
    assert.match(read.stderr, /\(--key\) does not exist\.\npeal: --key is from \S+late\.yaml, line 2\n$/);
  });
});
