/** Draws the plot of a report as SVG, with vega-lite from bench/plots, which is never in peal's own tree. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Report } from './report.js';
import { benchFolder } from './repository.js';

/** How to get vega and vega-lite. */
export const installPlots = 'npm ci --prefix bench/plots';

/**
 * A specification of vega-lite without `data` and `$schema`. Its rows have the field `contender`, a field for each
 * parameter, and for each metric its median by name, `<name>Lowest` and `<name>Highest`.
 */
export type PlotSpecification = Readonly<Record<string, unknown>>;

interface Vega {
  parse(specification: unknown): unknown;
  readonly View: new (runtime: unknown, options: object) => { toSVG(): Promise<string>; finalize(): void };
  readonly Error: number;
  logger(level: number): unknown;
}

interface VegaLite {
  compile(specification: unknown, options: object): { readonly spec: unknown };
}

/** Whether vega and vega-lite are installed. */
export function canPlot(): boolean {
  return ['vega', 'vega-lite'].every((name) => existsSync(path.join(benchFolder('plots'), 'node_modules', name)));
}

/** The text of the SVG. Rejects if `canPlot()` is false. */
export async function drawPlot(report: Report, plot: PlotSpecification): Promise<string> {
  const [vega, vegaLite] = (await Promise.all(['vega', 'vega-lite'].map(load))) as [Vega, VegaLite];
  const { spec } = vegaLite.compile(
    {
      $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
      background: 'white',
      // The picture has a text of its own on the page; one for each point would be most of the file.
      config: { aria: false },
      ...plot,
      data: { values: plotRows(report) },
    },
    { logger: vega.logger(vega.Error) },
  );
  const view = new vega.View(vega.parse(spec), { renderer: 'none', logLevel: vega.Error });
  const svg = await view.toSVG();
  view.finalize();
  return `${svg.replace(/\d+\.\d{2,}/g, (number) => String(Math.round(Number(number) * 100) / 100))}\n`;
}

/** The rows of the report, flat. */
export function plotRows({ rows }: Report): Record<string, string | number>[] {
  return rows.map(({ contender, parameters, figures }) => {
    const values = Object.entries(figures).flatMap(([metric, { median, lowest, highest }]) => [
      [metric, median],
      [`${metric}Lowest`, lowest],
      [`${metric}Highest`, highest],
    ]);
    return { contender, ...parameters, ...Object.fromEntries(values) };
  });
}

/** Both packages are ES modules. */
function load(name: string): Promise<unknown> {
  const require = createRequire(path.join(benchFolder('plots'), 'package.json'));
  return import(pathToFileURL(require.resolve(name)).href);
}
