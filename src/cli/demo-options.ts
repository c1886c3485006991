/** The options of `peal demo`. */
import { Option } from 'commander';
import { maxThreads } from '../base/limits.js';
import { type OptionGroup, threadCount, wholeNumber } from './option-values.js';

export interface DemoFlags {
  readonly tokens: number;
  readonly threads: number | 'auto';
}

export function demoOptions(): readonly OptionGroup[] {
  return [
    {
      heading: 'Options:',
      options: [
        new Option('--tokens <n>', 'how many recipients').argParser(wholeNumber(100, 10_000_000)).default(100_000),
        new Option('--threads <n|auto>', 'worker threads; 0: none').argParser(threadCount(maxThreads)).default('auto'),
      ],
    },
  ];
}
