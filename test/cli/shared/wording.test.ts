import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { optionOfKey } from '../../../src/apns/aps-fields.js';
import { PealError } from '../../../src/base/errors.js';
import { either, option, theOption } from '../../../src/base/wording.js';
import { sendOptionGroups } from '../../../src/cli/send/send-options.js';
import { commandMessage, flagWords, inFlagWords } from '../../../src/cli/shared/wording.js';
import { commandOptions, flagsOf } from '../../support/command-options.js';
import { repositoryRoot } from '../../support/repository.js';

const said = (message: string): string =>
  commandMessage(new PealError('ERR_PEAL_OPTION', message, { origin: 'usage' }));

describe('words of the command line', () => {
  it('are flags', () => {
    assert.equal(said(`${theOption('collapseId')} is wrong.`), '--collapse-id is wrong.');
    assert.equal(said(`${theOption('retry.timeMs')} and ${option('pins')}.`), '--retry-time and --pin.');
    assert.equal(said(`${theOption('payload.aps.badge')} is wrong.`), '--payload: aps.badge is wrong.');
    assert.equal(said(`${theOption('pins[2]')} is wrong.`), '--pin (value 3) is wrong.');
    assert.equal(said(`Give ${either('{ seconds: 3600 }', '1h')}.`), 'Give 1h.');
  });

  it('can be a command’s own', () => {
    const error = new PealError('ERR_PEAL_CREDENTIAL', `${theOption('key')} is empty.`, { origin: 'credential' });
    assert.equal(commandMessage(error), '--key is empty.');
    const own = inFlagWords(error, { key: '--cert-key' });
    assert.deepEqual(
      [own.message, own.code, own.origin],
      ['--cert-key is empty.', 'ERR_PEAL_CREDENTIAL', 'credential'],
    );
  });

  it('name flags that exist for what a message, a send and a session take', () => {
    const known = sendOptionGroups().flatMap(({ options }) => options.map(({ long }) => long));
    const paths = ['alert', 'alert.title', 'alert.body', 'payload', 'badge', 'sound', 'topic', 'pushType', 'priority'];
    const others = ['expiration', 'expiry', 'collapseId', 'ca', 'pins', 'maxConnections', 'threads', 'address'];
    const sending = ['retry', 'retry.attempts', 'retry.timeMs', 'onUnknown', 'stopAtBadTokens'];
    for (const path of [...paths, ...others, ...sending]) {
      assert.ok(known.includes(flagWords().option(path, '')), path);
    }
  });

  describe('name only flags that exist', () => {
    const known = new Set([
      ...Object.values(commandOptions).flatMap(flagsOf),
      '--help',
      '--version',
      // Of the program zstd, and of a style sheet.
      ...['--long', '--soft'],
      // Of Node.
      ...['--permission', '--allow-fs-read', '--allow-fs-write', '--allow-net', '--allow-addons', '--allow-worker'],
    ]);
    const files = readdirSync(path.join(repositoryRoot, 'src'), { recursive: true, encoding: 'utf8' });
    const sources = files
      .filter((name) => name.endsWith('.ts'))
      .map((name) => [name, readFileSync(path.join(repositoryRoot, 'src', name), 'utf8')] as const);
    /** What a command line never gives: programs alone meet sentences about it. */
    const ofPrograms = [
      'accessToken',
      'apnsId',
      'backend',
      'backendOptions',
      'clock',
      'extra',
      'headers',
      'mdm',
      'personal',
      'platforms.sender',
      'publicKey',
      'pushes',
      'recipients',
      'sender',
      'service',
      'sign',
      'token',
      'tokenUrl',
    ];

    it('in text that is written out', () => {
      const strangers: string[] = [];
      for (const [name, text] of sources) {
        const code = text.replace(/^ *(?:\/\*\*?|\*|\/\/).*$/gm, '');
        for (const [flag] of code.matchAll(/(?<=['"`].*)(?<![\w-])--[a-z][a-z-]+/g)) {
          if (!known.has(flag)) strangers.push(`${name}: ${flag}`);
        }
      }
      assert.deepEqual(strangers, []);
    });

    it('where the library marks an option', () => {
      const strangers: string[] = [];
      let marks = 0;
      for (const [name, text] of sources) {
        const paths = text.matchAll(/\b(?:option|theOption|NotPlainError)\(\s*(['`])([\w.-]+)\1/g);
        for (const [, , marked] of paths) {
          marks++;
          if (ofPrograms.includes(marked!)) continue;
          const flag = flagWords()
            .option(marked!, '')
            .split(/:| or /)[0]!;
          if (!known.has(flag) && !inPayload.test(flag)) strangers.push(`${name}: ${marked} is ${flag}`);
        }
      }
      assert.deepEqual(strangers, []);
      assert.ok(marks > 50, `${marks} marks were found`);
    });

    const inPayload = /^aps\.[a-z-]+ in --payload$/;

    for (const [key, name] of Object.entries(optionOfKey)) {
      it(`for what a message calls ${name}`, () => {
        const flag = flagWords().option(name, 'The option ');
        assert.ok(known.has(flag) || flag === `aps.${key} in --payload`, flag);
      });
    }
  });
});
