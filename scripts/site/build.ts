/**
 * `npm run site`: lays the pages out and has VitePress make HTML of them, in dist/site/public. SITE_BASE is the path
 * that the site is served below (default `/`).
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSite } from './build-site.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = path.join(root, 'dist/site');
await buildSite(root, folder, process.env.SITE_BASE ?? '/');
console.log(`The site is in ${path.relative(process.cwd(), path.join(folder, 'public'))}.`);
