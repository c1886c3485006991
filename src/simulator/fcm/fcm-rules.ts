/**
 * FCM's demands on the path and headers of a request, one object for each connection. What they earn is remembered as
 * long as they stay the same, so that a campaign costs one comparison for each request.
 *
 * Google does not publish the order of its checks. The order here is ours: path and method, credential, project, type
 * of the body.
 */
import type { HeaderRules, OtherRules } from '../rules/other-request.js';
import { AUTHORIZATION, CONTENT_TYPE, METHOD, type RequestFields } from '../rules/request-fields.js';
import type { ClientIdentity } from '../rules/request-rules.js';
import { ACCEPTED_ANSWER, HTTP_STATUS } from '../settings/answers.js';
import { FCM_INVALID_ARGUMENT, FCM_NOT_FOUND } from '../settings/fcm-answers.js';
import type { FcmSettings } from '../settings/fcm-options.js';
import type { CredentialVerdict, IssuedTokens } from './access-tokens.js';
import type { Violation } from './error-bodies.js';
import { MessageRequest, type RequestHead } from './message-request.js';

const sendPath = /^\/v1\/projects\/([^/?]+)\/messages:send(?:\?(.*))?$/;
const jsonType = /^application\/json\s*(?:;|$)/i;
const served = Object.freeze({ pushes: false });
const anyCredential: CredentialVerdict = Object.freeze({
  answer: ACCEPTED_ANSWER,
  reason: null,
  account: null,
  holdsUntilMs: Number.POSITIVE_INFINITY,
});
const wrongType: Violation = Object.freeze({
  field: '',
  description: 'Invalid JSON payload received. The field content-type must be application/json.',
  isOfParser: true,
  message: 'Invalid JSON payload received. The field content-type must be application/json.',
});
/** Names of a query that change nothing here. */
const plainParameters = new Set(['alt', 'key', 'quotaUser', 'fields', '$alt']);

export class FcmRules implements HeaderRules, OtherRules {
  readonly served = served;
  readonly #settings: FcmSettings;
  readonly #tokens: IssuedTokens;
  readonly #answerFor: (target: string) => number;
  holdsUntilMs = Number.NEGATIVE_INFINITY;
  /** The rest stands in the request. */
  readonly answer = ACCEPTED_ANSWER;
  request: MessageRequest | null = null;
  #credential = anyCredential;
  #method: string | null = null;
  #hasJson = false;
  #revision = -1;
  // The last path, and what it and the rest earn.
  #path = '';
  #head: RequestHead | null = null;

  /** @param answerFor Returns the answer that a valid request earns by its target. */
  constructor(settings: FcmSettings, tokens: IssuedTokens, answerFor: (target: string) => number) {
    this.#settings = settings;
    this.#tokens = tokens;
    this.#answerFor = answerFor;
  }

  judge(fields: RequestFields, client: ClientIdentity, wallMs: number): number {
    const isChecked = this.#settings.auth === 'token';
    this.#credential = isChecked ? this.#tokens.check(fields.text(AUTHORIZATION), wallMs) : anyCredential;
    this.#revision = this.#tokens.revision;
    this.holdsUntilMs = this.#credential.holdsUntilMs;
    if (this.#credential.account !== null) client.keyName = this.#credential.account;
    this.#method = fields.text(METHOD);
    this.#hasJson = jsonType.test(fields.text(CONTENT_TYPE) ?? '');
    this.#head = null;
    return ACCEPTED_ANSWER;
  }

  read(path: string, fields: RequestFields, client: ClientIdentity, wallMs: number): void {
    if (this.#revision !== this.#tokens.revision) this.judge(fields, client, wallMs);
    if (this.#head === null || path !== this.#path) {
      this.#head = this.#headOf(path);
      this.#path = path;
    }
    this.request = new MessageRequest(this.#head, this.#answerFor);
  }

  #headOf(path: string): RequestHead {
    const { project: ours } = this.#settings;
    const [, project, query = ''] = sendPath.exec(path) ?? [];
    const parameters = new URLSearchParams(query);
    const isPretty = (parameters.get('prettyPrint') ?? parameters.get('$prettyPrint')) !== 'false';
    const head = { project: ours, isPretty, violation: null, credentialReason: null };
    if (project === undefined || this.#method !== 'POST') return { ...head, answer: HTTP_STATUS + 404 };
    const { answer, reason, message } = this.#credential;
    if (answer !== ACCEPTED_ANSWER) {
      const violation = message === undefined ? null : { field: '', description: '', isOfParser: false, message };
      return { ...head, answer, credentialReason: reason, violation };
    }
    const unknown = [...parameters.keys()].find((name) => !plainParameters.has(name) && !/^\$?prettyPrint$/.test(name));
    if (unknown !== undefined) return { ...head, answer: FCM_INVALID_ARGUMENT, violation: unknownParameter(unknown) };
    if (decodeURIComponentOf(project) !== ours) return { ...head, project, answer: FCM_NOT_FOUND };
    if (!this.#hasJson) return { ...head, answer: FCM_INVALID_ARGUMENT, violation: wrongType };
    return { ...head, answer: ACCEPTED_ANSWER };
  }
}

function unknownParameter(name: string): Violation {
  const description =
    `Invalid JSON payload received. Unknown name "${name}": Cannot bind query parameter. ` +
    `Field '${name}' could not be found in request message.`;
  return { field: '', description, isOfParser: true, message: description };
}

function decodeURIComponentOf(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
