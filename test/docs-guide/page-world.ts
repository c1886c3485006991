/**
 * What the pages of docs/guide and docs/how-to are run in: simulators in the place of Apple's and Google's gateways,
 * and for each page a folder with the keys and lists that it names. Opened once for a file of tests; run-page.ts runs
 * pages in it.
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  createThrowAwayProviderKey,
  type Simulator,
  startSimulator,
  ThrowAwayAuthority,
} from '../../src/simulator/index.js';
import { quietPort } from '../support/quiet-port.js';
import { repositoryRoot } from '../support/repository.js';

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const snippetWorld = new URL('../support/snippet-world.js', import.meta.url).href;

/** Ports that pages name; in each page free ones take their places. */
const portsOfPages = ['8443', '8444', '8088', '8080', '9464', '6379'];

export class PageWorld implements AsyncDisposable {
  readonly #root = mkdtempSync(path.join(tmpdir(), 'peal-guide-'));
  readonly authority: ThrowAwayAuthority;
  readonly simulator: Simulator;
  /** Of the key KLMNO67890, which is as good as the one that each page has. */
  readonly secondKey: string;
  readonly #key: string;
  #pages = 0;

  private constructor(simulator: Simulator, authority: ThrowAwayAuthority, key: string, secondKey: string) {
    this.secondKey = secondKey;
    this.simulator = simulator;
    this.authority = authority;
    this.#key = key;
    mkdirSync(path.join(this.#root, 'bin'));
    writeFileSync(this.authorityFile, simulator.caCertificate!);
    // A program of a page is led to the simulator by the module that does it for docs/library.md, too.
    const programs = {
      peal: `exec '${process.execPath}' '${main}' "$@"`,
      node: `exec '${process.execPath}' --import '${snippetWorld}' "$@"`,
    };
    for (const [name, text] of Object.entries(programs))
      writeFileSync(path.join(this.#root, 'bin', name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }

  static async open(): Promise<PageWorld> {
    const authority = new ThrowAwayAuthority();
    const keys = [
      createThrowAwayProviderKey('ABCDE12345', 'FGHIJ67890'),
      createThrowAwayProviderKey('KLMNO67890', 'FGHIJ67890'),
    ] as const;
    const simulator = await startSimulator({
      auth: 'either',
      clientCa: authority.certificate,
      providerKeys: keys.map(({ keyId, teamId, publicKey }) => ({ keyId, teamId, publicKey })),
      topics: ['com.example.app'],
      channelsPort: 0,
      fcm: true,
      ledger: 'full',
    });
    return new PageWorld(simulator, authority, keys[0].p8, keys[1].p8);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.simulator.close();
    rmSync(this.#root, { recursive: true, force: true });
  }

  /** What clients have to trust. */
  get authorityFile(): string {
    return path.join(this.#root, 'simulator-ca.pem');
  }

  /** Options of a command that may use its credential at the simulator. */
  get trust(): string {
    return `--gateway ${this.simulator.url} --ca '${this.authorityFile}'`;
  }

  /** A new folder with what a page is given, and one for what the test itself keeps. Both books begin at nothing. */
  openPage(): { readonly folder: string; readonly scripts: string } {
    const folder = path.join(this.#root, `page-${++this.#pages}`);
    const scripts = `${folder}-scripts`;
    for (const one of [folder, scripts, path.join(folder, 'node_modules', '.bin')]) mkdirSync(one, { recursive: true });
    for (const name of ['peal', 'fastify', '@opentelemetry', 'bullmq', 'ioredis', 'pg']) {
      const place = name === 'peal' ? repositoryRoot : path.join(repositoryRoot, 'node_modules', name);
      symlinkSync(place, path.join(folder, 'node_modules', name));
    }
    symlinkSync(path.join(this.#root, 'bin', 'peal'), path.join(folder, 'node_modules', '.bin', 'peal'));
    const files = {
      'AuthKey_ABCDE12345.p8': this.#key,
      'service-account.json': JSON.stringify(this.simulator.fcm!.serviceAccount),
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text, { mode: 0o600 });
    this.simulator.ledger.reset();
    this.simulator.fcm!.reset();
    return { folder, scripts };
  }

  /** What a reader's shell has; nothing of peal is set in it. */
  environment(): NodeJS.ProcessEnv {
    const isOfPeal = (name: string): boolean => /^(PEAL_|APNS_|(https?|all|no)_proxy$)/i.test(name);
    const kept = Object.entries(process.env).filter(([name]) => !isOfPeal(name));
    return {
      ...Object.fromEntries(kept),
      PATH: `${path.join(this.#root, 'bin')}${path.delimiter}${process.env.PATH}`,
      NODE_EXTRA_CA_CERTS: this.authorityFile,
      SNIPPET_GATEWAYS: JSON.stringify({ api: this.simulator.url, fcm: this.simulator.fcm!.url }),
      NO_COLOR: '1',
      LC_ALL: 'C.UTF-8',
      TZ: 'UTC',
      COLUMNS: '80',
    };
  }

  /** The substitutions: the simulator for Apple's and Google's gateways, and free ports for those of the page. */
  async substitutions(): Promise<(text: string) => string> {
    const ports = new Map<string, string>();
    for (const port of portsOfPages) ports.set(port, String(await quietPort()));
    const { url, channelsUrl, fcm } = this.simulator;
    const trusted = `--ca '${this.authorityFile}'`;
    return (text) =>
      text
        .replaceAll(new RegExp(`\\b(${portsOfPages.join('|')})\\b`, 'g'), (port) => ports.get(port)!)
        // peal channels asks another service than all others, and `peal credentials` names an environment, not a
        // gateway.
        .replaceAll(/peal (\w+)(?= ) (?:[^\\\n]|\\\n|\\)*/g, (command, name) => {
          if (name === 'credentials') return command;
          // A dispatcher only says where its campaign goes; what a worker trusts is its own.
          const gateway = `--gateway ${name === 'channels' ? channelsUrl : url}${name === 'dispatch' ? '' : ` ${trusted}`}`;
          return command
            .replaceAll(/--environment (production|sandbox)/g, gateway)
            .replaceAll(/--provider fcm/g, `--provider fcm --gateway ${fcm!.url} ${trusted}`)
            .replaceAll(/--platform-column \S+/g, (option) => `${option} --fcm-gateway ${fcm!.url}`);
        })
        .replaceAll(/^environment: (production|sandbox)$/gm, `gateway: ${url}`);
  }
}
