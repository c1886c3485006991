/**
 * What a service answers: a status, header fields, and JSON. A problem is `{"error":{"code","message"}}` with one plain
 * sentence. Pure; main thread.
 */
import { PealError } from '../../base/errors.js';
import { inWords, type Words } from '../../base/wording.js';

export interface HttpAnswer {
  readonly status: number;
  /** JSON text; null for an answer without a body. */
  readonly text: string | null;
  /** Names and values by turns, beside those of every answer. */
  readonly headers: readonly string[];
}

/** A problem before it is written: the form that gorush gives it is another one. */
export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly headers: readonly string[];
}

const noHeaders: readonly string[] = [];

export function jsonAnswer(status: number, value: object, headers: readonly string[] = noHeaders): HttpAnswer {
  return { status, text: JSON.stringify(value), headers };
}

/** @param text JSON */
export function textAnswer(status: number, text: string): HttpAnswer {
  return { status, text, headers: noHeaders };
}

export function problemAnswer({ status, code, message, headers }: Problem): HttpAnswer {
  return { status, text: JSON.stringify({ error: { code, message } }), headers };
}

export function problem(
  status: number,
  code: string,
  message: string,
  headers: readonly string[] = noHeaders,
): Problem {
  return { status, code, message, headers };
}

/** Ends the handling of a request with a problem. Thrown by handlers, caught where the answer is written. */
export class RefusedRequest extends Error {
  constructor(readonly problem: Problem) {
    super(problem.message);
  }
}

/** Makes what a handler throws to refuse a request. */
export function refusal(
  status: number,
  code: string,
  message: string,
  headers: readonly string[] = noHeaders,
): RefusedRequest {
  return new RefusedRequest({ status, code, message, headers });
}

/** In the words of a request, an option is a field of its JSON. */
const fieldWords: Words = {
  option: (path, before) => `${before.replace('option', 'field')}${path}`,
  either: (library) => library,
};

/** The sentence of an error in the words of a request. */
export function sentenceOf(error: PealError): string {
  return inWords(error.marked, fieldWords);
}

/** What an error that a handler threw means for its client. Null: a fault of peal itself. */
export function problemOf(error: unknown): Problem | null {
  if (error instanceof RefusedRequest) return error.problem;
  if (!(error instanceof PealError)) return null;
  const message = sentenceOf(error);
  if (error.retryable) return problem(503, error.code, message, ['Retry-After', '1']);
  const isUsage = error.origin === 'usage' || error.origin === 'input' || error.origin === 'credential';
  return problem(isUsage ? 400 : 502, error.code, message);
}

/** The problem of what would begin something while the service is being stopped. */
export const closingProblem: Problem = problem(
  503,
  'shutting_down',
  'The service is being stopped: ask another one, or try again.',
  ['Retry-After', '5', 'Connection', 'close'],
);

/** The problem of everything that nobody foresaw. Its stack is for the log alone. */
export const faultProblem: Problem = problem(
  500,
  'internal',
  'The service met a fault of its own: its log has more about it.',
);
