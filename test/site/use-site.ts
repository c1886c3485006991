/**
 * The site, built once for the tests of a process and served on the loopback below /peal/. Skipped by name where
 * VitePress and typedoc are not installed.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildSite, installSite, isSiteInstalled } from '../../scripts/site/build-site.js';
import { repositoryRoot } from '../support/repository.js';

/** The path that the site is served below, as on a server with other things. */
export const base = '/peal/';

export interface Site {
  /** The folder with the HTML. */
  readonly folder: string;
  /** The folder with the pages as VitePress has read them. */
  readonly source: string;
  /** The HTML of each page, by its path in the folder. */
  readonly pages: ReadonlyMap<string, string>;
}

let built: Promise<Site> | undefined;

/** `describe` for tests of the site. */
export function describeSite(title: string, body: () => void): void {
  if (isSiteInstalled(repositoryRoot)) describe(title, body);
  else describe.skip(`${title} (${installSite})`, body);
}

/** Resolves with the site; it is built by the first call. */
export function useSite(): Promise<Site> {
  built ??= build();
  return built;
}

async function build(): Promise<Site> {
  const folder = mkdtempSync(path.join(tmpdir(), 'peal-site-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  await buildSite(repositoryRoot, path.join(folder, 'site'), base);
  const shown = path.join(folder, 'site/public');
  const names = readdirSync(shown, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.html'));
  const pages = names.map(
    (name) => [name.split(path.sep).join('/'), readFileSync(path.join(shown, name), 'utf8')] as const,
  );
  return { folder: shown, source: path.join(folder, 'site/source'), pages: new Map(pages) };
}

const types: Readonly<Record<string, string>> = {
  ...{ '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.json': 'application/json' },
  ...{ '.svg': 'image/svg+xml', '.png': 'image/png', '.woff2': 'font/woff2' },
};

/** Serves the site as any server of files does. Resolves with the address of its first page. */
export async function serveSite({ folder }: Site): Promise<{ server: Server; address: string }> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const name = decodeURIComponent(pathname.startsWith(base) ? pathname.slice(base.length) : '../');
    const file = path.join(folder, name.endsWith('/') || name === '' ? `${name}index.html` : name);
    try {
      if (!file.startsWith(folder)) throw new Error('outside');
      const body = readFileSync(file);
      response.writeHead(200, { 'content-type': types[path.extname(file)] ?? 'text/plain' }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { server, address: `http://127.0.0.1:${port}${base}` };
}
