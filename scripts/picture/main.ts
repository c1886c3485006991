/**
 * `npm run picture`: records the picture of README.md, docs/pictures/send.svg, anew. It runs the session of session.ts,
 * which takes half a minute, and needs tmux and curl. Nothing is shortened: the picture is as fast as the run was.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { filmOf } from './film.js';
import { recordSession } from './session.js';
import { svgOf } from './svg.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const file = path.join(root, 'docs', 'pictures', 'send.svg');
const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string };

const columns = 80;
const rows = 31;
/** How long the last frame rests. */
const restMs = 6000;

const frames = await recordSession({
  recipients: 1_000_000,
  rate: 100_000,
  killAfterSeconds: 3,
  columns,
  rows,
  frameMs: 125,
  readingMs: 2000,
  ports: { gateway: 8443, ledger: 8444 },
});
const processor = cpus();
const svg = svgOf(filmOf(frames, restMs), {
  columns,
  rows,
  title: 'peal sends a campaign, is killed, and goes on with it',
  description: [
    `A recorded terminal session of peal ${version}: peal send sends one notification to the million rows of a CSV file,`,
    'is killed after three seconds, and peal resume sends the rest. The gateway, a simulator on the same machine, has no',
    'token twice. At the speed of the run, on',
    `${processor.length} cores of ${processor[0]?.model.trim() ?? 'an unknown processor'} with Node ${process.version}.`,
  ].join(' '),
});
mkdirSync(path.dirname(file), { recursive: true });
writeFileSync(file, svg);
const seconds = (frames.at(-1)!.ms / 1000).toFixed(1);
console.log(`${path.relative(root, file)}: ${frames.length} frames in ${seconds} s, ${Buffer.byteLength(svg)} bytes`);
