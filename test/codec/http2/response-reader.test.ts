/**
 * What a peer may do to single streams and their answers, case by case. Numbers in the names are clauses of RFC 9113.
 */
import { maxEmptyDataFrames } from '../../../src/base/limits.js';
import * as frames from '../../../src/codec/http2/frames.js';
import { connectionError, goesOn, ok } from '../../support/peer-cases.js';
import { accepted, data, frame, headers, rstStream, windowUpdate } from '../../support/scripted-peer.js';

const { PUSH_PROMISE } = frames;
const { FLAG_END_HEADERS: END_HEADERS } = frames;

describe('codec/http2/response-reader', () => {
  connectionError('HEADERS on a stream of the peer (5.1.1)', frames.PROTOCOL_ERROR, accepted(2));
  for (const [name, bytes] of [
    ['HEADERS', accepted(7)],
    ['DATA', data(7, 'x', true)],
    ['RST_STREAM', rstStream(7, 0)],
    ['WINDOW_UPDATE', windowUpdate(7, 1)],
  ] as const) {
    connectionError(`${name} on an idle stream (5.1)`, frames.PROTOCOL_ERROR, bytes);
  }
  goesOn(
    'HEADERS after the end: STREAM_CLOSED, once (5.1)',
    '0 accepted',
    [[1, frames.STREAM_CLOSED]],
    accepted(1),
    accepted(1),
    accepted(1),
  );
  goesOn(
    'DATA after the end: STREAM_CLOSED (6.1)',
    '0 accepted',
    [[1, frames.STREAM_CLOSED]],
    accepted(1),
    data(1, 'x', true),
  );
  goesOn(
    'DATA after RST_STREAM: STREAM_CLOSED (5.1)',
    '0 unanswered',
    [[1, frames.STREAM_CLOSED]],
    rstStream(1, frames.CANCEL),
    data(1, 'x', true),
  );
  goesOn(
    'RST_STREAM and WINDOW_UPDATE after the end are no errors (5.1)',
    '0 accepted',
    [],
    accepted(1),
    rstStream(1, frames.CANCEL),
    windowUpdate(1, 5),
  );
  goesOn(
    'RST_STREAM NO_ERROR after a complete answer keeps it (8.1)',
    '0 accepted',
    [],
    accepted(1),
    rstStream(1, frames.NO_ERROR),
  );
  goesOn('RST_STREAM REFUSED_STREAM: not processed (8.7)', '0 unprocessed', [], rstStream(1, frames.REFUSED_STREAM));
  goesOn(
    'REFUSED_STREAM after an answer has begun is not believed',
    '0 unanswered',
    [],
    headers(1, [[':status', '200']], false),
    rstStream(1, frames.REFUSED_STREAM),
  );
  for (const code of [frames.NO_ERROR, frames.PROTOCOL_ERROR, frames.CANCEL, frames.INTERNAL_ERROR, 0xdeadbeef]) {
    goesOn(
      `RST_STREAM ${frames.errorCodeName(code)} before an answer: unanswered, and no RST_STREAM back (5.4.2)`,
      '0 unanswered',
      [],
      rstStream(1, code),
    );
  }
  goesOn(
    'what comes on a stream that we have reset is discarded (5.1)',
    '0 unanswered',
    [[1, frames.PROTOCOL_ERROR]],
    data(1, 'x', false),
    data(1, 'y', false),
    accepted(1),
    rstStream(1, 0),
  );
  const malformed: [string, (readonly [string, string])[]][] = [
    ['no :status', [['apns-id', 'x']]],
    [
      'two :status',
      [
        [':status', '200'],
        [':status', '200'],
      ],
    ],
    ['a :status of four digits', [[':status', '2000']]],
    ['a :status below 100', [[':status', '099']]],
    [
      'another pseudo-field',
      [
        [':status', '200'],
        [':path', '/'],
      ],
    ],
    [
      'an unknown pseudo-field',
      [
        [':status', '200'],
        [':x', '/'],
      ],
    ],
    [
      'a pseudo-field behind a regular one',
      [
        ['server', 'x'],
        [':status', '200'],
      ],
    ],
    [
      'a pseudo-field behind apns-id',
      [
        ['apns-id', 'x'],
        [':status', '200'],
      ],
    ],
    [
      'an upper-case name',
      [
        [':status', '200'],
        ['Server', 'x'],
      ],
    ],
    [
      'an empty name',
      [
        [':status', '200'],
        ['', 'x'],
      ],
    ],
    [
      'a control character in a name',
      [
        [':status', '200'],
        ['a\tb', 'x'],
      ],
    ],
    [
      'CR in a value',
      [
        [':status', '200'],
        ['server', 'a\rb'],
      ],
    ],
    [
      'LF in a value',
      [
        [':status', '200'],
        ['apns-id', 'a\nb'],
      ],
    ],
    [
      'NUL in a value',
      [
        [':status', '200'],
        ['server', 'a\0b'],
      ],
    ],
    [
      'connection',
      [
        [':status', '200'],
        ['connection', 'close'],
      ],
    ],
    [
      'transfer-encoding',
      [
        [':status', '200'],
        ['transfer-encoding', 'chunked'],
      ],
    ],
    [
      'content-length that is no number',
      [
        [':status', '200'],
        ['content-length', '+1'],
      ],
    ],
    [
      'two different content-lengths',
      [
        [':status', '200'],
        ['content-length', '0'],
        ['content-length', '1'],
      ],
    ],
    [
      'a content-length without a body',
      [
        [':status', '200'],
        ['content-length', '1'],
      ],
    ],
    ['101', [[':status', '101']]],
  ];
  for (const [name, fields] of malformed) {
    goesOn(`malformed: ${name} (8.1.1)`, '0 unanswered', [[1, frames.PROTOCOL_ERROR]], headers(1, fields));
  }
  goesOn(
    'malformed: 1xx with END_STREAM (8.1)',
    '0 unanswered',
    [[1, frames.PROTOCOL_ERROR]],
    headers(1, [[':status', '103']], true),
  );
  goesOn('malformed: DATA before HEADERS (8.1)', '0 unanswered', [[1, frames.PROTOCOL_ERROR]], data(1, '', true));
  goesOn(
    'malformed: a second HEADERS without END_STREAM (8.1)',
    '0 unanswered',
    [[1, frames.PROTOCOL_ERROR]],
    headers(1, [[':status', '200']], false),
    headers(1, [['x', 'y']], false),
  );
  goesOn(
    'malformed: a pseudo-field in trailers (8.1)',
    '0 unanswered',
    [[1, frames.PROTOCOL_ERROR]],
    headers(1, [[':status', '200']], false),
    headers(1, [[':status', '200']], true),
  );
  goesOn(
    'malformed: a body shorter than its content-length (8.1.1)',
    '0 unanswered',
    [[1, frames.PROTOCOL_ERROR]],
    headers(
      1,
      [
        [':status', '500'],
        ['content-length', '3'],
      ],
      false,
    ),
    data(1, 'ab', true),
  );
  goesOn(
    'informational answers and trailers are passed over (8.1)',
    '0 rejected',
    [],
    headers(1, [[':status', '100']], false),
    headers(
      1,
      [
        [':status', '103'],
        ['link', 'x'],
      ],
      false,
    ),
    headers(
      1,
      [
        [':status', '500'],
        ['content-length', '2'],
      ],
      false,
    ),
    data(1, '{}', false),
    headers(1, [['x', 'y']], true),
  );
  goesOn(
    'too many informational answers',
    '0 unanswered',
    [[1, frames.PROTOCOL_ERROR]],
    ...Array.from({ length: 17 }, () => headers(1, [[':status', '103']], false)),
  );
  goesOn(
    '200 with a body in pieces, and with an empty DATA at the end',
    '0 accepted, 1 accepted',
    [],
    headers(
      1,
      [
        [':status', '200'],
        ['content-length', '4'],
      ],
      false,
    ),
    data(1, 'ab', false),
    data(1, '', false),
    data(1, 'cd', true),
    headers(3, [[':status', '200']], false),
    data(3, '', true),
  );
  connectionError(
    'PUSH_PROMISE after pushes were switched off (6.6)',
    frames.PROTOCOL_ERROR,
    frame(PUSH_PROMISE, END_HEADERS, 1, [0, 0, 0, 2, ...ok]),
  );
  connectionError(
    'a flood of empty DATA',
    frames.ENHANCE_YOUR_CALM,
    headers(1, [[':status', '500']], false),
    ...Array.from({ length: maxEmptyDataFrames + 1 }, () => data(1, '', false)),
  );
});
