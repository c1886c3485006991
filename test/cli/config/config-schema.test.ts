/**
 * The schema that ships: it is that of the commands, and an independent reader of JSON Schema judges by it as peal
 * does.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { runCommand } from '../../support/command.js';
import { commandOptions } from '../../support/command-options.js';
import { repositoryRoot } from '../../support/repository.js';
import { ConfigFolder } from './config-folder.js';

interface Leaf {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Leaf>>;
  readonly additionalProperties?: boolean;
}

const shipped = JSON.parse(readFileSync(path.join(repositoryRoot, 'peal.config.schema.json'), 'utf8')) as Leaf;

describe('the schema of the configuration file', () => {
  it('is the one that ships, and that programs find by its name', async () => {
    const { code, stdout } = await runCommand(['config', 'schema']);
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(stdout), shipped, 'npm run api writes it anew');
    assert.deepEqual(createRequire(import.meta.url)('peal/config.schema.json'), shipped);
  });

  it('has every option of a command in its section, but acts of one run, and describes it', () => {
    const acts = new Set(['force', 'yes', 'dryRun', 'watch', 'cluster', 'requestId', 'offline']);
    for (const [name, groups] of Object.entries(commandOptions)) {
      if (['resume', 'rate', 'pause', 'report', 'config', 'completion', 'channels', 'credentials'].includes(name)) {
        continue;
      }
      const names = new Set(groups.flatMap(({ options }) => options.map((option) => option.attributeName())));
      const { properties = {}, additionalProperties } = shipped.properties![name]!;
      const wanted = [...names].filter((one) => !acts.has(one));
      assert.deepEqual(Object.keys(properties).sort(), wanted.sort(), name);
      assert.equal(additionalProperties, false);
      for (const leaf of Object.values(properties)) assert.ok((leaf.description ?? '').length > 3);
    }
    const { create, list, read, remove, ...common } = shipped.properties!.channels!.properties!;
    for (const action of [create, list, read, remove]) {
      for (const name of Object.keys(common)) assert.ok(name in action!.properties!, name);
    }
    assert.deepEqual(Object.keys(shipped.properties!.credentials!.properties!), ['store', 'sealKeyFile', 'quiet']);
  });

  it('takes and refuses what peal does', async () => {
    using folder = new ConfigFolder();
    const judge = z.fromJSONSchema(shipped as never);
    for (const [text, isRight] of [
      ['topic: a', true],
      ['$schema: ./x.json', true],
      ['topic: 5', false],
      ['topc: a', false],
      ['metricsPort: 9464', true],
      ['metricsPort: "9464"', true],
      ['metricsPort: 70000', false],
      ['metricsPort: -1', false],
      ['threads: auto', true],
      ['threads: many', false],
      ['environment: prod', false],
      ['pin: a', true],
      ['pin: [a, b]', true],
      ['pin: []', false],
      ['x-base: &base {rate: 5/s}\nsend: *base', true],
      ['send: {rate: 5/s, stopOn: [A, B], aps: {thread-id: x}, priority: 10, badge: 3, expiration: 1h}', true],
      ['send: {badge: "{{unread|0}}", maxErrorRate: 2.5, dedupeMemory: 64MiB, header: false}', true],
      ['send: {json: 1}', false],
      ['send: {rtae: 5/s}', false],
      ['send: {force: true}', false],
      ['channels: {bundleId: a, create: {count: 3}}', true],
      ['channels: {count: 3}', false],
      ['simulate: {connectionWindow: large, fcmQuota: off, seed: 7}', true],
      ['resume: {rate: 5/s}', false],
    ] as const) {
      assert.equal(judge.safeParse(parse(text)).success, isRight, text);
      const file = folder.write('peal.config.yaml', text);
      const { code, stderr } = await runCommand(['config', 'print', '--config', file]);
      assert.equal(code, isRight ? 0 : 2, `${text}: ${stderr}`);
    }
  });
});
