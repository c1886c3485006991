/** Writes docs/openapi.json, the description of `peal serve`, in the form that the linter wants. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { version } from '../src/base/version.js';
import { openApiText } from '../src/service/open-api.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const file = path.join(root, 'docs', 'openapi.json');
writeFileSync(file, openApiText(version));
execFileSync(path.join(root, 'node_modules', '.bin', 'biome'), ['format', '--write', file], { cwd: root });
