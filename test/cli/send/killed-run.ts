/**
 * A run of `--out` that is killed at one of its steps, as by `kill -9`: the program of a process of its own, for the tests
 * of the folder. Arguments: the folder, the number of the step, and `before` or `after` it. Prints a line once the run
 * writes its files.
 */
import { TokenBlock } from '../../../src/apns/token-block.js';
import { type FolderSteps, folderSteps } from '../../../src/cli/send/folder-steps.js';
import { Outputs } from '../../../src/cli/send/outputs.js';

const [folder, step, moment] = process.argv.slice(2) as [string, string, 'before' | 'after'];
let count = 0;

function killed<A extends unknown[], R>(call: (...args: A) => Promise<R>): (...args: A) => Promise<R> {
  return async (...args) => {
    const isLast = ++count === Number(step);
    if (isLast && moment === 'before') process.kill(process.pid, 'SIGKILL');
    const result = await call(...args);
    if (isLast) process.kill(process.pid, 'SIGKILL');
    return result;
  };
}

const steps: FolderSteps = {
  list: killed(folderSteps.list),
  create: killed(folderSteps.create),
  rename: killed(folderSteps.rename),
  remove: killed(folderSteps.remove),
  sync: killed(folderSteps.sync),
  isDirectory: killed(folderSteps.isDirectory),
};

const outputs = await Outputs.open(folder, [], { force: true, steps });
await outputs.sending();
process.stdout.write('writing\n');
const block = new TokenBlock(new Uint8Array([0xbb, 0xbb]), 1, 2);
outputs.unsent(block, 0, 2);
outputs.unknown(block, 0, 1);
outputs.rejected('bb', 410, 'Unregistered', null);
outputs.invalid(1, 'bb', 'why', 'list');
await outputs.publish();
process.stdout.write(`placed after ${count} steps\n`);
