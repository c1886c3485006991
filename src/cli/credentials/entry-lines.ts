/** The list of credentials as text: one line for each version, in columns. Pure. */
import type { CredentialEntry } from '../../credentials/kinds/credential-store.js';

const dayMs = 24 * 3_600_000;
/** A certificate that ends within this time is marked. */
const soonMs = 30 * dayMs;
/** So much of a fingerprint tells credentials apart. JSON has all of it. */
const shownDigits = 16;

const head = ['APP', 'ENVIRONMENT', 'VERSION', 'KIND', 'NAME', 'FINGERPRINT', 'ENDS', 'SEALED WITH'];

export function entryLines(entries: readonly CredentialEntry[], nowMs: number): readonly string[] {
  const rows = entries.map((entry) => cellsOf(entry, nowMs));
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd();
  const lines = entries.flatMap(({ problem }, index) => [
    line(rows[index]!),
    ...(problem === null ? [] : [`  ${problem}`]),
  ]);
  return [line(head), ...lines];
}

function cellsOf(entry: CredentialEntry, nowMs: number): readonly string[] {
  const { app, environment, version, kind, keyId, teamId, subject, fingerprint, expiresAt, sealedWith } = entry;
  const name = kind === 'token' ? `${keyId} (team ${teamId})` : (subject ?? '-');
  const shown = fingerprint === '' ? '-' : fingerprint.slice(0, shownDigits);
  const what = { token: 'key', certificate: 'certificate', none: '-' }[kind];
  return [app, environment, version, what, name, shown, endOf(expiresAt, nowMs), sealedWith ?? '-'];
}

function endOf(expiresAt: string | null, nowMs: number): string {
  if (expiresAt === null) return '-';
  const leftMs = Date.parse(expiresAt) - nowMs;
  const date = expiresAt.slice(0, 10);
  if (leftMs <= 0) return `${date} (ended)`;
  return leftMs < soonMs ? `${date} (${Math.floor(leftMs / dayMs)} days)` : date;
}
