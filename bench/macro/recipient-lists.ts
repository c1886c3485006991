/** Files of recipients with random device tokens, for benchmarks that read them. */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { randomTokens, tokenBytes } from './contenders/contender.js';

/** A plain list: one token a line. */
export function writePlainList(file: string, count: number): Promise<void> {
  return writeLines(file, '', count, (token) => token);
}

/** CSV with four columns, as a database exports them. */
export function writeTable(file: string, count: number): Promise<void> {
  return writeLines(
    file,
    'user_id,token,name,orders\n',
    count,
    (token, index) => `${1_000_000 + index},${token},Name ${index % 9973},${index % 100}`,
  );
}

async function writeLines(
  file: string,
  head: string,
  count: number,
  lineOf: (token: string, index: number) => string,
): Promise<void> {
  const stream = createWriteStream(file, { mode: 0o600 });
  stream.write(head);
  for (let written = 0; written < count; ) {
    const some = Math.min(8192, count - written);
    const hex = randomTokens(some).toString('hex');
    const width = tokenBytes * 2;
    const lines = Array.from({ length: some }, (_, at) =>
      lineOf(hex.slice(at * width, (at + 1) * width), written + at),
    );
    if (!stream.write(`${lines.join('\n')}\n`)) await once(stream, 'drain');
    written += some;
  }
  stream.end();
  await once(stream, 'finish');
}
