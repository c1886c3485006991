/**
 * Compares what a page of docs/guide or docs/how-to shows with what its command printed. On a page `…` stands for
 * anything that is left out. Figures that no two runs have alike (rates, process ids, ports, dates, ids) may differ;
 * nothing else may.
 */
import assert from 'node:assert/strict';

/** What differs from run to run, each with what stands for it. */
const changing: readonly (readonly [pattern: RegExp, name: string])[] = [
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours of a terminal
  [/\u001b\[[0-9;]*m/g, ''],
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi, 'UUID'],
  [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z| UTC)?/g, 'TIME'],
  [/\b\d{4}-\d\d-\d\d\b/g, 'DATE'],
  [/(localhost|127\.0\.0\.1):\d+/g, 'HOST:PORT'],
  [/\bprocess \d+/g, 'process PID'],
  [/"pid":\d+/g, '"pid":PID'],
  [/[\d,]+(\.\d+)? a second( \(mean\))?/g, 'RATE'],
  [/over \d+ connections?( on \d+ threads?)?/g, 'CONNECTIONS'],
  [/[\d,]+(\.\d+)? (ms|s)\b/g, 'DURATION'],
  [/\b([0-9a-f]{12}|[0-9a-f]{16})\b/g, 'DIGEST'],
];

function steady(text: string, isJson: boolean): string {
  const masked = changing.reduce((left, [pattern, name]) => left.replaceAll(pattern, name), text);
  if (isJson) return masked.replaceAll(/\s+/g, '');
  const lines = masked.split('\n').map((line) => line.replaceAll(/[ \t]+/g, ' ').trim());
  return lines.join('\n').trim();
}

/** How far a command is, which it says now and then: how often, a busy machine decides. */
const progress = /^(?:\{"messageType":"progress",.*|peal: \d+ %, .*)\n/gm;

/** Throws where `printed` is not what `shown` shows. */
export function assertShown(shown: string, printed: string, where: string, isJson = false): void {
  const compared = shown.search(progress) === -1 ? printed.replaceAll(progress, '') : printed;
  const [expected, actual] = [steady(shown, isJson), steady(compared, isJson)];
  const pattern = expected
    .split('…')
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('[^]*?');
  if (!new RegExp(`^${pattern}$`).test(actual)) assert.equal(actual, expected, `${where}: printed ${printed}`);
}
