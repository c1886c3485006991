/**
 * What is wrong with a source of recipients, as a sentence that says what of it was read and where to go on. Thrown by
 * what reads a source, and completed by read-source, which knows how far it came.
 */
import { PealError } from '../../base/errors.js';

/**
 * What a fault says of the lines before it: "next": they are right, and those behind them are missing; "all": they are
 * right, and all there are; "none": they may be wrong.
 */
export type Proof = 'next' | 'all' | 'none';

interface FaultOptions {
  readonly cause?: unknown;
  readonly proof?: Proof;
  readonly lines?: number;
  readonly isEnded?: boolean;
}

/** How far a source was read, and how to go on. */
interface ReadSoFar {
  readonly lines: number;
  /** What lines are called: `Lines`, or `Elements` of a JSON array. */
  readonly unit: string;
  /** The command that gives a source from this line on; null where none does. */
  readonly goOn: (line: number) => string | null;
  /** Whether the same input is read again to go on. */
  readonly isReadAgain: boolean;
}

/** What is wrong with a source, before it is known how much of it was read. */
export class InputFault extends Error {
  /** Whether the text of the source came to its end, so that a last line without its end is whole. */
  readonly isEnded: boolean;
  readonly #source: string;
  readonly #problem: string;
  readonly #proof: Proof;
  /** Lines that count, where they are not all that were read. */
  readonly #lines: number | undefined;

  constructor(source: string, problem: string, { cause, proof = 'next', lines, isEnded = false }: FaultOptions = {}) {
    super(problem, { cause });
    this.#source = source;
    this.#problem = problem;
    this.#proof = proof;
    this.#lines = lines;
    this.isEnded = isEnded;
  }

  /** The line from which to go on, when `lines` lines were read; null where no line can be relied on. */
  next(lines: number): number | null {
    return this.#proof === 'next' ? (this.#lines ?? lines) + 1 : null;
  }

  /** The same as a sentence, and where to go on. */
  at(read: ReadSoFar): PealError {
    const lines = this.#lines ?? read.lines;
    const place = lines === 0 ? '' : ` ${places[this.#proof](lines, read)}`;
    const message = `${this.#source} ${this.#problem}.${place}`;
    return new PealError('ERR_PEAL_INPUT', message, { origin: 'input', cause: this.cause });
  }
}

const places: Readonly<Record<Proof, (lines: number, read: ReadSoFar) => string>> = {
  next: (lines, read) => {
    if (read.isReadAgain) return 'What was read of it counts: run the same again with a whole copy.';
    const command = read.goOn(lines + 1);
    const unit = read.unit.slice(0, -1).toLowerCase();
    return `${counted(lines, read)}; go on with ${unit} ${lines + 1} of a whole copy${command === null ? '' : ` (${command})`}.`;
  },
  all: (lines, read) => `${counted(lines, read)}.`,
  none: (lines, read) =>
    `${counted(lines, read)}, but any of them may be wrong: take what was accepted (accepted.csv of ` +
    'peal send --accepted) out of a whole copy before you send to it.',
};

function counted(lines: number, { unit }: ReadSoFar): string {
  return `${unit} 1 to ${lines} were read and count`;
}
