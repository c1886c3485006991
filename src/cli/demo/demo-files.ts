/**
 * The files of the demo: a list of random tokens with a few scripted ones, and a throw-away provider key. All are in
 * the demo's temporary directory.
 */
import { randomBytes } from 'node:crypto';
import { open, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { counted } from '../../base/text.js';
import { scriptedToken } from '../../simulator/books/token-script.js';
import { createThrowAwayProviderKey } from '../../simulator/listen/certificate.js';

export interface DemoFiles {
  readonly tokens: string;
  readonly key: string;
  readonly keyId: string;
  readonly teamId: string;
  /** The public half of the key, for the simulator. */
  readonly publicKey: string;
  /** Where the simulator has to write the certificate to trust. */
  readonly authority: string;
  /** How many tokens ask for each reason. */
  readonly scripted: Readonly<Record<string, number>>;
  readonly recipients: number;
  /** The contents of the list, in words. */
  readonly description: string;
}

/** One token in so many asks for the reason. */
const oneIn: Readonly<Record<string, number>> = { Unregistered: 1_000, ExpiredToken: 4_000, BadDeviceToken: 2_500 };
const tokenBytes = 32;
const linesPerWrite = 8192;

export async function writeDemoFiles(folder: string, recipients: number): Promise<DemoFiles> {
  const scripted = await writeTokens(path.join(folder, 'tokens.txt'), recipients);
  const { p8, keyId, teamId, publicKey } = createThrowAwayProviderKey();
  const key = path.join(folder, `AuthKey_${keyId}.p8`);
  await writeFile(key, p8, { mode: 0o600, flag: 'wx' });
  await writeFile(path.join(folder, 'provider-key.pem'), publicKey, { mode: 0o600, flag: 'wx' });
  const scriptedCount = Object.values(scripted).reduce((sum, count) => sum + count, 0);
  return {
    tokens: path.join(folder, 'tokens.txt'),
    key,
    keyId,
    teamId,
    publicKey: path.join(folder, 'provider-key.pem'),
    authority: path.join(folder, 'ca.pem'),
    scripted,
    recipients,
    description: `${counted(recipients, 'line')}, ${scriptedCount} of them rejected or gone`,
  };
}

/** Writes the list. Resolves with the number of tokens for each reason. */
async function writeTokens(file: string, recipients: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const handle = await open(file, 'wx', 0o600);
  try {
    for (let first = 0; first < recipients; first += linesPerWrite) {
      const count = Math.min(linesPerWrite, recipients - first);
      const random = randomBytes(count * tokenBytes).toString('hex');
      const lines: string[] = [];
      for (let line = 0; line < count; line++) {
        const token = tokenAt(first + line, counts);
        lines.push(token ?? random.slice(line * tokenBytes * 2, (line + 1) * tokenBytes * 2));
      }
      await handle.write(`${lines.join('\n')}\n`);
    }
  } finally {
    await handle.close();
  }
  return counts;
}

/** Returns the scripted token for this line (from 0), counted under its reason, or null. */
function tokenAt(line: number, counts: Record<string, number>): string | null {
  const reason = Object.keys(oneIn).find((name, index) => line % oneIn[name]! === 37 + index);
  if (reason === undefined) return null;
  counts[reason] = (counts[reason] ?? 0) + 1;
  return scriptedToken(reason, line);
}
