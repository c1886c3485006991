/**
 * Processes the messages of FCM: decides by quotas and tokens, books, and says what is answered. One for all
 * connections of a simulator, on its thread. Ids are drawn from the seed, so that a run repeats exactly.
 */
import { Buffer } from 'node:buffer';
import type { Clock } from '../../base/clock.js';
import { maxFcmBodyBytes, maxTextTokenBytes } from '../../base/limits.js';
import { TokenHash } from '../books/digest.js';
import type { SimulatorLedger } from '../books/ledger.js';
import type { TokenAnswers } from '../books/token-answers.js';
import type { OtherAnswer, OtherService } from '../rules/other-request.js';
import { ACCEPTED_ANSWER, answerStatus, HTTP_STATUS } from '../settings/answers.js';
import {
  FCM_DEVICE_QUOTA,
  FCM_QUOTA,
  FCM_TOKEN_EXPIRED,
  FCM_TOPIC_QUOTA,
  FCM_UNAUTHENTICATED,
  fcmErrorOf,
} from '../settings/fcm-answers.js';
import type { FcmSettings } from '../settings/fcm-options.js';
import type { SimulatorSettings } from '../settings/simulator-settings.js';
import { IssuedTokens } from './access-tokens.js';
import { acceptedBody, errorBody, htmlPage } from './error-bodies.js';
import { FcmRules } from './fcm-rules.js';
import { scriptedFcmAnswer } from './fcm-script.js';
import type { MessageRequest } from './message-request.js';
import { SendQuota, TargetQuotas } from './send-quota.js';
import { ServiceAccounts } from './service-accounts.js';
import { TokenEndpoint } from './token-endpoint.js';

const jsonType = 'application/json; charset=UTF-8';
const htmlType = 'text/html; charset=UTF-8';
const noFields: OtherAnswer['fields'] = [];

export class ServedFcm implements OtherService {
  readonly maxKeptBytes = maxFcmBodyBytes;
  readonly settings: FcmSettings;
  readonly tokens: IssuedTokens;
  readonly accounts: ServiceAccounts;
  readonly endpoint: TokenEndpoint;
  readonly #ledger: SimulatorLedger;
  readonly #tokenAnswers: TokenAnswers;
  readonly #clock: Clock;
  readonly #isScripted: boolean;
  readonly #quota: SendQuota;
  readonly #deviceRates: TargetQuotas | null;
  readonly #topicRates: TargetQuotas | null;
  readonly #hash = new TokenHash();
  readonly #target = Buffer.alloc(maxTextTokenBytes);
  #targetBytes = 0;
  #named = 0;
  readonly #idEnd: string;

  /** @throws PealError `ERR_PEAL_CREDENTIAL` for a key of a service account that cannot be used */
  constructor(settings: SimulatorSettings, fcm: FcmSettings, ledger: SimulatorLedger, tokenAnswers: TokenAnswers) {
    const { clock, scripted, seed } = settings;
    this.settings = fcm;
    this.#ledger = ledger;
    this.#tokenAnswers = tokenAnswers;
    this.#clock = clock;
    this.#isScripted = scripted;
    this.tokens = new IssuedTokens(seed);
    this.accounts = new ServiceAccounts(fcm.project, fcm.serviceAccounts);
    this.endpoint = new TokenEndpoint(this.accounts, this.tokens, clock, fcm.tokenLifeS);
    this.#quota = new SendQuota(fcm.messagesPerMinute);
    this.#deviceRates = ratesOf(fcm.deviceMessagesPerMinute);
    this.#topicRates = ratesOf(fcm.topicMessagesPerMinute);
    this.#idEnd = `%${(seed >>> 0).toString(16).padStart(8, '0').repeat(2)}`;
  }

  /** The rules of one connection. */
  makeRules(): FcmRules {
    return new FcmRules(this.settings, this.tokens, (target) => this.answerFor(target));
  }

  /** Issues an access token of the simulator's own service account. @param lifeS In seconds. */
  issueAccessToken(lifeS: number = this.settings.tokenLifeS): string {
    return this.tokens.issue(this.accounts.ownEmail, this.#clock.wallMs() + lifeS * 1000);
  }

  take(request: MessageRequest, answer: number, leastBodyBytes: number): OtherAnswer {
    this.#hashTarget(request.token);
    const given = this.#decide(request, answer);
    this.#quota.count(answerStatus(given));
    this.#record(request, given);
    const status = answerStatus(given);
    const { head } = request;
    if (given === ACCEPTED_ANSWER) {
      const body = acceptedBody(this.#nameFor(request), head.isPretty).padEnd(leastBodyBytes);
      return { answer: given, status, fields: noFields, body, bodyType: jsonType };
    }
    if (fcmErrorOf(given) === null) {
      return {
        answer: given,
        status,
        fields: noFields,
        body: htmlPage(status).padEnd(leastBodyBytes),
        bodyType: htmlType,
      };
    }
    const isOwn = given === request.answer;
    const parts = {
      project: head.project,
      quota: this.settings.messagesPerMinute,
      violation: isOwn ? request.violation : null,
      credentialReason: credentialReasonOf(given, isOwn ? head.credentialReason : null),
    };
    const body = errorBody(given, parts, head.isPretty).padEnd(leastBodyBytes);
    const retryAfterS = status === 503 ? this.settings.retryAfterS : -1;
    return { answer: given, status, fields: noFields, body, bodyType: jsonType, retryAfterS };
  }

  lose(request: MessageRequest, answer: number): void {
    this.#hashTarget(request.token);
    this.#record(request, answer);
  }

  /** The answer to a request whose headers and body have earned `answer`, or that a fault has given it. */
  #decide(request: MessageRequest, answer: number): number {
    const nowMs = this.#clock.now();
    const status = answerStatus(answer);
    const isUnknown = status === 401 || answer === HTTP_STATUS + 404 || status >= 500;
    if (!isUnknown && !this.#quota.hasRoom(nowMs)) return FCM_QUOTA;
    if (answer !== ACCEPTED_ANSWER || request.token === null) return answer;
    const { a, b } = this.#hash;
    const isTopic = request.kind === 'topic' || request.kind === 'condition';
    const rates = isTopic ? this.#topicRates : this.#deviceRates;
    if (rates !== null && !request.isDryRun && !rates.allows(a, b, nowMs)) {
      return isTopic ? FCM_TOPIC_QUOTA : FCM_DEVICE_QUOTA;
    }
    return answer;
  }

  #record({ bodyBytes, token }: MessageRequest, answer: number): void {
    if (token === null) {
      this.#ledger.recordWithoutToken(answer, bodyBytes);
      return;
    }
    const { a, b } = this.#hash;
    this.#ledger.record(this.#ledger.locate(this.#target, this.#targetBytes, a), a, b, answer, bodyBytes);
  }

  #hashTarget(target: string | null): void {
    this.#targetBytes = target === null ? 0 : this.#target.write(target, 0, 'latin1');
    this.#hash.take(this.#target, 0, this.#targetBytes);
  }

  /** The answer that a valid request earns by its target: by its script, or by draw. */
  answerFor(target: string): number {
    const scripted = this.#isScripted ? scriptedFcmAnswer(target) : -1;
    if (scripted >= 0) return scripted;
    this.#hashTarget(target);
    return this.#tokenAnswers.drawn(this.#hash.a, this.#hash.b);
  }

  #nameFor({ head, isDryRun }: MessageRequest): string {
    if (isDryRun) return `projects/${head.project}/messages/fake_message_id`;
    const micros = Math.floor(this.#clock.wallMs()) * 1000 + (this.#named++ % 1000);
    return `projects/${head.project}/messages/0:${micros}${this.#idEnd}`;
  }
}

function ratesOf(perMinute: number): TargetQuotas | null {
  return Number.isFinite(perMinute) ? new TargetQuotas(perMinute) : null;
}

/** A fault may say that a credential is not valid. */
function credentialReasonOf(answer: number, own: string | null): string | null {
  if (own !== null) return own;
  if (answer === FCM_TOKEN_EXPIRED) return 'ACCESS_TOKEN_EXPIRED';
  return answer === FCM_UNAUTHENTICATED ? 'CREDENTIALS_MISSING' : null;
}
