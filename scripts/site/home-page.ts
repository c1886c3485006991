/**
 * The first page of the site: site/home.md with the parts that other pages have already. The picture and the three
 * ways in are those of README.md, and the figure is that of the benchmarks. Called by the staging.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { contents, type Page } from './contents.js';
import { addressOf } from './links.js';
import { plain } from './markdown.js';

export function homePage(root: string): string {
  const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
  const readme = read('README.md');
  const parts: Readonly<Record<string, string>> = {
    'ways-in': waysIn(readme),
    figure: figure(read('docs/benchmarks.md')),
    sections: sections(),
    begin: begin(),
    picture: picture(readme),
  };
  return read('site/home.md').replace(/<!-- ([a-z-]+) -->/g, (comment, name: string) => parts[name] ?? comment);
}

function waysIn(readme: string): string {
  const block = (language: string, holds: RegExp): string => {
    const blocks = [...readme.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)];
    const found = blocks.find(([, given, text]) => given === language && holds.test(text!));
    if (found === undefined) throw new Error(`README.md has no ${language} with ${holds}`);
    return found[2]!;
  };
  const tab = (title: string, language: string, text: string): string => `\`\`\`${language} [${title}]\n${text}\`\`\``;
  return [
    '::: code-group',
    tab('In a shell', 'sh', block('sh', /^peal send --tokens/m)),
    tab('In a program', 'js', block('js', /from 'peal'/)),
    tab('Against the simulator', 'sh', block('sh', /^peal simulate/m)),
    ':::',
  ].join('\n\n');
}

/** The moving picture of README.md. */
function picture(readme: string): string {
  const found = /^!\[([^\]]+)\]\(docs\/(pictures\/[^)]+)\)$/m.exec(readme);
  if (found === null) throw new Error('README.md has no picture from docs/pictures');
  return `![${found[1]}](./${found[2]})`;
}

/** The first page of the guide, and of what is looked up. */
function begin(): string {
  const rows = ['Guide', 'How-to', 'Reference'].map((wanted) => {
    const { title, pages } = contents.find((section) => section.title === wanted)!;
    return `<a href="./${firstOf(pages)}.html">${title === 'Guide' ? 'Begin' : title}</a>`;
  });
  return rows.join('\n');
}

function firstOf([first]: readonly Page[]): string {
  return 'file' in first! ? addressOf(first.file) : first!.made;
}

/** The first row of the table of many tokens, in words, with what it was measured on. */
function figure(benchmarks: string): string {
  const part = /<!-- reference: throughput -->\n([\s\S]*?)<!-- end -->/.exec(benchmarks)?.[1] ?? '';
  const [heads, , first] = part.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
  const cell = (head: string): string => {
    const at = heads?.indexOf(head) ?? -1;
    if (at === -1 || first?.[at] === undefined) throw new Error(`docs/benchmarks.md has no column ${head}`);
    return first[at];
  };
  const where = /^(.+?), commit [^,]+, (\d{4}-\d\d-\d\d); (medians of \d+ rounds)\.$/m.exec(part);
  if (where === null) throw new Error('docs/benchmarks.md does not say what many tokens were measured on');
  const [, machine, day, rounds] = where;
  return (
    `**${cell('CPU µs each')} µs** of CPU time for each notification, ${cell('cheaper by').replace(' x', '')} times cheaper than ` +
    `a sender on node:http2 in the same run: one message of ${cell('payload bytes')} bytes to ${cell('count')} device tokens ` +
    `over TLS, ${cell('contender').replace(/^peal, /, '')}, against the simulator on the same machine ` +
    `(${machine}; ${rounds}; ${day}). [The benchmarks](./benchmarks.md) have the other figures, and how they are measured.`
  );
}

/** The sections with what is in them, and where each begins. */
function sections(): string {
  const rows = contents.map(({ title, about, pages }) => `- [**${plain(title)}**](./${firstOf(pages)}.md): ${about}`);
  return rows.join('\n');
}
