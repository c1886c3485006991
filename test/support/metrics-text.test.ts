/** The reader of metrics refuses what the formats do not allow: a test with it that cannot fail would show nothing. */
import assert from 'node:assert/strict';
import { readMetrics } from './metrics-text.js';

const head = '# HELP a_total Some.\n# TYPE a_total counter\n';

describe('the reader of metrics', () => {
  it('reads samples with their labels', () => {
    const read = readMetrics(`${head}a_total{x="1\\n\\"",y=""} 5\na_total{x="2",y=""} 1e3\n`);
    assert.deepEqual(read.samples('a_total')[0], { name: 'a_total', labels: { x: '1\n"', y: '' }, value: 5 });
    assert.equal(read.sum('a_total'), 1005);
    assert.equal(read.sum('a_total', { x: '2' }), 1000);
  });

  const histogram = '# HELP h Some.\n# TYPE h histogram\n';
  for (const [why, text] of Object.entries({
    'a series twice': `${head}a_total{x="1"} 5\na_total{x="1"} 6\n`,
    'a family twice': `${head}a_total 5\n${head}a_total 5\n`,
    'a sample without a type': 'a_total 5\n',
    'a sample of another family': `${head}b_total 5\n`,
    'a counter without _total': '# HELP a Some.\n# TYPE a counter\na 5\n',
    'labels without quotes': `${head}a_total{x=1} 5\n`,
    'no value': `${head}a_total \n`,
    'no end of the last line': `${head}a_total 5`,
    'buckets that shrink': `${histogram}h_bucket{le="1"} 5\nh_bucket{le="+Inf"} 4\nh_sum 1\nh_count 4\n`,
    'a count that is not that of all': `${histogram}h_bucket{le="1"} 5\nh_bucket{le="+Inf"} 6\nh_sum 1\nh_count 7\n`,
    'no bucket of all': `${histogram}h_bucket{le="1"} 5\nh_sum 1\nh_count 5\n`,
  })) {
    it(`refuses ${why}`, () => {
      assert.throws(() => readMetrics(text), assert.AssertionError);
    });
  }

  it('asks for the end of OpenMetrics', () => {
    const text = '# HELP a Some.\n# TYPE a counter\na_total 5\n';
    assert.equal(readMetrics(`${text}# EOF\n`, true).sum('a_total'), 5);
    assert.throws(() => readMetrics(text, true), assert.AssertionError);
  });
});
