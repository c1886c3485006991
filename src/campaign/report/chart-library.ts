/**
 * The text of uPlot, as it is put into a report. The one file that knows the package; peal itself never runs it.
 */
import { readFileSync } from 'node:fs';
import { dependencyFile } from '../../base/package-files.js';

export interface ChartLibrary {
  readonly script: string;
  readonly style: string;
}

/** Null where the package is not found, as in a program of one file: the report then has the static charts only. */
export function readChartLibrary(): ChartLibrary | null {
  const [script, style, licence] = ['dist/uPlot.iife.min.js', 'dist/uPlot.min.css', 'LICENSE'].map((name) => {
    const file = dependencyFile(`uplot/${name}`);
    return file === null ? null : readFileSync(file, 'utf8');
  });
  if (script == null || style == null || licence == null) return null;
  return { script: `/*\n${licence.trim()}\n*/\n${script}`, style };
}
