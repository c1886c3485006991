/**
 * Lays out the pages of the site as VitePress reads them: the pages of docs/ with links of the site, pages of examples
 * and other texts that they link to, the pages that are made from the source, and the contents as JSON for the
 * navigation. Called by the build of the site; main thread.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { contents, type Page, type Section } from './contents.js';
import { filePage, filesBelow, folderPage } from './example-pages.js';
import { homePage } from './home-page.js';
import { addressOf, type Repository, withSiteLinks } from './links.js';
import { writeApiPages } from './made/api-pages.js';
import { commandPages } from './made/command-pages.js';
import { configurationPage } from './made/configuration-page.js';
import { exitCodePage } from './made/exit-code-page.js';
import { jsonLinePage } from './made/json-line-page.js';
import type { MadeText } from './made/made-text.js';
import { metricsPage } from './made/metrics-page.js';
import { codePage, errorCodes, reasonPage } from './made/trouble-pages.js';

/** An entry of the navigation. `link` has no extension. */
export interface ContentsEntry {
  readonly text: string;
  readonly link: string;
  readonly items?: readonly ContentsEntry[];
}

/** What the configuration of VitePress reads. */
export interface SiteContents {
  readonly sections: readonly {
    readonly title: string;
    readonly items: readonly ContentsEntry[];
    readonly isAside: boolean;
  }[];
}

/** The pages that are made from the source, by the address that the contents give; the first of each stands there. */
type Made = Readonly<Record<string, () => readonly MadeText[] | Promise<readonly MadeText[]>>>;

export async function stageSite(root: string, folder: string): Promise<SiteContents> {
  const source = path.join(folder, 'source');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(source, { recursive: true });
  const write = ({ address, text }: MadeText): void => {
    const file = path.join(source, `${address}.md`);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  };

  const made: Made = {
    'reference/commands/index': commandPages,
    'reference/settings': () => [configurationPage(root)],
    'reference/exit-codes': () => [exitCodePage(root, [...errorCodes(root).keys()])],
    'reference/metrics': async () => [await metricsPage()],
    'reference/json-lines': async () => [await jsonLinePage(root)],
    'reference/api/index': () => writeApiPages(root, source),
    reasons: () => [reasonPage(root)],
    codes: () => [codePage(root)],
    'examples/index': () => [folderPage('examples', filesBelow(root, 'examples'))],
  };

  const texts = new Map<string, readonly MadeText[]>();
  for (const page of contents.flatMap((section) => section.pages)) {
    if (!('made' in page)) continue;
    const make = made[page.made];
    if (make === undefined) throw new Error(`scripts/site/stage.ts makes no page ${page.made}`);
    const list = await make();
    list.forEach(write);
    texts.set(page.made, list);
  }
  stageWritten(root, source, write);
  write({ address: 'index', title: 'peal', text: homePage(root) });

  const result: SiteContents = { sections: contents.map((section) => sectionOf(section, texts)) };
  writeFileSync(path.join(folder, 'contents.json'), JSON.stringify(result));
  return result;
}

function sectionOf({ title, pages, isAside = false }: Section, texts: ReadonlyMap<string, readonly MadeText[]>) {
  const entry = (page: Page): ContentsEntry => {
    if ('file' in page) return { text: page.title, link: linkOf({ address: addressOf(page.file) }) };
    const [own, ...below] = texts.get(page.made)!;
    const items = below.map((each) => ({ text: each.title, link: linkOf(each) }));
    return { text: page.title, link: linkOf(own!), ...(items.length > 0 && { items }) };
  };
  return { title, items: pages.map(entry), isAside };
}

function linkOf({ address }: Pick<MadeText, 'address'>): string {
  return `/${address.replace(/(?:^|(?<=\/))index$/, '')}`;
}

/** The pages that people wrote, and what they link to, until nothing new is linked to. */
function stageWritten(root: string, source: string, write: (text: MadeText) => void): void {
  const repository: Repository = {
    isFile: (file) => existsSync(path.join(root, file)) && statSync(path.join(root, file)).isFile(),
    isFolder: (file) => existsSync(path.join(root, file)) && statSync(path.join(root, file)).isDirectory(),
    titleOf: (file) => {
      if (!file.endsWith('.md') || !repository.isFile(file)) return undefined;
      return /^# (.+)$/m.exec(readFileSync(path.join(root, file), 'utf8'))?.[1];
    },
  };
  const listed = contents.flatMap(({ pages }) => pages.flatMap((page) => ('file' in page ? [page.file] : [])));
  const waiting = [...listed, 'examples'];
  const done = new Set<string>();
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (done.has(file)) continue;
    done.add(file);
    if (repository.isFolder(file)) {
      const files = filesBelow(root, file);
      waiting.push(...files);
      write(folderPage(file, files));
    } else if (file.endsWith('.md')) {
      const address = addressOf(file);
      const { text, links } = withSiteLinks(readFileSync(path.join(root, file), 'utf8'), file, address, repository);
      waiting.push(...links);
      write({ address, title: file, text });
    } else if (/\.(?:svg|png|gif|webp)$/.test(file)) {
      const place = path.join(source, file.replace(/^docs\//, ''));
      mkdirSync(path.dirname(place), { recursive: true });
      cpSync(path.join(root, file), place);
    } else {
      write(filePage(root, file));
    }
  }
}
