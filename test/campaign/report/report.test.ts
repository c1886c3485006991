/**
 * The report of a campaign as text: what it says, and that nothing in its data becomes markup or comes out as a
 * secret.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readChartLibrary } from '../../../src/campaign/report/chart-library.js';
import { reportHtml } from '../../../src/campaign/report/report.js';
import type { ReportData } from '../../../src/campaign/report/report-data.js';
import { bothReport, emptyReport, fullReport, runningReport, stoppedReport } from './report-fixtures.js';
import { hostileTexts, withTexts } from './report-texts.js';

/** The page without its script, its style and its data. */
function bodyOf(page: string): string {
  return page.replace(/<(script|style)\b[^>]*>[\s\S]*?<\/\1>/g, '<$1></$1>');
}

/** The tags of a page in order. Fails for a `<` that begins no tag as the report writes them. */
function tagsOf(page: string): string[] {
  const tag = /<(?:!doctype html|\/?[a-z][a-z0-9]*(?:\s[a-zA-Z:-]+(?:="[^"<>]*")?)* ?\/?)>/g;
  const rest = bodyOf(page).replace(tag, '');
  assert.doesNotMatch(rest, /[<>]/, 'every angle bracket belongs to a tag');
  return bodyOf(page)
    .match(tag)!
    .map((each) => each.replace(/="[^"]*"/g, ''));
}

/** What a reader sees. */
function textOf(page: string): string {
  const text = bodyOf(page)
    .replace(/<[^>]*>/g, ' ')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
  return text.replace(/[\s\u00a0]+/g, ' ');
}

const texts = { full: textOf(reportHtml(fullReport())), stopped: textOf(reportHtml(stoppedReport())) };

describe('the report of a campaign', () => {
  it('begins with the verdict in one sentence and what to do next', () => {
    assert.match(
      texts.full,
      /Finished 25,996,298 of 26,000,000 recipients were accepted \(99\.99 %\)\. What to do next/,
    );
    const stopped =
      'Stopped after 4,629,604 of 10,000,000 recipients (46.30 %): 7.4 % of the latest answers were rejections';
    assert.ok(texts.stopped.includes(stopped));
    assert.ok(texts.stopped.includes('peal resume campaigns/shipped'));
    const order = ['were accepted', 'In numbers', 'Charts', 'Reasons', 'Slowest moments', 'Runs', 'Files', 'Settings'];
    const places = order.map((heading) => texts.full.lastIndexOf(heading));
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
      'verdict, numbers, charts, details',
    );
  });

  const verdicts: readonly (readonly [string, Partial<ReportData['summary']>, string])[] = [
    ['nothing', {}, 'The campaign had no recipients.'],
    ['everything accepted', { recipients: 1_000_000, accepted: 1_000_000 }, 'All 1,000,000 recipients were accepted.'],
    ['one accepted', { recipients: 1, accepted: 1 }, 'The one recipient was accepted.'],
    [
      'little accepted',
      { recipients: 1000, accepted: 12, rejected: 988 },
      'Only 12 of 1,000 recipients were accepted (1.20 %).',
    ],
    ['a run that has begun', { state: 'running' }, 'The campaign has begun.'],
    ['a wait', { state: 'running', why: 'It waits.' }, 'The campaign has begun. It waits.'],
    [
      'a pause',
      { state: 'paused', recipients: 500, accepted: 500, expected: 1000, why: 'A person paused it.' },
      'The campaign is paused after 500 of 1,000 recipients (50.00 %): A person paused it.',
    ],
    [
      'a stop before the first',
      { state: 'stopped', why: 'The key cannot be read.' },
      'Stopped before the first recipient: The key cannot be read.',
    ],
  ];
  for (const [what, summary, sentence] of verdicts) {
    it(`says of ${what}: ${sentence}`, () => {
      const data = emptyReport();
      const text = textOf(reportHtml({ ...data, summary: { ...data.summary, ...summary } }));
      assert.ok(text.includes(sentence), text.slice(0, 600));
    });
  }

  it('has a part for each of two services, whose columns add up, and none where there is one', () => {
    const text = textOf(reportHtml(bothReport()));
    const [, part] = text.split('Recipients by service; neither: the row names no platform');
    const table = part!.slice(0, part!.indexOf('Charts'));
    for (const row of [
      'Outcome APNs FCM Neither',
      'Recipients 15,000,412 11,000,590 26',
      'Accepted 14,996,880 10,999,418 Rejected 3,431 1,028 Unsent 0 0 Unknown 80 134 Invalid 21 10 26',
      'Answers 9,980/s 7,319/s Half within',
      '99 % within',
      'All within',
      'Reason APNs FCM Unregistered 3,008 UNREGISTERED 1,000',
      'INVALID_ARGUMENT (token) 28',
    ]) {
      assert.ok(table.replace(/\s+/g, ' ').includes(row), `${row} is in ${table}`);
    }
    assert.ok(text.includes('The push service took the notification. Whether a device showed it, the push service'));
    assert.ok(!texts.full.includes('By service') && !texts.full.includes('neither'));
    assert.ok(texts.full.includes('APNs took the notification. Whether a device showed it, APNs does not say.'));
    assert.ok(textOf(reportHtml({ ...fullReport(), protocol: 'fcm' })).includes('FCM refused the notification.'));
  });

  it('has every number without its script', () => {
    const expected = [
      ['25,996,298', '3,431', '214', '57', '10,412', '1,830', '26,000,000'],
      ['17,299/s', '25 min 3 s', 'Unregistered 410 3,008 87.67 %', 'drop the token unless it was registered again'],
      ['Half within 5', '99.9 % within', 'The gateway allowed 1 to 1,000 requests at a time on each.'],
      ['The gateway closed 6 of 8 connections (GOAWAY).', 'Open connections fell from 8 to 2.'],
      ['Answers were slow to come: 5,800 requests waited', 'line 4,711 of export/users-2026-11-28.csv.gz'],
      ['gone.csv', 'delete them from your database', 'max-error-rate 5 %', 'Europe/Berlin', '28 Nov 2026, 14:03:05'],
    ];
    for (const part of expected.flat()) assert.ok(texts.full.includes(part), part);
    assert.match(
      texts.stopped,
      /Run 1 1 min 5 s 3,150,000 48,462\/s 28 Nov 2026, 14:03:05\. It was killed, or the disk was full\./,
    );
    assert.match(texts.stopped, /No reason given 502 80/);
  });

  it('draws the charts as SVG, and gives their values as tables', () => {
    const page = reportHtml(fullReport());
    assert.equal(page.match(/<div class="static"/g)?.length, 5);
    assert.equal(page.match(/<summary>The values as a table<\/summary>/g)?.length, 3);
    assert.doesNotMatch(bodyOf(page), /NaN|undefined|Infinity/);
  });

  it('loads nothing: its policy allows its own script and style by their digests, and no address is in it', () => {
    for (const data of [fullReport(), stoppedReport(), runningReport(), emptyReport()]) {
      const page = reportHtml(data);
      const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)![1]!.replaceAll('&#39;', "'");
      const digest = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
      const style = /<style>([\s\S]*?)<\/style>/.exec(page)![1]!;
      const script = /<script>([\s\S]*?)<\/script>/.exec(page)?.[1];
      assert.ok(policy.startsWith("default-src 'none'; "));
      assert.ok(policy.includes(`style-src ${digest(style)};`));
      assert.ok(policy.includes(`script-src ${script === undefined ? "'none'" : digest(script)};`));
      assert.doesNotMatch(policy, /unsafe|http|\*/);
      assert.doesNotMatch(bodyOf(page), /https?:|\bstyle="|\bon[a-z]+="|javascript:/);
      assert.doesNotMatch(style, /@import|url\(/);
    }
  });

  it('has static charts and no script where uPlot is not installed', () => {
    const page = reportHtml(fullReport(), null);
    assert.doesNotMatch(page, /<script/);
    assert.match(page, /script-src &#39;none&#39;/);
    assert.equal(page.match(/<div class="static"/g)?.length, 5);
  });

  it('has no charts and no script where nothing was sent', () => {
    const page = reportHtml(emptyReport());
    assert.doesNotMatch(page, /<script|<figure/);
    assert.ok(page.length < 20_000);
  });

  it('brings the licence of uPlot along', () => {
    assert.match(readChartLibrary()!.script, /^\/\*\nThe MIT License[\s\S]*Leon Sorokin/);
  });

  it('is the same for the same data', () => {
    assert.equal(reportHtml(fullReport()), reportHtml(JSON.parse(JSON.stringify(fullReport()))));
  });

  it('stays small for a long campaign', () => {
    const bytes = Buffer.byteLength(reportHtml(fullReport()));
    assert.ok(bytes < 250_000, `${bytes} bytes`);
  });

  for (const hostile of hostileTexts) {
    it(`makes nothing of ${JSON.stringify(hostile)} in any field`, () => {
      for (const data of [fullReport(), stoppedReport()]) {
        const page = reportHtml(withTexts(data, hostile));
        assert.deepEqual(tagsOf(page), tagsOf(reportHtml(withTexts(data, 'harmless'))));
        assert.equal(page.match(/<script/gi)?.length, 2, 'the data and the script');
        assert.equal(page.match(/<\/script/gi)?.length, 2);
        const embedded = /<script type="application\/json" id="chart-data">([\s\S]*?)<\/script>/.exec(page)![1]!;
        assert.doesNotMatch(embedded, /[<>&\u2028\u2029]/);
        assert.equal(JSON.parse(embedded).version, 1);
      }
    });
  }

  it('shows what turns or hides text as what it is', () => {
    const data = withTexts(stoppedReport(), 'a\u202eb\u0000c\u2028d');
    assert.ok(textOf(reportHtml(data)).includes('a\\u{202e}b\\u{0}c\\u{2028}d'));
    const family = '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}';
    assert.ok(reportHtml({ ...data, title: family }).includes(`<h1>${family}</h1>`), 'joined emoji stay joined');
  });

  const deviceToken = '00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0';
  const secrets: readonly (readonly [string, string, string])[] = [
    ['a device token', deviceToken, deviceToken],
    ['a device token in capitals', deviceToken.toUpperCase(), deviceToken.toUpperCase()],
    [
      'a provider token',
      'bearer eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJGR0hJSjY3ODkwIn0.c2lnbmF0dXJl',
      'eyJpc3MiOiJGR0hJSjY3ODkwIn0',
    ],
    ['a private key', '-----BEGIN PRIVATE KEY-----\nMIGTAgEAMBMG\n-----END PRIVATE KEY-----', 'MIGTAgEAMBMG'],
    ['the password of a proxy', 'http://user:hunter2@proxy.example:3128', 'hunter2'],
  ];
  for (const [what, text, secret] of secrets) {
    it(`never shows ${what}, wherever it stands`, () => {
      assert.ok(!reportHtml(withTexts(fullReport(), text)).includes(secret));
      assert.ok(!reportHtml(withTexts(fullReport(), `before ${text} behind`)).includes(secret));
    });
  }

  it('does not show settings whose names say that they are secrets', () => {
    const names = ['passphrase', 'PEAL_PASSPHRASE', 'password', 'client-secret', 'private-key', 'provider-token'];
    const settings = names.map((name) => ({ name, value: 'hunter2' }));
    const kept = { name: 'passphrase-file', value: 'secrets/pass.txt' };
    const text = textOf(reportHtml({ ...emptyReport(), settings: [...settings, kept] }));
    assert.ok(!text.includes('hunter2'));
    assert.ok(text.includes('passphrase-file secrets/pass.txt'));
  });

  it('takes a time zone that it does not know for UTC, and times that are none for unknown', () => {
    const data = fullReport();
    const text = textOf(reportHtml({ ...data, timeZone: 'Mars/Olympus', writtenMs: Number.NaN }));
    assert.match(text, /28 Nov 2026, 13:03:05 to .* \(UTC\)/);
    assert.match(text, /on at an unknown time/);
  });
});
