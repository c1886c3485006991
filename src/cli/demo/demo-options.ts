/** The options of `peal demo`. */
import { Option } from 'commander';
import { maxThreads } from '../../base/limits.js';
import { type OptionGroup, threadCount, wholeNumber } from '../shared/option-values.js';

export interface DemoFlags {
  readonly tokens: number;
  readonly threads: number | 'auto';
}

export function demoOptions(): readonly OptionGroup[] {
  return [
    {
      heading: 'Options:',
      options: [
        new Option('--tokens <n>', 'number of recipients').argParser(wholeNumber(100, 10_000_000)).default(100_000),
        new Option('--threads <n|auto>', 'number of worker threads; 0 sends from the main thread')
          .argParser(threadCount(maxThreads))
          .default('auto'),
      ],
    },
  ];
}
