/**
 * Lists of recipients that the pages of docs/guide and docs/how-to begin with. The simulator answers each as its token
 * asks.
 */
import { scriptedToken } from '../../src/simulator/index.js';

/** One that is accepted. */
export const token = (index: number): string => (index + 1).toString(16).padStart(64, '0');

export const gone = (index: number): string => scriptedToken('Unregistered', index);

/** One token a line: accepted ones, then others. */
export function list(accepted: number, others: readonly string[] = []): string {
  return `${[...Array.from({ length: accepted }, (_, index) => token(index)), ...others].join('\n')}\n`;
}

/** CSV with a header; a comma divides its cells, unless `delimiter` does. */
export function table(
  header: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  delimiter = ',',
): string {
  return `${[header, ...rows].map((cells) => cells.join(delimiter)).join('\n')}\n`;
}

const locales = ['en', 'de', 'fr'];
const zones = ['Europe/Berlin', 'America/New_York', 'Asia/Tokyo'];

/** `users.csv` of the pages: one user of each language and time zone after another; every tenth has no name. */
export function users(count: number, others: readonly string[] = []): string {
  const tokens = [...Array.from({ length: count }, (_, index) => token(index)), ...others];
  const rows = tokens.map((one, index) => {
    const name = index % 10 === 9 ? '' : `Name ${index + 1}`;
    return [1000 + index, one, locales[index % 3]!, name, zones[index % 3]!];
  });
  return table(['user_id', 'token', 'locale', 'name', 'timezone'], rows);
}

/** A registration token of FCM that is accepted. */
export function fcmToken(index: number): string {
  return `${String(index).padStart(22, 'a')}:APA91b${'b'.repeat(120)}`;
}
