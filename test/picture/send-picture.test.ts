/**
 * The moving picture of README.md as it is committed, what Chromium shows of it (skipped by name where there is none),
 * and a short run of the session that it is recorded from (skipped by name without tmux or curl).
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { filmOf } from '../../scripts/picture/film.js';
import { recordSession } from '../../scripts/picture/session.js';
import { svgOf } from '../../scripts/picture/svg.js';
import { hasTmux } from '../../scripts/picture/terminal.js';
import { repositoryRoot } from '../support/repository.js';
import { faultsOf } from './svg-faults.js';

const file = path.join(repositoryRoot, 'docs', 'pictures', 'send.svg');
const svg = readFileSync(file, 'utf8');
const { version } = JSON.parse(readFileSync(path.join(repositoryRoot, 'package.json'), 'utf8')) as { version: string };

/** The texts that are there at the end, from the top. */
const lastTexts = (picture: string): string[] =>
  [...picture.matchAll(/<text class="l"[^>]*y="(\d+)">(.*?)<\/text>/g)]
    .map(([, y, inner]) => ({
      y: Number(y),
      text: inner!
        .replaceAll(/<[^>]+>/g, ' ')
        .replaceAll(/\s+/g, ' ')
        .trim(),
    }))
    .sort((a, b) => a.y - b.y)
    .map(({ text }) => text);

/** What the session shows at its end, whatever the figures are. */
function assertIsTheSession(picture: string): void {
  const shown = lastTexts(picture).join('\n');
  assert.match(shown, /^\$ timeout --foreground -s KILL \d+ peal send users\.csv --out run-1 /m);
  assert.match(shown, /^\$ peal resume run-1 /m);
  assert.match(shown, /^sent ━+ 100 %/m);
  const summary = shown.slice(shown.indexOf('\nrecipients '));
  const figure = (name: string): number => {
    const [, digits] = new RegExp(`^${name} ([\\d,]+)`, 'm').exec(summary) ?? assert.fail(`no ${name} in\n${shown}`);
    return Number(digits!.replaceAll(',', ''));
  };
  const { recipients, ...outcomes } = Object.fromEntries(
    ['recipients', 'accepted', 'rejected', 'unsent', 'unknown', 'invalid'].map((name) => [name, figure(name)]),
  );
  assert.equal(
    Object.values(outcomes).reduce((sum, count) => sum + count, 0),
    recipients,
  );
  assert.match(shown, /^"duplicates":0$/m);
  const arrived = Number(/^"distinctTokens":(\d+)$/m.exec(shown)?.[1]);
  const { accepted = 0, rejected = 0, unknown = 0 } = outcomes;
  assert.ok(arrived >= accepted + rejected && arrived <= accepted + rejected + unknown, `${arrived} arrived`);
}

const small = 100_000;

describe('the picture of README.md', () => {
  it('is a well-formed SVG that needs nothing else', () => {
    assert.deepEqual(faultsOf(svg), []);
  });

  it('is small', () => {
    assert.ok(Buffer.byteLength(svg) < small, `${Buffer.byteLength(svg)} bytes`);
  });

  it('shows the session: a command, the summary of its campaign, and the books of the gateway', () => {
    assertIsTheSession(svg);
  });

  it('is of this version: npm run picture', () => {
    assert.match(
      svg,
      new RegExp(`<desc id="desc">A recorded terminal session of peal ${version.replaceAll('.', '\\.')}:`),
    );
  });

  it('follows the colours and the movement that a reader prefers', () => {
    assert.match(svg, /@media \(prefers-color-scheme:light\)/);
    assert.match(svg, /@media print,\(prefers-reduced-motion:reduce\)/);
  });

  it('is shown by README.md, with a text instead of it', () => {
    assert.match(
      readFileSync(path.join(repositoryRoot, 'README.md'), 'utf8'),
      /!\[[^\]]{40,}\]\(docs\/pictures\/send\.svg\)/,
    );
  });
});

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const executablePath = [process.env.PEAL_CHROMIUM ?? '', ...places].find((place) => place !== '' && existsSync(place));
const noBrowser = executablePath === undefined ? ' (skipped: no chromium on this machine)' : '';

describe(`the picture of README.md in Chromium${noBrowser}`, () => {
  let browser: Browser | undefined;
  let folder: string;

  before(async function () {
    if (executablePath === undefined) return this.skip();
    folder = mkdtempSync(path.join(tmpdir(), 'peal-picture-'));
    // Root, as in containers, has no sandbox; the only page here is our own.
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  });

  after(async () => {
    await browser?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  it('moves in an <img>, and asks for nothing', async () => {
    const html = path.join(folder, 'page.html');
    writeFileSync(html, `<!doctype html><img src="${pathToFileURL(file).href}">`);
    const page = await browser!.newPage({ viewport: { width: 800, height: 700 } });
    const asked: string[] = [];
    page.on('request', (request) => asked.push(path.basename(request.url())));
    await page.goto(pathToFileURL(html).href);
    assert.ok(await page.evaluate<boolean>('document.images[0].naturalWidth > 600'));
    const before = await page.screenshot();
    let isMoving = false;
    // The first characters are typed within the first second; a machine that does other things takes longer.
    for (let looks = 0; looks < 100 && !isMoving; looks++) isMoving = !(await page.screenshot()).equals(before);
    assert.ok(isMoving);
    assert.deepEqual(asked, ['page.html', 'send.svg']);
    await page.close();
  });

  it('stands still at its end for those who prefer that, and its text can be selected', async () => {
    const page = await browser!.newPage({ reducedMotion: 'reduce' });
    await page.goto(pathToFileURL(file).href);
    const visible = await page.evaluate<string[]>(
      `[...document.querySelectorAll('text')].filter((text) => getComputedStyle(text).visibility === 'visible')
        .sort((a, b) => a.getAttribute('y') - b.getAttribute('y'))
        .map((text) => [...text.childNodes].map((part) => part.textContent).join(' ').replaceAll(/\\s+/g, ' ').trim())`,
    );
    assert.deepEqual(visible, lastTexts(svg));
    const widest = await page.evaluate<number>(
      `Math.max(...[...document.querySelectorAll('text')].map((text) => text.getBBox().x + text.getBBox().width))`,
    );
    const width = await page.evaluate<number>(`document.documentElement.viewBox.baseVal.width`);
    assert.ok(widest <= width, `a line is ${widest} wide, the picture ${width}`);
    await page.close();
  });
});

const missing = [hasTmux() ? '' : 'tmux', spawnSync('curl', ['--version']).status === 0 ? '' : 'curl'].filter(Boolean);
const noTerminal = missing.length > 0 ? ` (skipped: no ${missing.join(' and no ')} on this machine)` : '';

describe(`npm run picture${noTerminal}`, () => {
  before(function () {
    if (missing.length > 0) this.skip();
  });

  it('records a campaign that is killed and resumed', async () => {
    const size = { columns: 80, rows: 34 };
    const frames = await recordSession({
      ...size,
      recipients: 18_000,
      rate: 1_500,
      killAfterSeconds: 7,
      frameMs: 250,
      readingMs: 0,
      ports: null,
    });
    const picture = svgOf(filmOf(frames, 1000), { ...size, title: 'a short run', description: 'a test' });
    assert.deepEqual(faultsOf(picture), []);
    assertIsTheSession(picture);
    assert.match(picture, /<text x="[\d.]+" y="\d+">sending +/);
  });
});
