/** Registration tokens that ask for their answer: the table of the documentation, and the names of answers. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { scriptedFcmAnswer } from '../../../src/simulator/fcm/fcm-script.js';
import { fcmScript, scriptedFcmToken } from '../../../src/simulator/index.js';
import { answerName, answerStatus, isRejection } from '../../../src/simulator/settings/answers.js';
import { fcmAnswers } from '../../../src/simulator/settings/fcm-answers.js';
import { repositoryRoot } from '../../support/repository.js';

describe('simulator: scripted tokens of FCM', () => {
  it('are found by their beginning, whatever their number is', () => {
    for (const { answer, name, says } of fcmScript) {
      for (const index of [0, 7, 2 ** 31 - 1]) {
        assert.equal(scriptedFcmAnswer(scriptedFcmToken(says, index)), answer, name);
        assert.equal(scriptedFcmAnswer(`feed-${name}-${index}`), answer, name);
      }
      assert.equal(scriptedFcmToken(name, 1).length, 142);
    }
    for (const other of ['feed-other-1:APA91b', 'feed-internal:APA91b', 'feed-internal-1x', 'need-internal-1']) {
      assert.equal(scriptedFcmAnswer(other), -1, other);
    }
  });

  it('are refused for other reasons, with the one that was meant', () => {
    assert.throws(() => scriptedFcmToken('UNREGISTRED'), /did you mean unregistered\?/i);
    assert.throws(() => scriptedFcmToken('internal', -1), /index/);
  });

  it('are the table of docs/simulator.md', () => {
    const page = readFileSync(path.join(repositoryRoot, 'docs', 'simulator.md'), 'utf8');
    const rows = [...page.matchAll(/^\| `feed-([a-z0-9-]+)-` \| (\d+|–) \| (.*) \|$/gm)];
    assert.deepEqual(
      rows.map(([, name, status, says]) => [name, status, says]),
      fcmScript.map(({ answer, name, says }) => [name, String(answerStatus(answer) || '–'), says]),
    );
  });

  it('stand for answers of their own', () => {
    for (const { code, name, status } of fcmAnswers) {
      assert.equal(answerName(code), name);
      assert.equal(answerStatus(code), status, name);
      assert.ok(isRejection(code), name);
    }
  });
});
