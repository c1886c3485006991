/** Whether the end of a pipe is the end of the list, before and after an interruption. */
import assert from 'node:assert/strict';
import { PipeEnds, pipeEndDoubtMs } from '../../../src/cli/send/pipe-ends.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
};

describe('the end of a pipe', () => {
  for (const [isLineOpen, afterMs, isCertain, wasCut] of [
    [true, 0, false, true],
    [true, pipeEndDoubtMs - 1, false, true],
    [true, pipeEndDoubtMs, true, false],
    [false, pipeEndDoubtMs - 1, true, true],
    [false, pipeEndDoubtMs, true, false],
  ] as const) {
    const end = isLineOpen ? 'within a line' : 'behind a line';
    it(`${end}, ${afterMs} ms before an interruption, is ${isCertain ? '' : 'not '}taken for that of the list`, async () => {
      const clock = new VirtualClock();
      const ends = new PipeEnds(clock);
      const asked = ends.isCertain('-', isLineOpen);
      await turns();
      await clock.advance(afterMs);
      ends.interrupted();
      assert.equal(await asked, isCertain);
      assert.equal(ends.wasCut('-'), wasCut);
      assert.equal(ends.wasCut('another'), false);
    });
  }

  it('behind an interruption proves nothing', async () => {
    const ends = new PipeEnds(new VirtualClock());
    ends.interrupted();
    assert.equal(await ends.isCertain('pipe', false), false);
    assert.equal(ends.wasCut('pipe'), true);
  });

  it('is certain without an interruption, after a moment where a line is open', async () => {
    const clock = new VirtualClock();
    const ends = new PipeEnds(clock);
    assert.equal(await ends.isCertain('-', false), true);
    const asked = ends.isCertain('-', true);
    await turns();
    await clock.advance(pipeEndDoubtMs);
    assert.equal(await asked, true);
    assert.equal(ends.wasCut('-'), false);
  });
});
