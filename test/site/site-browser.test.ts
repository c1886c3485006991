/**
 * The site in the machine's Chromium, headless: no request leaves it, its search works offline, its pages fit on a
 * screen and a phone, and everybody can read them. Skipped by name where VitePress or Chromium is missing.
 */
import assert from 'node:assert/strict';
import type { Server } from 'node:http';
import { type Browser, type BrowserContextOptions, type Page as BrowserPage, chromium } from 'playwright-core';
import { contents, type Page } from '../../scripts/site/contents.js';
import { addressOf } from '../../scripts/site/links.js';
import { axeResults, browserPatienceMs, chromiumPath, violationsOf } from '../support/chromium.js';
import { describeSite, serveSite, useSite } from './use-site.js';

const desk = { width: 1280, height: 800 };
const phone = { width: 390, height: 844 };

/** One page of each kind; axe-core takes long for the longest. */
const looked = [
  '',
  'guide/first-minute.html',
  'configuration.html',
  'reasons.html',
  'reference/metrics.html',
  'reference/commands/rate.html',
  'reference/api/peal/classes/Session.html',
  'examples/fcm-ts.html',
];

const pathOf = (page: Page): string => `${'file' in page ? addressOf(page.file) : page.made}.html`;

const absence = chromiumPath === undefined ? ' (skipped: no chromium on this machine)' : '';

describeSite(`the site in Chromium${absence}`, () => {
  let browser: Browser;
  let server: Server;
  let address: string;

  before(async function () {
    if (chromiumPath === undefined) return this.skip();
    ({ server, address } = await serveSite(await useSite()));
    browser = await chromium.launch({
      executablePath: chromiumPath,
      args: ['--no-sandbox'],
      timeout: browserPatienceMs,
    });
  });

  after(async () => {
    await browser?.close();
    server?.close();
  });

  /** Opens the site, and fails if it asked for anything elsewhere or complained. */
  async function onSite(options: BrowserContextOptions, look: (page: BrowserPage) => Promise<void>): Promise<void> {
    const context = await browser.newContext(options);
    context.setDefaultTimeout(browserPatienceMs);
    const strays: string[] = [];
    context.on('request', (request) => {
      if (!request.url().startsWith(address) && !request.url().startsWith('data:')) strays.push(request.url());
    });
    context.on('response', (response) => {
      if (response.status() >= 400) strays.push(`${response.status()} ${response.url()}`);
    });
    const page = await context.newPage();
    page.on('console', (message) => strays.push(`console ${message.text()}`));
    page.on('pageerror', (error) => strays.push(`error ${error.message}`));
    try {
      await look(page);
      assert.deepEqual(strays, []);
    } finally {
      await context.close();
    }
  }

  for (const [where, options] of Object.entries({
    'a screen, light': { viewport: desk, colorScheme: 'light' },
    'a phone, dark': { viewport: phone, colorScheme: 'dark' },
  } as const)) {
    for (const name of looked) {
      it(`fits on ${where}, and can be read by everybody: ${name || 'the first page'}`, async () => {
        await onSite(options, async (page) => {
          await page.goto(address + name, { waitUntil: 'load' });
          await page.locator('.VPContent h1').first().waitFor();
          assert.equal(await page.evaluate('document.documentElement.scrollWidth'), options.viewport.width);
          assert.deepEqual(violationsOf(await axeResults(page)), []);
        });
      });
    }
  }

  it('has no page that is wider than a phone', async () => {
    await onSite({ viewport: phone, javaScriptEnabled: false }, async (page) => {
      const wide: string[] = [];
      for (const name of contents.flatMap(({ pages }) => pages.map(pathOf))) {
        await page.goto(address + name, { waitUntil: 'load' });
        if ((await page.evaluate('document.documentElement.scrollWidth')) !== phone.width) wide.push(name);
      }
      assert.deepEqual(wide, []);
    });
  });

  it('lets wide tables scroll within themselves on a phone, also by keys', async () => {
    await onSite({ viewport: phone }, async (page) => {
      await page.goto(`${address}benchmarks.html`, { waitUntil: 'load' });
      const wide = page.locator('.vp-doc table').nth(2);
      const [inner, outer] = await wide.evaluate((table) => [table.scrollWidth, table.clientWidth]);
      assert.ok(inner! > outer! && outer! <= phone.width, `${inner} in ${outer}`);
      await wide.focus();
      await page.keyboard.press('ArrowRight');
      await page.waitForFunction('document.activeElement.tagName === "TABLE" && document.activeElement.scrollLeft > 0');
    });
  });

  it('finds a reason by its name without a network, and opens its page', async () => {
    await onSite({ viewport: desk }, async (page) => {
      await page.goto(address, { waitUntil: 'load' });
      await page.getByRole('button', { name: 'Search' }).first().click();
      // Everything that the search needs has to be there, or to come from the site itself: nothing else is let through.
      const box = page.getByRole('searchbox');
      await box.fill('BadDeviceToken');
      const first = page.locator('.VPLocalSearchBox .result').first();
      await first.waitFor();
      assert.match((await first.textContent()) ?? '', /BadDeviceToken/);
      await page.keyboard.press('Enter');
      await page.waitForURL(/\/reasons\.html#baddevicetoken$/);
      const heading = page.locator('#baddevicetoken');
      await heading.waitFor();
      const top = (await heading.boundingBox())!.y;
      assert.ok(top >= 0 && top < desk.height, `the heading is at ${top}`);
    });
  });

  it('shows each page without scripts', async () => {
    await onSite({ viewport: desk, javaScriptEnabled: false }, async (page) => {
      for (const name of ['', 'cli.html', 'reference/metrics.html']) {
        await page.goto(address + name, { waitUntil: 'load' });
        assert.ok(await page.locator('.VPContent h1').first().isVisible(), name);
        assert.ok(await page.locator('.VPContent p').first().isVisible(), name);
      }
    });
  });

  it('goes from page to page, in the order of its contents', async () => {
    await onSite({ viewport: desk }, async (page) => {
      await page.goto(`${address}architecture.html`, { waitUntil: 'load' });
      await page.locator('.pager-link.next').click();
      await page.waitForURL(/\/reliability\.html$/);
      await page.getByRole('heading', { level: 1, name: 'Reliability' }).waitFor();
    });
  });
});
