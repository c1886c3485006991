import assert from 'node:assert/strict';
import { GoneTokens } from '../../../src/session/send/gone-tokens.js';
import { leastCpuMs } from '../../support/cpu-time.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const hex = (number: number): string => number.toString(16).padStart(64, '0');
const read = (gone: GoneTokens): string[] => [...gone.take()].map(({ token, when }) => `${token} ${when.getTime()}`);

describe('GoneTokens', () => {
  it('tells each token once, with the last time that was heard, the oldest news first', () => {
    const gone = new GoneTokens(new VirtualClock());
    gone.add('aa', 1000);
    gone.add('bb', 2000);
    gone.add('aa', 3000);
    assert.deepEqual(read(gone), ['bb 2000', 'aa 3000']);
    assert.deepEqual(read(gone), []);
  });

  it('takes now for an answer without a time', () => {
    const clock = new VirtualClock();
    const gone = new GoneTokens(clock);
    gone.add('aa', null);
    assert.deepEqual(read(gone), [`aa ${Math.floor(clock.wallMs())}`]);
  });

  it('keeps what a reader that stopped early has not been handed', () => {
    const gone = new GoneTokens(new VirtualClock());
    for (const token of ['aa', 'bb', 'cc']) gone.add(token, 1000);
    for (const { token } of gone.take()) if (token === 'bb') break;
    assert.deepEqual(read(gone), ['cc 1000']);
  });

  it('holds no more than it may: the oldest give way', () => {
    const gone = new GoneTokens(new VirtualClock(), 2);
    for (const token of ['aa', 'bb', 'cc']) gone.add(token, 1000);
    assert.deepEqual(read(gone), ['bb 1000', 'cc 1000']);
  });

  it('lets the oldest give way also after some were heard of again, and after all were read', () => {
    const gone = new GoneTokens(new VirtualClock(), 2);
    for (const token of ['aa', 'bb', 'aa', 'cc']) gone.add(token, 1000);
    assert.deepEqual(read(gone), ['aa 1000', 'cc 1000']);
    for (const token of ['dd', 'ee', 'ff', '99']) gone.add(token, 2000);
    assert.deepEqual(read(gone), ['ff 2000', '99 2000']);
  });

  it('goes on where it is while somebody reads, and hands nothing out twice', () => {
    const gone = new GoneTokens(new VirtualClock(), 100);
    for (let number = 0; number < 90; number++) gone.add(hex(number), number);
    const handed: string[] = [];
    for (const { token } of gone.take()) {
      handed.push(token);
      if (handed.length === 10) for (let number = 90; number < 220; number++) gone.add(hex(number), number);
    }
    assert.deepEqual(
      handed,
      Array.from({ length: 10 }, (_, number) => hex(number)),
    );
    const rest = [...gone.take()].map(({ token }) => token);
    assert.deepEqual(
      rest,
      Array.from({ length: 100 }, (_, number) => hex(120 + number)),
    );
  });

  it('keeps tokens of every length apart', () => {
    const gone = new GoneTokens(new VirtualClock());
    const tokens = [1, 32, 100, 31].map((bytes) => 'ab'.repeat(bytes));
    for (const token of tokens) gone.add(token, 1);
    assert.deepEqual(
      [...gone.take()].map(({ token }) => token),
      tokens,
    );
  });

  it('costs no more for each token when many have given way', () => {
    const costWith = (limit: number): number =>
      leastCpuMs(() => {
        const gone = new GoneTokens(new VirtualClock(), limit);
        for (let number = 0; number < 200_000; number++) gone.add(hex(number), 1000);
      });
    const [roomy, tight] = [costWith(1_000_000), costWith(50_000)];
    assert.ok(tight < 10 * roomy, `${tight} ms, and ${roomy} ms where nothing gives way`);
  });
});
