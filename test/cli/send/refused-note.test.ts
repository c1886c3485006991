/** What is said of those who were refused before a run stopped for it. */
import assert from 'node:assert/strict';
import type { CampaignSummary, CountedReason } from '../../../src/campaign/report/summary.js';
import { refusedNote } from '../../../src/cli/send/rejection-notes.js';

function note(
  stopped: CampaignSummary['stopped'],
  reasons: readonly CountedReason[],
  unsent = 5,
  folder: string | null = 'out',
  names = ['rejected.csv', 'unsent.txt'],
) {
  const files = names.map((name) => ({ name, use: '', rows: 1 }));
  const said = refusedNote({ stopped, reasons, unsent, files } as unknown as CampaignSummary, 'http2', folder);
  return said === null || said.command === null ? (said?.text ?? null) : `${said.text}: ${said.command}`;
}

const wrongKey = { reason: 'InvalidProviderToken', status: 403, count: 10 };
const badToken = { reason: 'BadDeviceToken', status: 400, count: 1033 };
const gone = { reason: 'Unregistered', status: 410, count: 7 };

describe('the note on tokens that were refused before a run stopped', () => {
  it('names how many, and the command that sends to them and to what is unsent', () => {
    assert.equal(
      note('ERR_PEAL_STOPPED', [wrongKey, gone]),
      '10 tokens were refused for the reason that ended the run. They count as rejected, not unsent. ' +
        'Once the cause is mended, send to them as well: ' +
        `awk -F, '$3=="InvalidProviderToken"{print $1}' out/rejected.csv | peal send --tokens out/unsent.txt --tokens - …`,
    );
  });

  it('takes in bad tokens where they stopped the run, several reasons, and answers without a reason', () => {
    assert.match(
      note('ERR_PEAL_STOPPED', [badToken, { reason: 'HTTP 403', status: 403, count: 1 }, gone])!,
      /^1,034 tokens were .*'\$3=="BadDeviceToken" \|\| \$3=="HTTP 403"\{print \$1\}'/,
    );
    assert.equal(note('ERR_PEAL_CREDENTIAL', [badToken]), null);
  });

  it('names no unsent.txt where nothing is unsent, quotes a folder, and asks for one where there is none', () => {
    const topic = { reason: 'TopicDisallowed', status: 400, count: 1 };
    assert.match(
      note('ERR_PEAL_STOPPED', [topic], 0, "it's mine")!,
      /^1 token was refused .* It counts as rejected.* send to it as well: .*'it'\\''s mine\/rejected\.csv' \| peal send --tokens - …$/,
    );
    assert.match(note('ERR_PEAL_STOPPED', [topic], 0, null)!, /give --out DIR to keep it in rejected\.csv$/);
  });

  it('keeps the columns of a table, and names the file where there is no command for it', () => {
    assert.ok(
      note('ERR_PEAL_STOPPED', [wrongKey], 5, 'out', ['rejected.csv', 'unsent.csv'])!.endsWith(
        `awk -F, 'NR==1 || $3=="InvalidProviderToken"' out/rejected.csv | peal send --tokens out/unsent.csv --tokens - …`,
      ),
    );
    assert.match(
      note('ERR_PEAL_STOPPED', [wrongKey], 5, 'out', ['rejected.ndjson'])!,
      /They are in out\/rejected\.ndjson$/,
    );
  });

  it('is left out where nobody was refused for the sender’s fault, or nothing stopped the run', () => {
    assert.equal(note('ERR_PEAL_STOPPED', [gone]), null);
    assert.equal(note(null, [wrongKey]), null);
    assert.equal(note('ERR_PEAL_UNAVAILABLE', [wrongKey]), null);
  });
});
