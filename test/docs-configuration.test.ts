/** docs/configuration.md: its tables are those of the source, and its files are ones that peal takes. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { variableNameOf } from '../src/cli/config/definitions.js';
import { sharedDefinitions } from '../src/cli/config/shared-settings.js';
import { pealVariables } from '../src/cli/shared/peal-variables.js';
import { ConfigFolder } from './cli/config/config-folder.js';
import { runCommand } from './support/command.js';
import { repositoryRoot } from './support/repository.js';

const page = readFileSync(path.join(repositoryRoot, 'docs/configuration.md'), 'utf8');
const section = (heading: string): string => page.split(`\n## ${heading}\n`)[1]!.split('\n## ')[0]!;
const rows = (text: string): string[][] =>
  [...text.matchAll(/^\| `([^|]*)\|([^|]*)\|/gm)].map(([, first, second]) => [
    first!.replaceAll('`', '').trim(),
    second!.replaceAll('`', '').trim(),
  ]);

describe('docs/configuration.md', () => {
  it('has a row for each setting at the top of the file, with its variable', () => {
    const real = [...sharedDefinitions().values()].map((one) => [one.name, variableNameOf(one)]);
    assert.deepEqual(rows(section('Settings at the top')), real);
  });

  it('has a row for each variable that holds what is not an option', () => {
    const named = rows(section('Variables')).map(([name]) => name);
    assert.deepEqual(named, [...pealVariables, 'PEAL_CONFIG']);
  });

  it('shows files that peal takes', async () => {
    using folder = new ConfigFolder();
    const blocks = [...page.matchAll(/^```(yaml|json)\n([\s\S]*?)\n```$/gm)].filter(
      ([, , text]) => !text!.includes('fileMatch'),
    );
    assert.ok(blocks.length >= 2);
    for (const [, kind, text] of blocks) {
      const file = folder.write(`peal.config.${kind}`, text!);
      const { code, stdout, stderr } = await runCommand(['config', 'print', '--config', file]);
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^topic +com\.example\.app +/m);
    }
  });

  it('names variables and settings that there are', async () => {
    using folder = new ConfigFolder();
    const names = new Set([...page.matchAll(/\bPEAL_[A-Z_]+[A-Z]\b/g)].map(([name]) => name));
    // Those of other names are of one command, or of a store.
    const values: Readonly<Record<string, string>> = {
      PEAL_PORT: 'tcp://10.0.0.1:80',
      PEAL_RATE: '5/s',
      PEAL_SEND_RATE: '5/s',
    };
    const wrong = ['PEAL_CONFIG', 'PEAL_ENVIRONMENT', 'PEAL_RETRIES', 'PEAL_THREADS'];
    const isSimple = (name: string): boolean =>
      !wrong.includes(name) && !/_(?:PORT|TIME|LINGER|QUOTA|LEVEL|FORMAT|CONNECTIONS)$/.test(name);
    const env = Object.fromEntries(
      [...names].filter((name) => name in values || isSimple(name)).map((name) => [name, values[name] ?? 'x']),
    );
    assert.ok(Object.keys(env).length > 20);
    // One by one: some contradict each other.
    for (const [name, value] of Object.entries(env)) {
      const { unknownVariables } = await folder.print('topic: a\n', [], { [name]: value });
      assert.deepEqual(unknownVariables, []);
    }
    for (const name of ['metricsHost', 'metricsLinger', 'fcmGateway', 'fcmQuota', 'identity', 'certKey']) {
      assert.ok(sharedDefinitions().has(name) && page.includes(`\`${name}\``), name);
    }
  });
});
