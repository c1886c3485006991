/** The configuration of VitePress. It reads the contents that scripts/site/stage.ts has written. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type DefaultTheme, defineConfig } from 'vitepress';
import { anchorOf } from '../../scripts/site/markdown.ts';
import type { ContentsEntry, SiteContents } from '../../scripts/site/stage.ts';

const folder = process.env.SITE_FOLDER;
if (folder === undefined) throw new Error('npm run site builds the site');
const { sections } = JSON.parse(readFileSync(path.join(folder, 'contents.json'), 'utf8')) as SiteContents;

const sidebarItem = ({ text, link, items }: ContentsEntry): DefaultTheme.SidebarItem =>
  items === undefined ? { text, link } : { text, link, items: items.map(sidebarItem), collapsed: true };

const linksOf = ({ link, items = [] }: ContentsEntry): string[] => [link, ...items.flatMap(linksOf)];

/** A pattern that finds the pages of a section, and those below them. */
function pagesOf(items: readonly ContentsEntry[]): string {
  const links = items.flatMap(linksOf).map((link) => `${link.slice(1)}${link.endsWith('/') ? '' : '(?:\\.html)?$'}`);
  return `^/(?:${links.join('|')})`;
}

type Section = SiteContents['sections'][number];

const sidebarOf = ({ title, items }: Section): DefaultTheme.SidebarItem => ({
  text: title,
  items: items.map(sidebarItem),
});

/** Each page of a section has the section beside it. A key is the beginning of the paths that it is for. */
function sidebarsOf(section: Section): [key: string, DefaultTheme.SidebarItem[]][] {
  const links = section.items.flatMap(linksOf);
  return links.map((link) => [link.endsWith('/') ? link : `${link}.md`, [sidebarOf(section)]]);
}

/** A bell in outline. */
const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#0e6c8c" stroke-width="2">' +
  '<path d="M5 18h14l-2-3v-5a5 5 0 0 0-10 0v5z"/><path d="M10 21h4M12 5V3"/></svg>';

export default defineConfig({
  srcDir: path.join(folder, 'source'),
  outDir: path.join(folder, 'public'),
  cacheDir: path.join(folder, 'cache'),
  base: process.env.SITE_BASE ?? '/',
  lang: 'en',
  title: 'peal',
  description: 'Push notifications to millions of devices from one Node.js process',
  metaChunk: true,
  // Else a browser asks for /favicon.ico, which may belong to something else.
  head: [['link', { rel: 'icon', href: `data:image/svg+xml,${encodeURIComponent(icon)}` }]],
  markdown: {
    // https://HOST:PORT in a sentence is a form, and leads nowhere.
    linkify: false,
    // The ordinary ones are too pale for comments.
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    anchor: { slugify: anchorOf },
    config: (markdown) => {
      // Placeholders of messages ({{name}}) are no expressions of Vue.
      const { rules } = markdown.renderer;
      const escaped = (text: string): string => markdown.utils.escapeHtml(text).replaceAll('{{', '&#123;&#123;');
      // A head without a text is no head: those who hear a page would hear of nothing.
      for (const [rule, neighbour] of [
        ['th_open', 1],
        ['th_close', -1],
      ] as const) {
        rules[rule] = (tokens, at, options, _, self) => {
          if (tokens[at + neighbour]?.content === '') tokens[at]!.tag = 'td';
          return self.renderToken(tokens, at, options);
        };
      }
      // Code that is only indented gets what a block of code has, such as its place to scroll in.
      rules.code_block = (tokens, at, options, env, self) => {
        tokens[at]!.info = 'text';
        return rules.fence!(tokens, at, options, env, self);
      };
      rules.text = (tokens, at) => escaped(tokens[at]!.content);
      rules.code_inline = (tokens, at) => `<code v-pre>${escaped(tokens[at]!.content)}</code>`;
    },
  },
  themeConfig: {
    nav: sections
      .filter(({ isAside }) => !isAside)
      .map(({ title, items }) => ({ text: title, link: items[0]!.link, activeMatch: pagesOf(items) })),
    sidebar: Object.fromEntries([...sections.flatMap(sidebarsOf), ['/', [sidebarOf(sections.at(-1)!)]]]),
    outline: { level: [2, 3] },
    search: {
      provider: 'local',
      options: {
        miniSearch: {
          searchOptions: {
            fuzzy: 0.2,
            prefix: true,
            boost: { title: 4, text: 2, titles: 1 },
            // A word stands in many lists; what explains it comes before what only names it.
            boostDocument: (id: string) =>
              /\/reasons\.html|\/codes\.html|\/guide\/|\/how-to\//.test(id)
                ? 2
                : /\/reference\/api\/|\/examples\/|\/changelog\.html/.test(id)
                  ? 0.4
                  : 1,
          },
        },
      },
    },
  },
});
