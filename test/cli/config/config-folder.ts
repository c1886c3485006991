/**
 * A directory with a configuration file, and what `peal config print` says about it. For the tests of the
 * configuration.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runCommand } from '../../support/command.js';

/** One setting as `--json` shows it. */
export interface Shown {
  readonly name: string;
  readonly value: string | boolean | readonly string[];
  readonly source: string;
  readonly from: string;
}

export interface Printed {
  readonly file: string | null;
  readonly settings: readonly Shown[];
  readonly leftOut?: readonly (Shown & { readonly why: string })[];
  readonly unknownVariables?: readonly string[];
}

export class ConfigFolder implements Disposable {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'peal-config-'));

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  path(name: string): string {
    return path.join(this.folder, name);
  }

  write(name: string, content: string | Uint8Array): string {
    writeFileSync(this.path(name), content, { mode: 0o600 });
    return this.path(name);
  }

  /** What holds for a command line, by option, beside a file of this text. */
  async print(text: string, line: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Printed> {
    const file = this.write('settings.yaml', text);
    const { code, stdout, stderr } = await runCommand(['config', 'print', '--json', '--config', file, ...line], {
      env,
    });
    assert.deepEqual([code, stderr], [0, '']);
    return JSON.parse(stdout) as Printed;
  }

  /** The values that do not come from defaults. */
  async values(
    text: string,
    line: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Record<string, Shown['value']>> {
    const { settings } = await this.print(text, line, env);
    return Object.fromEntries(
      settings.filter(({ source }) => source !== 'default').map(({ name, value }) => [name, value]),
    );
  }
}
