/**
 * Writes peal.config.schema.json, by which editors complete and check configuration files, in the form that the linter
 * wants.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandLine } from '../src/cli/command-line.js';
import { configJsonSchema } from '../src/cli/config/config-schema.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const file = path.join(root, 'peal.config.schema.json');
const { stdin, stdout, stderr } = process;
const program = await commandLine('all', { stdin, stdout, stderr, env: {} }, () => {});
writeFileSync(file, JSON.stringify(configJsonSchema(program)));
execFileSync(path.join(root, 'node_modules', '.bin', 'biome'), ['format', '--write', file], { cwd: root });
