/**
 * Puts the tables and plots of the reference reports into docs/benchmarks.md, between marks that name the benchmark:
 *
 *     <!-- reference: single -->
 *     …
 *     <!-- end -->
 *
 * Called by `npm run bench -- --reference`, and by the test that compares page and reports.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Report } from './report.js';
import { reportMarkdown } from './report-table.js';
import { benchFolder } from './repository.js';

export const pageFile = (): string => path.join(benchFolder('..'), 'docs', 'benchmarks.md');

const marks = /(<!-- reference: ([a-z]+) -->\n)[\s\S]*?(<!-- end -->)/g;

/** The text of the page with the reports as they are now. A benchmark without a report keeps what is there. */
export function withReferences(page: string): string {
  return page.replace(marks, (whole, begin: string, name: string, end: string) => {
    const file = path.join(benchFolder('reference'), `${name}.json`);
    return existsSync(file) ? `${begin}${sectionOf(name, file)}\n${end}` : whole;
  });
}

/** Names of the benchmarks that have a place on the page. */
export const referencedBenchmarks = (page: string): string[] => [...page.matchAll(marks)].map(([, , name]) => name!);

function sectionOf(name: string, file: string): string {
  const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
  const plot = existsSync(path.join(benchFolder('..'), 'docs', 'benchmarks', `${name}.svg`))
    ? `\n\n![${report.title}](benchmarks/${name}.svg)`
    : '';
  return `${reportMarkdown(report)}${plot}`;
}
