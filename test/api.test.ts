/** The public face of the package against its reports in api/. */
import assert from 'node:assert/strict';
import { changedReports } from '../scripts/api.js';

describe('the public face', () => {
  it('is what the reports in api/ say', () => {
    const changed = changedReports(false);
    const advice = 'run npm run api, read what git diff api/ shows, and commit it if the change is meant';
    assert.equal(changed.length, 0, `The public face differs from the reports of ${changed.join(', ')}: ${advice}.`);
  });
});
