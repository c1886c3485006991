/** The options that all benchmarks share. Each benchmark adds its own to the same command. */
import path from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { benchFolder } from './repository.js';

export interface BenchOptions {
  /** How often each case is measured. */
  readonly rounds: number;
  /** Whether the benchmark runs in its smallest form: it proves that all parts work, and its figures mean little. */
  readonly quick: boolean;
  /** Where the report goes. */
  readonly jsonFile: string;
  /** Where the plot goes: beside the report, and for a reference into the documentation. */
  readonly svgFile: string;
}

const defaultRounds = 5;

/**
 * The command of a benchmark, before its own options are added. `command.parse()` refuses unknown options and extra
 * arguments with exit code 1 and a sentence.
 * @param script the name of the npm script without `bench:`, which is also the name of the files of results
 * @param purpose what it measures, in a sentence
 * @param rounds how often each case is measured by default; the same number goes to `benchOptions`
 */
export function benchCommand(script: string, purpose: string, rounds = defaultRounds): Command {
  return new Command(`npm run bench:${script} --`)
    .description(purpose)
    .option('--rounds <n>', `how often each case is measured (default: ${rounds}; 1 with --quick)`, wholeNumber)
    .option('--quick', 'the smallest form: it shows that all parts work, and its figures mean little', false)
    .option('--json <file>', `where the report goes; the plot goes beside it (default: bench/results/${script}.json)`)
    .option(
      '--reference',
      'put the report into bench/reference and the plot into docs/benchmarks, which are checked in',
      false,
    );
}

/** The shared options of a parsed command. */
export function benchOptions(command: Command, script: string, byDefault = defaultRounds): BenchOptions {
  const { rounds, quick, json, reference } = command.opts<{
    rounds?: number;
    quick: boolean;
    json?: string;
    reference: boolean;
  }>();
  const isReference = reference && json === undefined;
  const jsonFile = json ?? path.join(benchFolder(isReference ? 'reference' : 'results'), `${script}.json`);
  return {
    rounds: rounds ?? (quick ? 1 : byDefault),
    quick,
    jsonFile,
    svgFile: isReference ? path.join(referencePlots(), `${script}.svg`) : jsonFile.replace(/(\.json)?$/, '.svg'),
  };
}

/** Plots of references are in the package, because a page of it shows them. */
const referencePlots = (): string => path.join(benchFolder('..'), 'docs', 'benchmarks');

/** For options of the benchmarks: a whole number above 0. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('Expected a whole number above 0.');
}

/** For options of the benchmarks: whole numbers above 0, with commas between them. */
export function wholeNumbers(text: string): number[] {
  return text.split(',').map(wholeNumber);
}
