/**
 * The Dockerfile, as far as it can be judged without an engine: what it copies, as whom it runs, and what is written of
 * it.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { repositoryRoot } from '../support/repository.js';

const textOf = (file: string): string => readFileSync(path.join(repositoryRoot, file), 'utf8');

const instructions = textOf('Dockerfile')
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll('\\\n', ' ')
  .split('\n')
  .filter((line) => line.trim() !== '')
  .map((line) => {
    const [name = '', ...rest] = line.trim().split(/\s+/);
    return { name, words: rest, text: rest.join(' ') };
  });
const all = (name: string) => instructions.filter((one) => one.name === name);
const last = instructions.slice(instructions.findLastIndex(({ name }) => name === 'FROM'));
const sources = all('COPY')
  .filter(({ words }) => !words[0]!.startsWith('--from='))
  .flatMap(({ words }) => words.slice(0, -1));
const allowed = textOf('.dockerignore')
  .split('\n')
  .filter((line) => line.startsWith('!'))
  .map((line) => line.slice(1));
const manifest = JSON.parse(textOf('package.json')) as {
  readonly bin: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
};

describe('the Dockerfile', () => {
  it('builds on one base in an exact version', () => {
    assert.match(all('ARG')[0]!.text, /^NODE=node:\d+\.\d+\.\d+-bookworm-slim$/);
    assert.deepEqual(
      all('FROM').map(({ words }) => words[0]!.replaceAll(/[${}]/g, '')),
      ['NODE', 'NODE'],
    );
  });

  it('ends as a user with a number who is not root, and does nothing after that', () => {
    const users = last.filter(({ name }) => name === 'USER');
    assert.equal(users.length, 1);
    assert.match(users[0]!.text, /^[1-9]\d{3,}:[1-9]\d{3,}$/);
    const after = last.slice(last.indexOf(users[0]!) + 1).map(({ name }) => name);
    assert.deepEqual(after, ['ENTRYPOINT', 'CMD']);
    const [user] = users[0]!.text.split(':');
    const given = last.find(({ name }) => name === 'RUN')!.text;
    assert.match(given, new RegExp(`install -d -o ${user} -g ${user} -m 0700 /var/lib/peal`));
  });

  it('copies what is there, and only that can come into it', () => {
    for (const file of sources) assert.ok(existsSync(path.join(repositoryRoot, file)), file);
    assert.deepEqual([...allowed].sort(), [...new Set(sources)].sort());
    assert.match(textOf('.dockerignore'), /^\*$/m);
  });

  it('copies all that the compiler reads', () => {
    const { include, extends: base } = JSON.parse(textOf('tsconfig.package.json')) as {
      readonly include: readonly string[];
      readonly extends: string;
    };
    for (const file of [...include, path.normalize(base)]) assert.ok(sources.includes(file), file);
    const files = include.flatMap((folder) =>
      readdirSync(path.join(repositoryRoot, folder), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts'))
        .map((file) => path.join(folder, file)),
    );
    for (const file of files) {
      for (const [, from = ''] of textOf(file).matchAll(/^(?:import|export) [^;]*?from '(\.[^']+)';$/gm)) {
        const [folder = ''] = path.join(path.dirname(file), from).split(path.sep);
        assert.ok(include.includes(folder), `${file} imports ${from}`);
      }
    }
  });

  it('runs no install script, and only scripts that package.json has', () => {
    for (const { text } of all('RUN')) {
      for (const [command] of text.matchAll(/npm (?:ci|install|prune)[^&]*/g))
        assert.match(command, /--ignore-scripts/);
      for (const [, script = ''] of text.matchAll(/npm run (\S+)/g)) assert.ok(script in manifest.scripts, script);
    }
  });

  it('has the packages of a cluster, all that peal can use beside its own', () => {
    const [, names = ''] = /\[('[^\]]*')\]/.exec(
      all('RUN')
        .map(({ text }) => text)
        .join('\n'),
    )!;
    const packages = names.split(/,\s*/).map((name) => name.replaceAll("'", ''));
    assert.deepEqual(packages.sort(), Object.keys(manifest.peerDependencies).sort());
    for (const name of packages) assert.match(manifest.devDependencies[name]!, /^\d/);
  });

  it('begins with the command of package.json, which gets signals itself', () => {
    assert.deepEqual(JSON.parse(last.find(({ name }) => name === 'ENTRYPOINT')!.text), ['peal']);
    const given = last.find(({ name }) => name === 'RUN')!.text;
    assert.ok(given.includes(`ln -s /opt/peal/${manifest.bin.peal} /usr/local/bin/peal`));
  });

  it('has the user whom the files of a cluster name', () => {
    const [user] = last.find(({ name }) => name === 'USER')!.text.split(':');
    for (const file of ['worker', 'dispatch']) {
      const yaml = textOf(`examples/many-machines/kubernetes/${file}.yaml`);
      assert.match(yaml, new RegExp(`runAsUser: ${user}\n +fsGroup: ${user}\n`));
    }
    assert.ok(textOf('examples/many-machines/compose.yaml').includes(`(${user})`));
    assert.ok(textOf('docs/docker.md').includes(`user ${user}`));
  });

  it('is described with a command of health that tells a service that is well from one that is not', async () => {
    const [, code = ''] = /--health-cmd "node -e \\"(.*?)\\""/.exec(textOf('docs/docker.md'))!;
    let status = 200;
    const server = createServer((request, response) => {
      response.writeHead(request.url === '/healthz' ? status : 404).end();
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const health = async (): Promise<unknown> => {
      const child = spawn(process.execPath, ['-e', code.replace('8088', String(port))]);
      return (await once(child, 'close'))[0];
    };
    try {
      assert.equal(await health(), 0);
      status = 503;
      assert.equal(await health(), 1);
    } finally {
      server.close();
      server.closeAllConnections();
    }
    assert.equal(await health(), 1);
  });
});
