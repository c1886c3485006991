/**
 * Runs a page of docs/guide or docs/how-to as its reader does: block by block in one folder, files written, commands
 * given to one shell, what is shown compared with what was printed. Then both books are compared: the outcomes that
 * peal has written into the folders of campaigns with the ledger of the simulator. Called by the tests of this folder.
 * With PEAL_TEST_SHOW=1 it prints what each block printed, for writers of pages.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Block, blocksOf } from './page-blocks.js';
import { assertShown } from './page-output.js';
import type { PageWorld } from './page-world.js';
import { type Ran, type Started, Terminal } from './terminal.js';

/** Of summary.json. */
export interface Books {
  readonly recipients: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly unsent: number;
  readonly unknown: number;
  readonly invalid: number;
  readonly state: string;
}

interface Answered {
  readonly accepted: number;
  readonly rejected: number;
}

/** A page while it runs. */
export interface Page {
  readonly folder: string;
  readonly world: PageWorld;
  /** The outcomes of a campaign, from its folder. */
  books(campaign: string): Books;
  /** Waits until `peal status` shows a campaign, whether it runs or not. */
  untilBegun(campaign: string): Promise<void>;
  untilAccepted(count: number): Promise<void>;
}

export interface PageOptions {
  /** Lists and others that the page begins with. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** The exit code of a block that contains this text, if it is not 0; or those that it may have. */
  readonly codes?: Readonly<Record<string, number | readonly number[]>>;
  /**
   * Blocks for another terminal, by a text in them: what they have printed when the page goes on. Servers among them.
   */
  readonly beside?: Readonly<Record<string, RegExp>>;
  /** Called before the block that contains this text. */
  readonly before?: Readonly<Record<string, (page: Page) => Promise<void> | void>>;
  /** Further substitutions; each stands for something that no test machine has. */
  readonly instead?: Readonly<Record<string, string>>;
  /** Blocks that cannot be run here, by a text in them, each with the reason. */
  readonly left?: Readonly<Record<string, string>>;
  /** What the simulator answered in all, programs included. */
  readonly ledger: Answered | 'of campaigns' | 'untouched' | 'left to after';
  /** Called at the end, for what only this page has. */
  readonly after?: (page: Page) => Promise<void> | void;
}

const found = <T>(table: Readonly<Record<string, T>> | undefined, text: string): T | undefined =>
  Object.entries(table ?? {}).find(([part]) => text.includes(part))?.[1];

class RunningPage implements Page {
  readonly folder: string;
  readonly #scripts: string;
  readonly #terminals: Terminal[] = [];
  readonly #beside: Started[] = [];
  /** For what the test asks by itself. */
  readonly #aside: Terminal;

  constructor(
    readonly world: PageWorld,
    readonly name: string,
    readonly options: PageOptions,
  ) {
    const { folder, scripts } = world.openPage();
    [this.folder, this.#scripts] = [folder, scripts];
    this.#aside = this.#terminal();
    for (const [file, content] of Object.entries(options.files ?? {})) this.#write(file, content);
  }

  #write(name: string, content: string | Uint8Array): void {
    const file = path.join(this.folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content, { mode: 0o600 });
  }

  #terminal(): Terminal {
    const terminal = new Terminal(this.folder, this.#scripts, this.world.environment());
    this.#terminals.push(terminal);
    return terminal;
  }

  books(campaign: string): Books {
    return JSON.parse(readFileSync(path.join(this.folder, campaign, 'summary.json'), 'utf8')) as Books;
  }

  untilBegun(campaign: string): Promise<void> {
    const status = async (): Promise<boolean> => {
      const { failures } = await this.#aside.run(`peal status ${campaign}`);
      return failures.length === 0;
    };
    return until(status, `${campaign} has not begun`);
  }

  untilAccepted(count: number): Promise<void> {
    return until(() => this.world.simulator.ledger.summary().accepted >= count, `not ${count} were accepted`);
  }

  async run(blocks: readonly Block[]): Promise<void> {
    const standing = await this.world.substitutions();
    const substitute = (text: string): string =>
      Object.entries(this.options.instead ?? {}).reduce(
        (left, [from, to]) => left.replaceAll(from, to),
        standing(text),
      );
    const shell = this.#terminal();
    let last: Ran | null = null;
    let ran = 0;
    for (const { snippet, ...block } of blocks) {
      const where = `${this.name}, line ${snippet.line}`;
      const text = substitute(snippet.text);
      if (found(this.options.left, snippet.text) !== undefined) {
        last = null;
      } else if (block.kind === 'file') {
        this.#write((block as { name: string }).name, text);
      } else if (block.kind === 'shown') {
        assert.ok(last, `${where}: nothing was run before what is shown`);
        assertShown(snippet.text, last.output, where, snippet.language === 'json');
      } else {
        await found(this.options.before, snippet.text)?.(this);
        last = await this.#commands(shell, snippet.text, text, where);
        ran += 1;
      }
    }
    assert.ok(ran > 0, `${this.name} has no commands`);
    for (const [part] of Object.entries({ ...this.options.codes, ...this.options.beside, ...this.options.before })) {
      assert.ok(
        blocks.some(({ snippet }) => snippet.text.includes(part)),
        `${this.name} has no block with ${part}`,
      );
    }
  }

  async #commands(shell: Terminal, shown: string, text: string, where: string): Promise<Ran> {
    const isUp = found(this.options.beside, shown);
    if (isUp !== undefined) {
      const started = this.#terminal().start(text);
      await until(
        () => isUp.test(started.printed()),
        () => `${where}: ${started.printed()}`,
      );
      this.#beside.push(started);
      return { failures: [], output: started.printed() };
    }
    const ran = await shell.run(withoutInstalls(text, this.folder, where));
    const codes = [found(this.options.codes, shown) ?? 0].flat();
    const isRight = ran.failures.length === 0 ? codes.includes(0) : ran.failures.every((code) => codes.includes(code));
    assert.ok(isRight && ran.failures.length <= 1, `${where} ended with ${ran.failures}: ${text}\n${ran.output}`);
    if (process.env.PEAL_TEST_SHOW !== undefined) console.log(`${where}\n${ran.output}`);
    return ran;
  }

  /** The campaigns of the page, by their folders. */
  campaigns(): string[] {
    const names = readdirSync(this.folder, { recursive: true, encoding: 'utf8' });
    return names.filter((name) => path.basename(name) === 'summary.json' && !name.includes('node_modules'));
  }

  async compareBooks(): Promise<void> {
    const summary = this.world.simulator.ledger.summary();
    const fcm = this.world.simulator.fcm!.summary().messages;
    const answered = { accepted: summary.accepted + fcm.accepted, rejected: summary.rejected + fcm.rejected };
    const campaigns = this.campaigns().map((name) => this.books(path.dirname(name)));
    for (const books of campaigns) {
      const { recipients, accepted, rejected, unsent, unknown, invalid } = books;
      assert.equal(accepted + rejected + unsent + unknown + invalid, recipients, JSON.stringify(books));
    }
    const { ledger } = this.options;
    if (ledger === 'of campaigns') {
      assert.ok(campaigns.length > 0, `${this.name} has no campaign`);
      const sum = (key: 'accepted' | 'rejected'): number => campaigns.reduce((left, books) => left + books[key], 0);
      assert.deepEqual(answered, { accepted: sum('accepted'), rejected: sum('rejected') });
    } else if (ledger !== 'left to after') {
      assert.deepEqual(answered, ledger === 'untouched' ? { accepted: 0, rejected: 0 } : ledger);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#terminals.map((terminal) => terminal.close()));
    await Promise.all(this.#beside.map(({ end }) => end));
  }
}

/** `npm install …` is not run: what it installs is there, and has to be. */
function withoutInstalls(text: string, folder: string, where: string): string {
  return text.replaceAll(/^(?:npm init -y && )?npm install ([^\n]*)$/gm, (_, names: string) => {
    for (const name of names.split(/\s+/).filter((one) => !one.startsWith('-')))
      assert.ok(existsSync(path.join(folder, 'node_modules', name)), `${where}: ${name} is not installed`);
    return ':';
  });
}

async function until(isSo: () => boolean | Promise<boolean>, otherwise: string | (() => string)): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (await isSo()) return;
    await sleep(50);
  }
  assert.fail(typeof otherwise === 'string' ? otherwise : otherwise());
}

/** Runs one page; `name` is its path from docs/, without `.md`. */
export async function runPage(world: PageWorld, name: string, options: PageOptions): Promise<void> {
  const page = new RunningPage(world, `docs/${name}.md`, options);
  try {
    await page.run(blocksOf(`docs/${name}.md`));
    await options.after?.(page);
  } finally {
    await page.close();
  }
  await page.compareBooks();
}
