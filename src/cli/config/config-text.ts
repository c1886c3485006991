/**
 * Turns the text of a configuration file, JSON or YAML, into values that know their lines. Everything is bounded: an
 * alias of YAML counts as what it stands for. Loads the reader of YAML; called where there is a file, on the main
 * thread.
 */
import { isAlias, isCollection, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments, visit } from 'yaml';
import { maxConfigDepth, maxConfigValues } from '../../base/limits.js';

/** A value of the file, with the line where it stands, from 1. */
export interface ConfigNode {
  readonly line: number;
  /** Null for a list and a mapping. */
  readonly scalar: string | number | boolean | null;
  readonly items?: readonly ConfigNode[];
  readonly entries?: ReadonlyMap<string, ConfigEntry>;
}

/** An entry of a mapping, with the line of its key. */
interface ConfigEntry {
  readonly line: number;
  readonly node: ConfigNode;
}

/** What is wrong with the text. `message` is the rest of a sentence that begins with the file and the line. */
export class ConfigTextError extends Error {
  readonly line: number | null;

  constructor(message: string, line: number | null) {
    super(message);
    this.line = line;
  }
}

/**
 * Returns the mapping at the top of the file.
 *
 * @throws ConfigTextError
 */
export function readConfigText(text: string, isJson: boolean): ConfigNode {
  if (text.trim() === '') throw new ConfigTextError('the file is empty: check how it was written, or remove it', null);
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const lineAt = (offset: number | undefined): number => lines.linePos(offset ?? 0).line;
  const all = Array.isArray(documents) ? documents : [];
  const [document] = all;
  if (isJson) checkJson(text, document?.contents ?? null, document?.errors[0]?.pos[0], lineAt);
  // A tag that is not known is a warning of the reader.
  const [error] = all.flatMap(({ errors, warnings }) => [...errors, ...warnings]);
  if (error !== undefined) throw new ConfigTextError(yamlProblem(error.code), lineAt(error.pos[0]));
  if (all.length > 1) {
    const at = lineAt(all[1]!.range[0]);
    throw new ConfigTextError('a second document begins here, and the file has to have one: remove the line ---', at);
  }
  const contents = (document?.contents ?? null) as Node | null;
  // Comments alone.
  if (contents === null || (isScalar(contents) && contents.value === null)) {
    return { line: 1, scalar: null, entries: new Map() };
  }
  const reader = new Reader(lineAt, (alias) => (isAlias(alias) ? alias.resolve(document!) : undefined));
  const top = reader.read(contents, 0);
  if (top.entries === undefined) {
    throw new ConfigTextError('the file has to be a mapping of settings, such as "topic: com.example.app"', top.line);
  }
  return top;
}

/** Nodes of YAML to values with lines. */
class Reader {
  #count = 0;
  readonly #lineAt: (offset: number | undefined) => number;
  readonly #resolve: (alias: unknown) => Node | undefined;

  constructor(lineAt: (offset: number | undefined) => number, resolve: (alias: unknown) => Node | undefined) {
    this.#lineAt = lineAt;
    this.#resolve = resolve;
  }

  read(node: unknown, depth: number): ConfigNode {
    const line = this.#lineAt((node as Node | null)?.range?.[0]);
    if (++this.#count > maxConfigValues) {
      throw new ConfigTextError(
        `the file has more than ${maxConfigValues} values, counting what aliases stand for`,
        line,
      );
    }
    if (depth > maxConfigDepth) throw new ConfigTextError('values stand too deep within each other', line);
    if (isAlias(node)) {
      const target = this.#resolve(node);
      if (target === undefined) throw new ConfigTextError('the alias has no anchor before it', line);
      return { ...this.read(target, depth + 1), line };
    }
    if (isMap(node)) return { line, scalar: null, entries: this.#entriesOf(node.items, line, depth) };
    if (isSeq(node)) return { line, scalar: null, items: node.items.map((item) => this.read(item, depth + 1)) };
    const value = isScalar(node) ? node.value : null;
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return { line, scalar: value };
    if (typeof value === 'number') return { line, scalar: value };
    throw new ConfigTextError('the value has to be text, a number, true or false', line);
  }

  #entriesOf(
    pairs: readonly { key: unknown; value: unknown }[],
    line: number,
    depth: number,
  ): Map<string, ConfigEntry> {
    const own = new Map<string, ConfigEntry>();
    const merged = new Map<string, ConfigEntry>();
    for (const { key, value } of pairs) {
      const at = isScalar(key) || isCollection(key) ? this.#lineAt(key.range?.[0]) : line;
      const name = isScalar(key) ? key.value : null;
      if (typeof name !== 'string') throw new ConfigTextError('a key has to be text', at);
      if (name === '<<') {
        for (const [inherited, entry] of this.#mergedBy(value, at, depth)) merged.set(inherited, entry);
        continue;
      }
      const before = own.get(name);
      if (before !== undefined) {
        throw new ConfigTextError(
          `${shownKey(name)} stands here a second time, after line ${before.line}: remove one`,
          at,
        );
      }
      own.set(name, { line: at, node: this.read(value, depth + 1) });
    }
    for (const [name, entry] of merged) if (!own.has(name)) own.set(name, entry);
    return own;
  }

  /** `<<: *shared`, or a list of such, of which the first has precedence. */
  #mergedBy(value: unknown, line: number, depth: number): [string, ConfigEntry][] {
    const { entries, items = [] } = this.read(value, depth + 1);
    const maps = entries === undefined ? [...items].reverse().map((item) => item.entries) : [entries];
    if (maps.length === 0 || maps.includes(undefined)) throw new ConfigTextError('<< has to name a mapping', line);
    return maps.flatMap((map) => [...map!]);
  }
}

/** A key as a sentence shows it. It may be anything. */
export function shownKey(name: string): string {
  return /^[\w$.-]{1,40}$/.test(name) ? name : `"${name.slice(0, 40)}"`;
}

/** JSON is strict: a comment or a trailing comma would be refused by other programs that read the file. */
function checkJson(
  text: string,
  contents: unknown,
  errorAt: number | undefined,
  lineAt: (offset: number | undefined) => number,
): void {
  try {
    JSON.parse(text);
  } catch (error) {
    const { message } = error as Error;
    const place = /position (\d+)/.exec(message)?.[1];
    const at = place === undefined ? (errorAt ?? firstNotJson(contents)) : Number(place);
    const advice =
      'the file is not JSON here: check quotes and commas, or name it peal.config.yaml to have comments in it';
    throw new ConfigTextError(advice, at === undefined ? null : lineAt(at));
  }
}

/** Where YAML that is not JSON begins. */
function firstNotJson(contents: unknown): number | undefined {
  let at: number | undefined;
  visit(contents as Node, {
    Scalar: (_, node) => {
      const isPlainText = node.type === 'PLAIN' && typeof node.value === 'string';
      if (!isPlainText && node.type !== 'QUOTE_SINGLE') return undefined;
      at = node.range?.[0];
      return visit.BREAK;
    },
  });
  return at;
}

/** The messages of the reader quote the text, which may be a secret. */
function yamlProblem(code: string): string {
  return Object.hasOwn(problems, code)
    ? problems[code]!
    : 'the text is not YAML: check indentation, quotes and brackets';
}

const problems: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'a tab stands before the text: indent with blanks',
  BAD_INDENT: 'the line is not indented as those around it',
  MISSING_CHAR: 'a quote, bracket or colon is missing',
  BLOCK_AS_IMPLICIT_KEY:
    'the line is indented as a part of the value above it, or a colon stands in a text without quotes',
  BAD_ALIAS: 'the alias has no anchor before it',
  TAG_RESOLVE_FAILED: 'a tag (!) stands before the value, and settings have none',
  UNEXPECTED_TOKEN: 'something stands here that does not belong here: check quotes and brackets',
};
