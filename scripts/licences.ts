/**
 * THIRD-PARTY-LICENSES.md: the packages that an installation of peal can bring in, with their licences and whose
 * copyright they are. Written by `npm run licences` from the lock and from node_modules;
 * `test/packaging/licences.test.ts` compares it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { order, type RuntimePackage, runtimePackages } from './runtime-packages.js';

const head = `# Licences of other packages

peal is under the MIT licence ([LICENSE](LICENSE)). It does not contain the packages below: npm installs them beside it. \`report.html\`
holds the text of uplot, with its licence. This list is made of package-lock.json by \`npm run licences\`.

`;

/** A licence whose words are the same for several packages but for the lines of copyright. */
interface Wording {
  readonly text: string;
  readonly holders: string[];
}

export function thirdPartyLicences(root: string): string {
  const packages = runtimePackages(root);
  const rows = packages.map((one) => `| ${one.name} | ${one.version} | ${one.licence} | ${kindOf(one)} |`);
  const table = ['| package | version | licence | |', '|---|---|---|---|', ...rows].join('\n');
  const sections = [...wordings(root, packages).values()].map(
    ({ text, holders }) => `## ${titleOf(text)}\n${holders.sort(order).join('\n')}\n\n\`\`\`text\n${text}\n\`\`\`\n`,
  );
  return `${head}${table}\n\n${sections.sort(order).join('\n')}`;
}

function kindOf({ isForOneSystem, isOptional }: RuntimePackage): string {
  if (isForOneSystem) return 'optional, for one system';
  return isOptional ? 'optional' : '';
}

/** By the words without the lines of copyright, as one line. */
function wordings(root: string, packages: readonly RuntimePackage[]): Map<string, Wording> {
  const found = new Map<string, Wording>();
  for (const { name, licence, folder, isForOneSystem } of packages) {
    // A binary has the licence of the package that it belongs to, and is there on its system only.
    if (isForOneSystem) continue;
    const files = licenceFiles(path.join(root, folder));
    if (files.length === 0) hold(found, licence, `${licence} (by its package.json, without a text)`, name);
    for (const file of files) {
      const text = readFileSync(path.join(root, folder, file), 'utf8').replaceAll('\r', '');
      const lines = text.split('\n').map((line) => line.trimEnd());
      const copyrights = lines.filter(isCopyright).map((line) => line.replace(/^[\s*>_]+|[\s*_]+$/g, ''));
      const words = trimmed(lines.filter((line) => !isCopyright(line)));
      const part = path.dirname(file) === '.' ? '' : ` (${path.dirname(file)})`;
      const holders = copyrights.length > 0 ? `: ${copyrights.join('; ')}` : '';
      hold(found, keyOf(words.join(' ')), words.join('\n'), `${name}${part}${holders}`);
    }
  }
  return found;
}

function hold(found: Map<string, Wording>, key: string, text: string, holder: string): void {
  const wording = found.get(key) ?? { text, holders: [] };
  wording.holders.push(`- ${holder}`);
  found.set(key, wording);
}

/** Of a package, and of the sources of others within it. */
function licenceFiles(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => file.replaceAll('\\', '/'));
  const isLicence = (file: string): boolean =>
    /^(licen[cs]e|copying)([.-](md|txt|mit|mit\.txt))?$/i.test(path.basename(file)) &&
    !/(^|\/)(node_modules|\..*)\//.test(file);
  return files.filter(isLicence).sort(order);
}

/** The same for texts that differ in titles, line ends, quotes, and in the appendix of the Apache licence. */
function keyOf(words: string): string {
  const body = words.replace(/\bAPPENDIX: .*|\bEND OF TERMS AND CONDITIONS.*/, '');
  const from = body.search(/permission is hereby granted|permission to use, copy|terms and conditions for use/i);
  return body
    .slice(Math.max(0, from))
    .replace(/[^a-z]+/gi, ' ')
    .trim()
    .toLowerCase();
}

/** Also in the appendix of the Apache licence, where a package has put its name into it. */
function isCopyright(line: string): boolean {
  return /^[\s*>_]*(Copyright (?!License|Notice|\[|\{)|\(c\) ?\d{4}|© ?\d{4})/.test(line);
}

function trimmed(lines: readonly string[]): string[] {
  const isEmpty = (line: string): boolean => line.trim() === '';
  const from = lines.findIndex((line) => !isEmpty(line));
  const to = lines.findLastIndex((line) => !isEmpty(line));
  return lines.slice(from, to + 1).filter((line, index, all) => !isEmpty(line) || !isEmpty(all[index - 1] ?? ''));
}

function titleOf(text: string): string {
  if (/apache license/i.test(text)) return 'Apache License 2.0';
  if (/permission is hereby granted, free of charge/i.test(text)) return 'MIT';
  if (/permission to use, copy, modify, and\/or distribute/i.test(text)) return 'ISC';
  if (/openldap public license/i.test(text)) return 'OpenLDAP Public License';
  if (/redistribution and use in source and binary forms/i.test(text)) return 'BSD';
  if (/^(\w|[.-])+ \(by its package\.json/.test(text)) return text.split(' ')[0]!;
  return 'Notices';
}
