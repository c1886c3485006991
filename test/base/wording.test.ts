import assert from 'node:assert/strict';
import { PealError } from '../../src/base/errors.js';
import {
  either,
  inWords,
  libraryWords,
  option,
  quoting,
  recipientWords,
  rowWords,
  theOption,
  type Words,
} from '../../src/base/wording.js';

const flags: Words = {
  option: (path) => `--${path.replaceAll('.', '-')}`,
  either: (_library, commandLine) => commandLine,
};

const sentence = `${theOption('retry.timeMs')} must be longer than ${option('topic')}: give ${either('{ seconds: 5 }', '5s')}.`;

describe('wording', () => {
  it('says options and values in the words of whoever asked', () => {
    assert.equal(
      inWords(sentence, libraryWords),
      'The option retry.timeMs must be longer than topic: give { seconds: 5 }.',
    );
    assert.equal(inWords(sentence, flags), '--retry-timeMs must be longer than --topic: give 5s.');
  });

  it('leaves values out of what is said of a recipient', () => {
    const said = `${quoting('is "soon", not', 'is not')} a time: give ${either('{ seconds: 7 }', '7s', 'a later one')} or ${either('1', '2')}`;
    assert.equal(inWords(said, libraryWords), 'is "soon", not a time: give { seconds: 7 } or 1');
    assert.equal(inWords(said, flags), 'is "soon", not a time: give 7s or 2');
    assert.equal(inWords(said, recipientWords), 'is not a time: give a later one or 1');
    assert.equal(inWords(said, rowWords), 'is not a time: give a later one or 2');
    assert.equal(inWords(`is${quoting(' 7', '')}.`, rowWords), 'is.');
  });

  it('leaves text without marks, and half a mark, as it is', () => {
    assert.equal(inWords('as it is.', flags), 'as it is.');
    assert.equal(inWords(`cut ${option('topic').slice(0, -1)}`, libraryWords).includes('topic'), true);
  });

  it('is kept by an error, also through a record, and never seen in its message', () => {
    const error = new PealError('ERR_PEAL_OPTION', sentence, { origin: 'usage' });
    assert.equal(error.message, 'The option retry.timeMs must be longer than topic: give { seconds: 5 }.');
    const carried = PealError.fromRecord(structuredClone(error.toRecord()));
    assert.equal(carried.message, error.message);
    assert.equal(carried.inWords(flags), '--retry-timeMs must be longer than --topic: give 5s.');
    assert.deepEqual(Object.keys(error.toJSON()), ['code', 'message', 'origin', 'retryable']);
  });

  it('adds nothing to the record of an error without marks', () => {
    const error = new PealError('ERR_PEAL_CLOSED', 'It ended.', { origin: 'gateway' });
    assert.deepEqual(error.toRecord(), error.toJSON());
  });
});
