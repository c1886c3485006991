/**
 * A message on its way to the simulator: made by fcm-rules when its headers have come, judged when its body has,
 * processed by served-fcm.
 */
import { Buffer } from 'node:buffer';
import { maxFcmBodyBytes } from '../../base/limits.js';
import type { OtherRequest } from '../rules/other-request.js';
import { ACCEPTED_ANSWER } from '../settings/answers.js';
import { FCM_INVALID_ARGUMENT } from '../settings/fcm-answers.js';
import type { Violation } from './error-bodies.js';
import { judgeMessage, type MessageTarget } from './message-rules.js';

/** What headers and path say and earn; the same object for equal ones. */
export interface RequestHead {
  readonly project: string;
  /** Whether the answer is written with indentations and line breaks. */
  readonly isPretty: boolean;
  readonly answer: number;
  readonly violation: Violation | null;
  /** Of the ErrorInfo of a refused credential. */
  readonly credentialReason: string | null;
}

const tooLarge: Violation = Object.freeze({
  field: '',
  description: '',
  isOfParser: true,
  isBare: true,
  message: 'Request payload size exceeds the limit.',
});

export class MessageRequest implements OtherRequest {
  readonly head: RequestHead;
  answer: number;
  violation: Violation | null;
  /** Registration token, topic, condition or installation id; null without one that could be stored. */
  token: string | null = null;
  kind: MessageTarget = 'token';
  isDryRun = false;
  bodyBytes = 0;

  readonly #answerFor: (target: string) => number;

  /** @param answerFor Returns the answer that a valid request earns by its target. */
  constructor(head: RequestHead, answerFor: (target: string) => number) {
    this.head = head;
    this.#answerFor = answerFor;
    this.answer = head.answer;
    this.violation = head.violation;
  }

  complete(_headersAnswer: number, bytes: Uint8Array, from: number, to: number, bodyBytes: number): number {
    this.bodyBytes = bodyBytes;
    if (bodyBytes > maxFcmBodyBytes) {
      if (this.answer === ACCEPTED_ANSWER) [this.answer, this.violation] = [FCM_INVALID_ARGUMENT, tooLarge];
      return this.answer;
    }
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('utf8');
    const verdict = judgeMessage(text);
    this.token = verdict.target;
    this.kind = verdict.kind;
    this.isDryRun = verdict.isDryRun;
    if (this.answer === ACCEPTED_ANSWER) {
      this.answer = verdict.answer;
      this.violation = verdict.violation;
      if (this.answer === ACCEPTED_ANSWER && this.token !== null) this.answer = this.#answerFor(this.token);
    }
    return this.answer;
  }
}
