import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import {
  type Holder,
  holderOf,
  holderText,
  type LookUp,
  type ProcessFacts,
  stateOf,
  thisHolder,
} from '../../../src/base/files/run-holder.js';

const here: Holder = { pid: 10, start: '500', boot: 'aa', namespace: '1', host: 'one.example' };
const other: Holder = { ...here, pid: 20, start: '900' };
const nobody: LookUp = () => Promise.resolve(null);
const found =
  (facts: Partial<ProcessFacts>): LookUp =>
  () =>
    Promise.resolve({ start: '900', isZombie: false, ...facts });

describe('the holder of a folder', () => {
  const cases: readonly [name: string, holder: Holder, lookUp: LookUp, expected: string][] = [
    ['runs when its process is there, and began when it says', other, found({}), 'running'],
    ['is dead when no process has its id', other, nobody, 'dead'],
    ['is dead when another process has its id', other, found({ start: '901' }), 'dead'],
    ['is dead when its process is, and nobody has asked for it yet', other, found({ isZombie: true }), 'dead'],
    ['is dead when the machine was started since', { ...other, boot: 'bb' }, found({}), 'dead'],
    ['is elsewhere on another machine, whatever runs here', { ...other, host: 'two', boot: 'bb' }, nobody, 'elsewhere'],
    ['is elsewhere in another container', { ...other, namespace: '2' }, nobody, 'elsewhere'],
    [
      'is judged by its id alone where nothing else is known',
      { ...other, start: '-', boot: '-' },
      found({}),
      'running',
    ],
    ['is dead by its id alone where nothing else is known', { ...other, start: '-', namespace: '-' }, nobody, 'dead'],
  ];
  for (const [name, holder, lookUp, expected] of cases) {
    it(name, async () => {
      assert.equal(await stateOf(holder, here, lookUp), expected);
      assert.deepEqual(holderOf(holderText(holder)), holder);
    });
  }

  it('is this process while it runs, and a child until it has ended', async () => {
    const self = await thisHolder();
    assert.equal(await stateOf(self, self), 'running');
    assert.equal(
      await stateOf({ ...self, start: `${self.start}1` }, self),
      process.platform === 'linux' ? 'dead' : 'running',
    );
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    await once(child, 'spawn');
    const started =
      process.platform === 'linux' ? readFileSync(`/proc/${child.pid}/stat`, 'latin1').split(' ')[21]! : '-';
    const holder = { ...self, pid: child.pid!, start: started };
    assert.equal(await stateOf(holder, self), 'running');
    child.kill('SIGKILL');
    await once(child, 'close');
    assert.equal(await stateOf(holder, self), 'dead');
  });

  it('is nothing that another program has written', () => {
    for (const text of ['', '12', 'x.1.a.1.host', '1.1.a.1.', '1.1.a.1.a/b', '99999999999.1.a.1.h']) {
      assert.equal(holderOf(text), null, text);
    }
  });
});
