/**
 * The site as it is built: it builds, each link of each page leads somewhere, nothing is fetched from elsewhere, and
 * the pages that are made from the source hold all of it.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { contents, type Page } from '../../scripts/site/contents.js';
import { addressOf } from '../../scripts/site/links.js';
import { entriesOf } from '../../scripts/site/made/api-pages.js';
import { allCommands, visible } from '../../scripts/site/made/command-pages.js';
import type { Schema } from '../../scripts/site/made/configuration-page.js';
import { kindsInSource } from '../../scripts/site/made/json-line-page.js';
import { binaryReasons, channelReasons, reasons } from '../../src/apns/reason.js';
import { exitCodes } from '../../src/cli/shared/exit-codes.js';
import { fcmReasons } from '../../src/fcm/reason.js';
import { families } from '../../src/metrics/families.js';
import { repositoryRoot } from '../support/repository.js';
import { base, describeSite, type Site, useSite } from './use-site.js';

/** What a page links to, and what it loads. */
function targetsOf(html: string): string[] {
  return [...html.matchAll(/\s(?:href|src)="([^"]*)"/g)].map(([, target]) => unescaped(target!));
}

function unescaped(text: string): string {
  return text
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

function idsOf(html: string): Set<string> {
  return new Set([...html.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => unescaped(id!)));
}

/** The text of a page without its tags. */
function textOf(html: string): string {
  return unescaped(html.replace(/<[^>]*>/g, '')).replaceAll('&#123;', '{');
}

describeSite('the site', () => {
  let site: Site;

  before(async () => {
    site = await useSite();
  });

  const pageOf = (address: string): string => {
    const html = site.pages.get(`${address}.html`);
    assert.ok(html !== undefined, `there is a page ${address}`);
    return html;
  };

  /** What is wrong with a target on a page; null where nothing is. */
  function faultOf(page: string, target: string, ids: (name: string) => Set<string>): string | null {
    if (/^(?:https?|mailto|data):/.test(target)) return null;
    const [given = '', anchor] = target.split('#');
    const url = new URL(given === '' ? path.posix.basename(page) : given, `http://site${base}${page}`);
    if (!url.pathname.startsWith(base)) return `${target} leads out of ${base}`;
    const at = decodeURIComponent(url.pathname.slice(base.length));
    const file = at === '' || at.endsWith('/') ? `${at}index.html` : at;
    const whole = path.join(site.folder, file);
    if (!existsSync(whole) || !statSync(whole).isFile()) return `${target}: there is no ${file}`;
    if (anchor === undefined || anchor === '' || !file.endsWith('.html')) return null;
    return ids(file).has(decodeURIComponent(anchor)) ? null : `${target}: ${file} has no such anchor`;
  }

  it('has links that lead to pages, files and anchors that exist', () => {
    const known = new Map<string, Set<string>>();
    const ids = (name: string): Set<string> => {
      if (!known.has(name)) known.set(name, idsOf(site.pages.get(name) ?? ''));
      return known.get(name)!;
    };
    assert.ok(site.pages.size > 400);
    let links = 0;
    for (const [page, html] of site.pages) {
      // A server shows it below any address.
      if (page === '404.html') continue;
      const targets = new Set(targetsOf(html));
      links += targets.size;
      const faults = [...targets].map((target) => faultOf(page, target, ids)).filter((fault) => fault !== null);
      assert.deepEqual(faults, [], page);
    }
    assert.ok(links > 10_000);
    const missing = ['cli.html', './no-such.html', 'cli.html#no-such', '/elsewhere.html'];
    assert.deepEqual(
      missing.map((target) => faultOf('library.html', target, ids)),
      [
        null,
        './no-such.html: there is no no-such.html',
        'cli.html#no-such: cli.html has no such anchor',
        '/elsewhere.html leads out of /peal/',
      ],
    );
  });

  it('loads nothing from elsewhere', () => {
    const loads = /<(?:script|link|img|iframe|source|video|audio)\b[^>]*\s(?:src|srcset|href)="(?:https?:)?\/\//;
    for (const [page, html] of site.pages) assert.doesNotMatch(html, loads, page);
    const styles = readdirSync(path.join(site.folder, 'assets')).filter((name) => name.endsWith('.css'));
    assert.ok(styles.length > 0);
    for (const name of styles) {
      const style = readFileSync(path.join(site.folder, 'assets', name), 'utf8');
      assert.doesNotMatch(style, /@import|url\(["']?(?:https?:)?\/\//);
      assert.doesNotMatch(style, /@font-face/);
    }
  });

  it('shows each page of its contents, with its section beside it in which each page is once', () => {
    const linkOf = (page: Page): string =>
      `${base}${('file' in page ? addressOf(page.file) : page.made).replace(/(?<=\/)index$/, '')}`;
    for (const { title, pages } of contents) {
      for (const page of pages) {
        const address = 'file' in page ? addressOf(page.file) : page.made;
        const html = pageOf(address);
        assert.match(html, /<h1 /, address);
        const sidebar = /<aside class="VPSidebar[\s\S]*?<\/aside>/.exec(html)?.[0] ?? '';
        assert.ok(textOf(sidebar).includes(title), address);
        const links = targetsOf(sidebar);
        for (const link of pages.map(linkOf)) {
          assert.equal(links.filter((target) => target === link || target === `${link}.html`).length, 1, link);
        }
        for (const { title: other, pages: first, isAside } of contents) {
          assert.equal(
            targetsOf(html).some((target) => target.replace('.html', '') === linkOf(first[0]!)),
            !isAside || other === title,
            other,
          );
        }
      }
    }
  });

  it('keeps the placeholders of messages, and the anchors that GitHub has', () => {
    assert.match(textOf(pageOf('campaigns')), /\{\{[a-z]+\|[^}]+\}\}/i);
    assert.ok(idsOf(pageOf('cli')).has('exit-codes'));
    assert.ok(idsOf(pageOf('library')).has('why-a-send-stopped'));
  });

  it('has every command with its options', async () => {
    const program = await allCommands();
    const help = program.createHelp();
    const commands = visible(help, program);
    assert.ok(commands.length >= 15);
    let options = 0;
    for (const command of commands) {
      const text = textOf(pageOf(`reference/commands/${command.name()}`));
      for (const each of [command, ...visible(help, command)]) {
        assert.ok(text.includes(help.commandUsage(each)), help.commandUsage(each));
        for (const { flags, long } of each.options) {
          options += 1;
          assert.ok(text.includes(flags), `${command.name()} ${long}`);
        }
      }
    }
    assert.ok(options > 400);
  });

  it('has every setting of the configuration file', () => {
    const file = path.join(repositoryRoot, 'peal.config.schema.json');
    const text = textOf(pageOf('reference/settings'));
    let settings = 0;
    const look = ({ properties = {} }: Schema): void => {
      for (const [name, schema] of Object.entries(properties)) {
        settings += 1;
        assert.ok(text.includes(name), name);
        assert.ok(schema.properties !== undefined || text.includes(schema.description!.slice(1, 40)), name);
        look(schema);
      }
    };
    look(JSON.parse(readFileSync(file, 'utf8')) as Schema);
    assert.ok(settings > 300);
  });

  it('has every exit code, metric, JSON line, reason and code of an error', () => {
    const cells = (address: string): string[] =>
      [...pageOf(address).matchAll(/<td[^>]*>([\s\S]*?)<\/td>/g)].map(([, cell]) => textOf(cell!));
    const codes = cells('reference/exit-codes');
    for (const code of Object.values(exitCodes)) assert.ok(codes.includes(String(code)), String(code));
    const metrics = cells('reference/metrics');
    for (const [name, { help }] of Object.entries(families)) {
      assert.ok(metrics.includes(name) && metrics.includes(help), name);
    }
    assert.ok(metrics.includes('process_cpu_seconds_total'));
    const headings = (address: string): string[] =>
      [...pageOf(address).matchAll(/<h[23] id=[^>]*>([\s\S]*?)<a /g)].map(([, heading]) => textOf(heading!).trim());
    const named = headings('reasons');
    for (const { reason } of [...reasons, ...channelReasons, ...fcmReasons, ...binaryReasons]) {
      assert.ok(
        named.some((heading) => heading === reason || heading.startsWith(`${reason} (`)),
        reason,
      );
    }
    const kinds = kindsInSource(repositoryRoot);
    assert.ok(kinds.length >= 10);
    const shown = headings('reference/json-lines');
    for (const kind of kinds) assert.ok(shown.includes(kind), `a line ${kind}`);
    const source = readFileSync(path.join(repositoryRoot, 'src/base/errors.ts'), 'utf8');
    const errors = [...source.matchAll(/\| '(ERR_PEAL_\w+)'/g)].map(([, name]) => name);
    assert.ok(errors.length > 25);
    assert.deepEqual(headings('codes'), errors);
  });

  it('has a page for every public name', () => {
    const entries = entriesOf(repositoryRoot);
    assert.ok(entries.length >= 9);
    const declarations = entries.map(({ source }) =>
      path.join(repositoryRoot, 'dist', source.replace(/\.ts$/, '.d.ts')),
    );
    const program = ts.createProgram(declarations, { module: ts.ModuleKind.NodeNext, skipLibCheck: true, types: [] });
    const checker = program.getTypeChecker();
    let names = 0;
    for (const [at, { specifier }] of entries.entries()) {
      const module = checker.getSymbolAtLocation(program.getSourceFile(declarations[at]!)!)!;
      const folder = `reference/api/${specifier}/`;
      const pages = new Set(
        [...site.pages.keys()]
          .filter((page) => page.startsWith(folder))
          .map((page) => path.posix.basename(page, '.html')),
      );
      const list = textOf(pageOf(`${folder}index`));
      for (const { name } of checker.getExportsOfModule(module)) {
        names += 1;
        // A name of another entry, or a default beside its name, is a line of the list.
        assert.ok(pages.has(name) || list.includes(name), `${specifier}: ${name}`);
      }
    }
    assert.ok(names > 300);
  });

  it('is no part of the package', () => {
    const { files } = JSON.parse(readFileSync(path.join(repositoryRoot, 'package.json'), 'utf8')) as {
      files: string[];
    };
    for (const part of ['site', 'site/home.md', 'dist/site/public/index.html', 'dist/scripts/site/build.js']) {
      assert.ok(!files.some((entry) => part === entry || part.startsWith(`${entry}/`)), part);
    }
  });
});
