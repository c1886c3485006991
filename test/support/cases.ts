/**
 * How many cases a heavy test draws: all of them in continuous integration (`PEAL_TEST_CASES=all`, set by .ci/run),
 * fewer otherwise, so that the test command of the README takes minutes on any machine.
 */
export const drawsAll = process.env.PEAL_TEST_CASES === 'all';

export function cases(all: number, few: number): number {
  return drawsAll ? all : few;
}
