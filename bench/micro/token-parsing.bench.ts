/**
 * Token lists: what it costs to turn a line into the packed token it stands for. A list of a million lines is read on
 * the main thread beside everything else it does, so this is part of the price of every notification.
 */
import { Buffer } from 'node:buffer';
import { createHash, randomBytes } from 'node:crypto';
import { parseDeviceToken } from '../../src/apns/device-token.js';
import { readChunkBytes } from '../../src/base/limits.js';
import { SeenTokens } from '../../src/campaign/recipients/seen-tokens.js';
import { TokenLineParser } from '../../src/campaign/recipients/token-lines.js';
import { TokenBlock } from '../../src/push/token-block.js';
import type { MicroItem, Register } from './suite.js';

const tokensPerRun = 10_000;

export const register: Register = () => [
  listItem('token parsing: line of 64 hex digits', (hex) => `${hex}\n`),
  listItem('token parsing: line of 64 hex digits, CR LF', (hex) => `${hex}\r\n`),
  listItem('token parsing: line in angle brackets', (hex) => `<${hex}>\n`),
  singleItem(),
  seenItem(),
];

function listItem(name: string, lineOf: (hex: string) => string): MicroItem {
  const list = Buffer.from(hexTokens().map(lineOf).join(''));
  let tokens = 0;
  const sink = {
    onBlock: (block: { count: number }) => {
      tokens += block.count;
    },
    onInvalid: () => {
      throw new Error('a token of the benchmark is invalid');
    },
  };
  return {
    name,
    bytesPerItem: list.length / tokensPerRun,
    itemsPerRun: tokensPerRun,
    run: () => {
      tokens = 0;
      const parser = new TokenLineParser(sink);
      for (let from = 0; from < list.length; from += readChunkBytes) {
        parser.write(list.subarray(from, from + readChunkBytes));
      }
      parser.end();
      if (tokens !== tokensPerRun) throw new Error(`${tokens} tokens of ${tokensPerRun}`);
    },
  };
}

function singleItem(): MicroItem {
  const list = hexTokens();
  return {
    name: 'token parsing: parseDeviceToken of 64 hex digits',
    bytesPerItem: 64,
    itemsPerRun: tokensPerRun,
    run: () => {
      for (const hex of list) parseDeviceToken(hex);
    },
  };
}

/**
 * Each token of a list of a million is new: the table grows all the while, and each place is one that no cache holds.
 */
function seenItem(): MicroItem {
  const count = 1_000_000;
  const bytes = randomBytes(count * 32);
  const blocks = Array.from({ length: count / 1000 }, (_, i) => {
    return new TokenBlock(bytes.subarray(i * 32_000, (i + 1) * 32_000), 32, 1000);
  });
  return {
    name: 'duplicates: a token that is new, of a million',
    bytesPerItem: 32,
    itemsPerRun: count,
    run: () => {
      const seen = new SeenTokens();
      for (const block of blocks) seen.unique(block);
      if (seen.size !== count || seen.memoryBytes > 24 * count)
        throw new Error(`${seen.size} in ${seen.memoryBytes} bytes`);
    },
  };
}

function hexTokens(): string[] {
  return Array.from({ length: tokensPerRun }, (_, index) => createHash('sha256').update(String(index)).digest('hex'));
}
