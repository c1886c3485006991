/**
 * Reads ids of channels from files and standard input, one on a line. What peal knows of lists of device tokens holds
 * for these lists, too: gzip and zstd are unpacked, and a key, a certificate or a database is refused. No line is ever
 * quoted, because it may be a secret. Main thread.
 */
import { StringDecoder } from 'node:string_decoder';
import { isChannelId } from '../../apns/channel.js';
import { PealError } from '../../base/errors.js';
import { maxChannelListCharacters, maxInvalidTextCharacters } from '../../base/limits.js';
import { InputFault } from '../../campaign/recipients/input-fault.js';
import { nameOf, readSource, type SourceReader, type SourceSink } from '../../campaign/recipients/read-source.js';
import { usageError } from '../shared/terminal.js';

/** A line that holds no id. */
export interface InvalidChannel {
  /** The file, as it was named, or `standard input`. */
  readonly list: string;
  /** From 1. */
  readonly line: number;
}

export interface ChannelList {
  /** Each once, in the order of the lists. */
  readonly ids: readonly string[];
  readonly invalid: readonly InvalidChannel[];
  /** Ids that stood before. */
  readonly duplicate: number;
}

/**
 * @param given ids on the command line
 * @param files `-` is standard input
 * @param flag how `files` are given, for errors
 * @throws PealError ERR_PEAL_OPTION for an id on the command line that is none; ERR_PEAL_INPUT for a file that cannot
 *   be read, or is no list
 */
export async function readChannels(
  given: readonly string[],
  files: readonly string[],
  flag: string,
  signal?: AbortSignal,
): Promise<ChannelList> {
  const wrong = given.findIndex((id) => !isChannelId(id));
  if (wrong !== -1) {
    const which = given.length === 1 ? 'The channel' : `Channel ${wrong + 1}`;
    throw usageError(`${which} on the command line ${notAnId}: ${idForm}.`);
  }
  if (files.filter((file) => file === '-').length > 1) {
    throw usageError(`${flag}: standard input (-) can be read only once.`);
  }
  const ids = new Set(given);
  const invalid: InvalidChannel[] = [];
  let count = given.length;
  for (const file of files) {
    for await (const id of linesOf(file, invalid, signal)) {
      ids.add(id);
      count += 1;
    }
  }
  return { ids: [...ids], invalid, duplicate: count - ids.size };
}

const notAnId = 'is not the id of a channel';

/** As the rest of a sentence. */
const idForm = 'it is base64, such as dHN0LXNyY2gtY2hubA==, as peal channels list prints it';

async function* linesOf(
  file: string,
  invalid: InvalidChannel[],
  signal: AbortSignal | undefined,
): AsyncGenerator<string, void, void> {
  const list = file === '-' ? 'standard input' : file;
  const readerOf = (sink: SourceSink<string>, name: string): SourceReader => new ChannelReader(sink, name);
  const onInvalid = ({ line }: { readonly line: number }): void => void invalid.push({ list, line });
  const before = invalid.length;
  let count = 0;
  try {
    for await (const id of readSource(file, { readerOf, onInvalid, signal }, { next: null, isWhole: false })) {
      count += 1;
      yield id;
    }
  } catch (error) {
    if (!(error instanceof PealError)) throw error;
    const { code, origin, message } = error;
    throw new PealError(code, inChannelWords(message), { origin, cause: error.cause });
  }
  if (count > 0 || invalid.length > before || signal?.aborted === true) return;
  throw new PealError('ERR_PEAL_INPUT', `${nameOf(file)} holds no channels.`, { origin: 'input' });
}

/** The readers of lists speak of device tokens, and of sending on with the rest. */
function inChannelWords(message: string): string {
  return message
    .replaceAll(/(?<!\.)\b(?:device )?token(s?)\b/g, 'channel id$1')
    .replace(/ Lines \d+ to \d+ were read and count.*$/s, '');
}

class ChannelReader implements SourceReader {
  readonly #sink: SourceSink<string>;
  readonly #name: string;
  readonly #decoder = new StringDecoder('utf8');
  /** The beginning of a line. */
  #open = '';
  #characters = 0;
  lines = 0;

  constructor(sink: SourceSink<string>, name: string) {
    this.#sink = sink;
    this.#name = name;
  }

  get isOpen(): boolean {
    return this.isLineOpen;
  }

  get isLineOpen(): boolean {
    return this.#open !== '';
  }

  write(chunk: Uint8Array): void {
    const text = this.#decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    this.#characters += text.length;
    if (this.#characters > maxChannelListCharacters) {
      const problem = `has more than ${maxChannelListCharacters} characters, so it is not a list of channels`;
      throw new InputFault(this.#name, problem, { proof: 'all', lines: 0 });
    }
    const lines = (this.#open + text).split('\n');
    this.#open = lines.pop()!;
    for (const line of lines) this.#take(line);
  }

  flush(): void {}

  end(): void {
    if (this.#open !== '') this.#take(this.#open);
    this.#open = '';
  }

  #take(line: string): void {
    this.lines += 1;
    const id = line.replace(/^\uFEFF/, '').trim();
    if (id === '') return;
    const isId: boolean = isChannelId(id);
    if (isId) this.#sink.onBlock(id);
    else this.#sink.onInvalid({ line: this.lines, text: id.slice(0, maxInvalidTextCharacters), why: notAnId });
  }
}
