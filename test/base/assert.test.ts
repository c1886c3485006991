import { strictEqual, throws } from 'node:assert/strict';
import { AssertionError, assert, rethrowAssertion } from '../../src/base/assert.js';

describe('assert', () => {
  it('says which promise was broken, and is silent where it holds', () => {
    assert(true, 'nothing is wrong');
    throws(
      () => assert(1 > 2, 'the mailbox is closed once'),
      (error) => {
        strictEqual(error instanceof AssertionError, true);
        strictEqual(
          (error as Error).message,
          'peal broke a promise of its own code: the mailbox is closed once. Please report this.',
        );
        return true;
      },
    );
  });

  it('lets errors that are expected pass, and no broken promise', () => {
    const broken = new AssertionError('broken');
    rethrowAssertion(new Error('closed'));
    throws(() => rethrowAssertion(broken), broken);
  });
});
