/** The machine's Chromium, for tests that look at pages. They are skipped by name where there is none. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Where it is; undefined where there is none. */
export const chromiumPath = [process.env.PEAL_CHROMIUM ?? '', ...places].find(
  (place) => place !== '' && existsSync(place),
);

/** A browser that does not answer for so long never will. */
export const browserPatienceMs = 60_000;

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What the rules of axe-core say about a page. */
export async function axeResults(page: Page): Promise<AxeResults> {
  await page.evaluate(axeSource);
  return await page.evaluate<AxeResults>('axe.run()');
}

/** Returns what keeps somebody from reading a page. */
export function violationsOf({ violations }: AxeResults): string[] {
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}
