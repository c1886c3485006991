/** Builds the site. Called by `npm run site` and by the tests; VitePress runs in a process of its own. */
import { spawnSync } from 'node:child_process';
import { existsSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { stageSite } from './stage.js';

/** What has to be done before. */
export const installSite = 'npm ci --prefix site --ignore-scripts';

export function isSiteInstalled(root: string): boolean {
  return existsSync(path.join(root, 'site/node_modules/vitepress/package.json'));
}

/**
 * Builds the site in `folder`: its pages in `source`, its HTML in `public`.
 *
 * @param base the path that it is served below, with a slash at both ends
 */
export async function buildSite(root: string, folder: string, base: string): Promise<void> {
  if (!isSiteInstalled(root)) throw new Error(`The site needs VitePress and typedoc: ${installSite}`);
  await stageSite(root, folder);
  // Compiled pages import from vue, which is looked for beside them.
  symlinkSync(path.join(root, 'site/node_modules'), path.join(folder, 'node_modules'), 'dir');
  const program = path.join(root, 'site/node_modules/vitepress/bin/vitepress.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, 'build', path.join(root, 'site')], {
    cwd: path.join(root, 'site'),
    env: { ...process.env, SITE_BASE: base, SITE_FOLDER: folder },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`VitePress cannot build the site:\n${stdout}${stderr}`);
}
