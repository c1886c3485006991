/** Texts that would like to be more than text, and reports in which each text is such a one. */
import type { ReportData } from '../../../src/campaign/report/report-data.js';

export const hostileTexts: readonly string[] = [
  '</script><script>window.hacked = 1</script>',
  '<img src=x onerror="window.hacked = 1">',
  '"><svg onload=window.hacked=1>',
  "' onmouseover='window.hacked=1",
  '--><!--<script>window.hacked = 1',
  ']]></style></title><h1>hacked</h1>',
  '&lt;b&gt;&#60;img src=x onerror=window.hacked=1&#62;',
  'a\u2028b\u2029c\u0000d\u202ee',
  '\ud800 half a character',
  '`\u0024{window.hacked = 1}`',
  'javascript:window.hacked=1',
  '__proto__',
  'url(https://example.com/x)@import',
];

/** Words of the data that a campaign chooses among. They are no text from outside. */
const fixed: ReadonlySet<string> = new Set(['state', 'protocol', 'timeZone']);

/** `data` with each text replaced, or a report that is not empty of texts anywhere. */
export function withTexts(data: ReportData, text: string): ReportData {
  return replaced(data, text) as ReportData;
}

function replaced(value: unknown, text: string): unknown {
  if (typeof value === 'string') return text;
  if (Array.isArray(value)) return value.map((each) => replaced(each, text));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, fixed.has(key) ? each : replaced(each, text)]),
  );
}
