/**
 * Where each file of the repository stands within the site, and the links between them. Pages keep their places below
 * docs/; texts from elsewhere that pages link to become pages as well. Pure; called by the staging.
 */
import path from 'node:path';
import { inProse } from './markdown.js';

/** Files of the site that are served as they are: they are no pages. */
const asTheyAre = /\.(?:svg|png|gif|webp)$/;

/**
 * The address of a page within the site, without an extension: `docs/guide/a.md` is `guide/a`, and README.md
 * `guide/index`.
 */
export function addressOf(file: string): string {
  if (file.startsWith('docs/') && file.endsWith('.md')) {
    return file.slice('docs/'.length, -'.md'.length).replace(/(?<=\/)README$/, 'index');
  }
  const { dir, name, ext, base } = path.posix.parse(file);
  const last = ext === '.md' ? name : base.replaceAll('.', '-').replaceAll('@', '-');
  // Only what lies at the top has a name in capitals.
  return path.posix.join(dir.replace(/^docs(?:\/|$)/, ''), dir === '' ? last.toLowerCase() : last);
}

/** What the staging knows of the repository. */
export interface Repository {
  isFile(file: string): boolean;
  isFolder(file: string): boolean;
  /** What a page calls itself; undefined for what is no page. */
  titleOf(file: string): string | undefined;
}

/**
 * Returns the text of a page with its links as the site has them, and the files and folders that it links to. A link
 * whose text is the name of its page's file gets the title of the page: on the site nobody sees files.
 *
 * @param file the page, from the root of the repository
 * @param address its place in the site
 */
export function withSiteLinks(
  text: string,
  file: string,
  address: string,
  repository: Repository,
): { text: string; links: string[] } {
  const links: string[] = [];
  const rewritten = (target: string): string => {
    if (/^[a-z][a-z+.-]*:|^#/i.test(target)) return target;
    const [given = '', anchor] = target.split('#');
    const linked = path.posix.join(path.posix.dirname(file), given).replace(/\/$/, '');
    const tail = anchor === undefined ? '' : `#${anchor}`;
    const isFolder = repository.isFolder(linked);
    if (!isFolder && !repository.isFile(linked)) throw new Error(`${file} links to ${linked}, which does not exist`);
    links.push(linked);
    return relative(address, placeOf(linked, isFolder)) + tail;
  };
  // The text of a link may be code: then its target is the beginning of what follows the code.
  const named = (whole: string, words: string, target: string): string => {
    const [given = ''] = target.split('#');
    if (path.posix.basename(words) !== path.posix.basename(given)) return whole;
    const title = repository.titleOf(path.posix.join(path.posix.dirname(file), given));
    return title === undefined ? whole : `[${title}](${target})`;
  };
  const withLinks = inProse(text, (prose) =>
    prose
      .replace(/\[([\w/-]+\.md)\]\(([^)\s]+)\)/g, named)
      .replace(/(\]\()([^)\s]+)/g, (_, open: string, target: string) => open + rewritten(target))
      .replace(/(\b(?:src|srcset|href)=")([^"]+)/g, (_, open: string, target: string) => open + rewritten(target)),
  );
  return { text: withLinks, links };
}

/** Where a file or folder of the repository stands: pages as .md, which VitePress turns into addresses. */
function placeOf(file: string, isFolder: boolean): string {
  if (asTheyAre.test(file)) return file.replace(/^docs\//, '');
  if (isFolder) return `${addressOf(`${file}/index.md`)}.md`;
  return `${addressOf(file)}.md`;
}

function relative(fromAddress: string, to: string): string {
  const way = path.posix.relative(path.posix.dirname(fromAddress), to);
  return way.startsWith('.') ? way : `./${way}`;
}
