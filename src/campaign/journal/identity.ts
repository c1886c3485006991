/**
 * What makes a campaign the same when it is resumed: its message, its settings and its inputs, kept as digests, and
 * what differs as a sentence. The blocks' own digests prove the inputs while they are read; this refuses before
 * anything is sent. Made by a campaign, compared by its journal; main thread.
 */
import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { PealError } from '../../base/errors.js';
import { readProblem } from '../../base/file-errors.js';
import { counted } from '../../base/text.js';
import { option } from '../../base/wording.js';

/** A part of the message or of the settings that decides who gets what. */
export interface IdentityPart {
  /** How a sentence names it: `the payload`, or the option by `option('topic', 'the option ')`. */
  readonly name: string;
  readonly digest: string;
}

export interface InputIdentity {
  /** The path as it was given; `-`: standard input. */
  readonly name: string;
  /** Null where it is not known before it is read: standard input, pipes, an iterable. Then the rest is null, too. */
  readonly size: number | null;
  readonly mtimeMs: number | null;
  /** Digests of the first and the last bytes. */
  readonly head: string | null;
  readonly tail: string | null;
}

export interface CampaignIdentity {
  readonly parts: readonly IdentityPart[];
  readonly inputs: readonly InputIdentity[];
}

/** So much of the beginning and of the end of an input counts before it is read. */
const edgeBytes = 64 * 1024;
/** Differences that one sentence names. */
const maxNamed = 3;

/** @param value what JSON can say, or bytes; only its digest is kept */
export function identityPart(name: string, value: unknown): IdentityPart {
  return { name, digest: digestOf(value instanceof Uint8Array ? value : (JSON.stringify(value, inOrder) ?? '')) };
}

/** @throws PealError ERR_PEAL_INPUT for a file that cannot be read */
export async function inputIdentity(path: string): Promise<InputIdentity> {
  try {
    // A pipe is opened once, by its reader: opening waits for the program that writes it.
    if (!(await stat(path)).isFile()) return unreadInput(path);
    const file = await open(path);
    try {
      const stats = await file.stat();
      const { size, mtimeMs } = stats;
      const edge = async (position: number): Promise<string> => {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(edgeBytes), 0, edgeBytes, position);
        return digestOf(buffer.subarray(0, bytesRead));
      };
      return { name: path, size, mtimeMs, head: await edge(0), tail: await edge(Math.max(0, size - edgeBytes)) };
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new PealError('ERR_PEAL_INPUT', `${path} ${readProblem(error)}.`, { origin: 'input', cause: error });
  }
}

/** An input of which nothing is known before it is read. */
export function unreadInput(name: string): InputIdentity {
  return { name, size: null, mtimeMs: null, head: null, tail: null };
}

/**
 * What differs from the campaign that a journal holds; null where it is the same one. An input that was moved or
 * touched, and has the same size and edges, is the same.
 */
export function identityError(journal: string, kept: CampaignIdentity, given: CampaignIdentity): PealError | null {
  const differences = [...partDifferences(kept.parts, given.parts), ...inputDifferences(kept.inputs, given.inputs)];
  if (differences.length === 0) return null;
  const named = differences.slice(0, maxNamed);
  if (differences.length > maxNamed) named.push(`${differences.length - maxNamed} more`);
  const message =
    `${journal} holds another campaign, in which ${inRow(named)}. ` +
    'To resume it, give everything as it was; for a new campaign choose another directory, or remove this one with ' +
    `${option('startAnew', 'the option ')}.`;
  return new PealError('ERR_PEAL_OPTION', message, { origin: 'usage' });
}

function partDifferences(kept: readonly IdentityPart[], given: readonly IdentityPart[]): string[] {
  const keptByName = new Map(kept.map(({ name, digest }) => [name, digest]));
  const givenByName = new Map(given.map(({ name, digest }) => [name, digest]));
  return [...new Set([...givenByName.keys(), ...keptByName.keys()])].flatMap((name) => {
    if (!keptByName.has(name)) return [`${name} was not given`];
    if (!givenByName.has(name)) return [`${name} was given, too`];
    return keptByName.get(name) === givenByName.get(name) ? [] : [`${name} was another one`];
  });
}

function inputDifferences(kept: readonly InputIdentity[], given: readonly InputIdentity[]): string[] {
  if (kept.length !== given.length) {
    return [`there were ${counted(kept.length, 'list')} of recipients and not ${given.length}`];
  }
  return kept.flatMap((input, index) => inputDifference(input, given[index]!));
}

function inputDifference(kept: InputIdentity, given: InputIdentity): string[] {
  const list = `the list ${given.name}`;
  if (kept.size === null || given.size === null) {
    return kept.size === given.size ? [] : [`the list ${kept.name} was given in the place of ${given.name}`];
  }
  if (kept.size !== given.size)
    return [`${list} had ${counted(kept.size, 'byte')} and not ${counted(given.size, 'byte')}`];
  if (kept.head !== given.head) return [`${list} had another beginning`];
  return kept.tail === given.tail ? [] : [`${list} had another end`];
}

function inRow(texts: readonly string[]): string {
  return texts.length === 1 ? texts[0]! : `${texts.slice(0, -1).join(', ')} and ${texts.at(-1)}`;
}

function digestOf(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('base64url').slice(0, 22);
}

/** For JSON.stringify: the properties of an object by name, in whatever order they were set. */
function inOrder(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
