/**
 * Drives a virtual clock as the event loop drives a program: one callback at a time, and after each one everything that
 * promises have to do. The code under test awaits, so its continuations run between two callbacks and never within one.
 */

/** Callbacks that one turn of the real loop runs: Node empties the microtask queue after each of them. */
const callbacksPerTurn = 64;

/**
 * Calls `step` again and again, each time with an empty stack, until it returns false.
 *
 * @param turnsAfterStep Turns of the real loop after a step, for worlds in which real message ports deliver; null:
 *   none.
 */
export function pump(step: () => boolean, turnsAfterStep: (() => number) | null = null): Promise<void> {
  return new Promise((resolve, reject) => {
    let waiting = 0;
    let isOver = false;
    const tick = (): void => {
      waiting -= 1;
      if (!isOver) {
        try {
          isOver = !step();
        } catch (error) {
          isOver = true;
          reject(error);
        }
      }
      if (waiting > 0) return;
      if (isOver) resolve();
      else if (turnsAfterStep !== null) idle(turnsAfterStep(), refill);
      else refill();
    };
    const refill = (): void => {
      const callbacks = turnsAfterStep === null ? callbacksPerTurn : 1;
      waiting += callbacks;
      for (let i = 0; i < callbacks; i++) setImmediate(tick);
    };
    if (turnsAfterStep === null) refill();
    else idle(turnsAfterStep(), refill);
  });
}

/** Lets so many turns of the real loop pass. */
function idle(turns: number, then: () => void): void {
  if (turns === 0) then();
  else setImmediate(() => idle(turns - 1, then));
}
