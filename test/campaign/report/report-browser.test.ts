/**
 * Reports in the machine's Chromium, headless: whether everybody can read them (axe-core), in light, dark, at the
 * width of a phone, on paper and without scripts; whether charts answer; that no request leaves the page and that
 * texts stay texts. Skipped by name where there is no Chromium.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { reportHtml } from '../../../src/campaign/report/report.js';
import type { ReportData } from '../../../src/campaign/report/report-data.js';
import { axeResults, browserPatienceMs, chromiumPath, violationsOf } from '../../support/chromium.js';
import { bothReport, emptyReport, fullReport, runningReport, stoppedReport } from './report-fixtures.js';
import { hostileTexts, withTexts } from './report-texts.js';

const openDetails = 'for (const each of document.querySelectorAll("details")) each.open = true';

const desk = { width: 1180, height: 900 };
const modes: Readonly<Record<string, BrowserContextOptions>> = {
  light: { viewport: desk, colorScheme: 'light' },
  dark: { viewport: desk, colorScheme: 'dark' },
  'the width of a phone': { viewport: { width: 390, height: 844 }, colorScheme: 'light' },
  'the width of a phone, dark': { viewport: { width: 390, height: 844 }, colorScheme: 'dark' },
};
const reports: Readonly<Record<string, () => ReportData>> = {
  'a full report': fullReport,
  'a report of a stopped campaign': stoppedReport,
  'a report of a running campaign': runningReport,
  'an empty report': emptyReport,
  'a report of two services': bothReport,
};

const absence = chromiumPath === undefined ? ' (skipped: no chromium on this machine)' : '';

describe(`the report in Chromium${absence}`, () => {
  let browser: Browser | undefined;
  let folder: string;

  before(async function () {
    if (chromiumPath === undefined) return this.skip();
    folder = mkdtempSync(path.join(tmpdir(), 'peal-report-'));
    // Root, as in containers, has no sandbox; the only pages here are our own.
    browser = await chromium.launch({
      executablePath: chromiumPath,
      args: ['--no-sandbox'],
      timeout: browserPatienceMs,
    });
  });

  after(async () => {
    await browser?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  /** Opens a report, hands its page to `look`, and fails if the page asked for anything or complained. */
  async function inPage(
    data: ReportData,
    options: BrowserContextOptions,
    look: (page: Page) => Promise<void>,
  ): Promise<void> {
    const file = path.join(folder, 'report.html');
    writeFileSync(file, reportHtml(data));
    const address = pathToFileURL(file).href;
    const context = await browser!.newContext(options);
    context.setDefaultTimeout(browserPatienceMs);
    const strays: string[] = [];
    const page = await context.newPage();
    page.on('request', (request) => request.url().split('#')[0] !== address && strays.push(`request ${request.url()}`));
    page.on('console', (message) => strays.push(`console ${message.text()}`));
    page.on('pageerror', (error) => strays.push(`error ${error.message}`));
    page.on('dialog', (dialog) => strays.push(`dialog ${dialog.message()}`));
    try {
      await page.goto(address, { waitUntil: 'load' });
      await look(page);
      assert.deepEqual(strays, []);
    } finally {
      await context.close();
    }
  }

  async function assertReadable(page: Page): Promise<void> {
    const results = await axeResults(page);
    assert.deepEqual(violationsOf(results), []);
    const unsure = results.incomplete.filter(({ id }) => id !== 'color-contrast').map(({ id }) => id);
    assert.deepEqual(unsure, []);
  }

  for (const [mode, options] of Object.entries(modes)) {
    for (const [what, make] of Object.entries(reports)) {
      it(`${what} can be read by everybody: ${mode}`, async () => {
        await inPage(make(), options, async (page) => {
          await page.evaluate(openDetails);
          await assertReadable(page);
        });
      });
    }
  }

  for (const width of [390, 320]) {
    it(`fits into ${width} pixels: nothing is to the side of the page`, async () => {
      const data = withTexts(stoppedReport(), `${'W'.repeat(80)} ${'long/path/without/blanks/'.repeat(8)}`);
      for (const report of [fullReport(), bothReport(), data]) {
        await inPage(report, { viewport: { width, height: 800 } }, async (page) => {
          await page.evaluate(openDetails);
          assert.equal(await page.evaluate('document.documentElement.scrollWidth'), width);
        });
      }
    });
  }

  it('draws its charts, and answers to a pointer, to keys and to a screen reader alike', async () => {
    await inPage(stoppedReport(), modes.light!, async (page) => {
      assert.equal(await page.locator('canvas').count(), 5);
      assert.equal(await page.locator('.static:visible').count(), 0);
      const [rate, gateway, latency] = ['#r-rate', '#r-gateway', '#r-latency'].map((slider) => page.locator(slider));
      await rate!.focus();
      for (let press = 0; press < 7; press++) await page.keyboard.press('ArrowRight');
      const words = (await rate!.getAttribute('aria-valuetext')) ?? '';
      assert.match(words, /^0:07 \(14:03:12\): Accepted 5\d,\d{3}\/s, Rejected \d+\/s, Unknown 0\/s$/);
      assert.ok((await page.locator('output[for="r-rate"]').textContent())?.includes(words), 'the same is seen');
      assert.match((await gateway!.getAttribute('aria-valuetext')) ?? '', /^0:07 .*Connections 8, Stream limit 1,000/);
      await latency!.focus();
      await page.keyboard.press('End');
      assert.match((await latency!.getAttribute('aria-valuetext')) ?? '', / s to .* s \(.* % of all\): \d+ answers$/);

      const chart = page.locator('[data-chart="connections"] .u-over');
      await chart.hover({ position: { x: 2, y: 20 } });
      assert.match((await rate!.getAttribute('aria-valuetext')) ?? '', /^0:00 /);
    });
  });

  it('hides a line by a button, and shows it again', async () => {
    await inPage(fullReport(), modes.light!, async (page) => {
      const button = page.getByRole('button', { name: 'Rejected' });
      await page.locator('#r-rate').press('ArrowRight');
      await button.focus();
      await page.keyboard.press('Space');
      assert.equal(await button.getAttribute('aria-pressed'), 'false');
      await page.locator('#r-rate').press('ArrowRight');
      assert.doesNotMatch((await page.locator('#r-rate').getAttribute('aria-valuetext')) ?? '', /Rejected/);
      await button.press('Enter');
      assert.equal(await button.getAttribute('aria-pressed'), 'true');
    });
  });

  it('begins with a link past the contents, and goes on in the order of the page', async () => {
    await inPage(fullReport(), modes.light!, async (page) => {
      await page.keyboard.press('Tab');
      const focused = 'document.activeElement.textContent.trim()';
      assert.equal(await page.evaluate(focused), 'Skip to the numbers');
      assert.ok(await page.locator('.skip').evaluate((link) => link.getBoundingClientRect().left >= 0), 'it is seen');
      const order: string[] = [];
      for (let press = 0; press < 12; press++) {
        await page.keyboard.press('Tab');
        order.push(await page.evaluate<string>(`${focused} || document.activeElement.id`));
      }
      const nav = ['In numbers', 'Charts', 'Reasons', 'Slowest moments', 'Runs', 'Files', 'Settings'];
      assert.deepEqual(order, [...nav, 'Accepted', 'Rejected', 'Unknown', 'Allowed rate', 'r-rate']);
    });
  });

  it('has its headings in order and its charts and tables under names', async () => {
    await inPage(fullReport(), modes.light!, async (page) => {
      const levels = await page
        .locator('h1,h2,h3,h4')
        .evaluateAll((list) => list.map((heading) => Number(heading.tagName[1])));
      assert.equal(levels.filter((level) => level === 1).length, 1);
      for (const [index, level] of levels.entries()) assert.ok(index === 0 || level <= levels[index - 1]! + 1);
      for (const name of ['Outcomes per second', 'Time from dispatch to answer', 'Connections and stream limits']) {
        await page.getByRole('figure', { name }).waitFor();
      }
      await page.getByRole('table', { name: 'Why recipients were rejected, and what to do' }).waitFor();
      await page.getByRole('navigation', { name: 'Contents' }).waitFor();
      await page.getByRole('main').waitFor();
    });
  });

  it('is complete where scripts do not run', async () => {
    await inPage(fullReport(), { viewport: desk, javaScriptEnabled: false }, async (page) => {
      assert.equal(await page.locator('.static:visible').count(), 5);
      assert.equal(await page.locator('.reader:visible').count(), 0);
      assert.equal(await page.locator('canvas').count(), 0);
    });
  });

  it('is light on paper, with charts of lines instead of pixels, whatever the screen is', async () => {
    await inPage(fullReport(), modes.dark!, async (page) => {
      await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
      assert.equal(await page.evaluate('getComputedStyle(document.body).backgroundColor'), 'rgb(255, 255, 255)');
      assert.equal(await page.locator('.static:visible').count(), 5);
      for (const hidden of ['canvas', 'nav', '.reader']) {
        assert.equal(await page.locator(`${hidden}:visible`).count(), 0, hidden);
      }
      await assertReadable(page);
      const pdf = await page.pdf({ format: 'A4' });
      assert.ok(pdf.length > 20_000);
    });
  });

  it('makes nothing of hostile texts', async () => {
    const shape =
      'JSON.stringify([...document.querySelectorAll("*")].map((each) => [each.tagName, each.attributes.length]))';
    let expected = '';
    await inPage(withTexts(fullReport(), 'harmless'), modes.light!, async (page) => {
      expected = await page.evaluate<string>(shape);
    });
    for (const hostile of hostileTexts) {
      await inPage(withTexts(fullReport(), hostile), modes.light!, async (page) => {
        assert.equal(await page.evaluate(shape), expected, hostile);
        assert.equal(await page.evaluate('typeof window.hacked'), 'undefined', hostile);
      });
    }
  });
});
