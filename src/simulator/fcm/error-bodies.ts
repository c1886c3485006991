/**
 * The bodies of FCM's error answers, as Google writes them. Pure; called for each rejection.
 */
import { FCM_DEVICE_QUOTA, FCM_QUOTA, FCM_TOPIC_QUOTA, fcmErrorOf } from '../settings/fcm-answers.js';

/** What of a request is wrong. */
export interface Violation {
  /** Path of the field, as `message.android.ttl`; empty for the whole. */
  readonly field: string;
  readonly description: string;
  /** Whether the parser of requests has found it, and not FCM itself: then the answer has no FcmError. */
  readonly isOfParser: boolean;
  /** In place of the message of the answer. */
  readonly message?: string;
  /** The answer has no details at all. */
  readonly isBare?: boolean;
}

/** What the body of an answer depends on. */
interface ErrorParts {
  readonly project: string;
  /** The project's quota of messages a minute. */
  readonly quota: number;
  readonly violation: Violation | null;
  /** The `reason` of the ErrorInfo that a refused credential has; null: none. */
  readonly credentialReason: string | null;
}

const typePrefix = 'type.googleapis.com/google.rpc.';
const fcmErrorType = 'type.googleapis.com/google.firebase.fcm.v1.FcmError';
const sendMethod = { method: 'google.firebase.fcm.v1.FcmService.SendMessage', service: 'fcm.googleapis.com' };

/** @param answer One of fcm-answers.ts. @param isPretty With indentations and line breaks. */
export function errorBody(answer: number, parts: ErrorParts, isPretty: boolean): string {
  const row = fcmErrorOf(answer);
  if (row === null) return '';
  const { project, violation } = parts;
  const details = violation?.isBare === true ? [] : detailsOf(answer, row.errorCode, parts);
  const message = (violation?.message ?? row.message).replaceAll('PROJECT', () => project);
  const error = { code: row.status, message, status: row.canonical, ...(details.length > 0 && { details }) };
  return jsonText({ error }, isPretty);
}

/** The body of an accepted message. */
export function acceptedBody(name: string, isPretty: boolean): string {
  return isPretty ? `{\n  "name": "${name}"\n}\n` : `{"name":"${name}"}\n`;
}

/** The page that Google's front end sends where no service answers. */
export function htmlPage(status: number): string {
  const what = status === 404 ? 'Not Found' : 'Server Error';
  const said =
    status === 404
      ? '<p>The requested URL was not found on this server.  <ins>That’s all we know.</ins>'
      : '<p>The server encountered a temporary error and could not complete your request.<p>Please try again in 30 ' +
        'seconds.  <ins>That’s all we know.</ins>';
  return (
    `<!DOCTYPE html>\n<html lang=en>\n  <meta charset=utf-8>\n  <title>Error ${status} (${what})!!1</title>\n` +
    `  <p><b>${status}.</b> <ins>That’s an error.</ins>\n  ${said}\n`
  );
}

function detailsOf(answer: number, errorCode: string | null, parts: ErrorParts): object[] {
  const { credentialReason, violation } = parts;
  const fcmError = { '@type': fcmErrorType, errorCode };
  if (answer === FCM_QUOTA) return quotaDetails(parts);
  if (answer === FCM_DEVICE_QUOTA) return [fcmError, quotaFailure('device', 'Device message rate exceeded.')];
  if (answer === FCM_TOPIC_QUOTA) return [fcmError, quotaFailure('topic', 'Topic message rate exceeded.')];
  if (credentialReason !== null) {
    const info = { '@type': `${typePrefix}ErrorInfo`, reason: credentialReason, domain: 'googleapis.com' };
    return [{ ...info, metadata: sendMethod }];
  }
  const details: object[] = errorCode === null || violation?.isOfParser === true ? [] : [fcmError];
  if (violation !== null) {
    const { field, description } = violation;
    const fieldViolations = [field === '' ? { description } : { field, description }];
    details.push({ '@type': `${typePrefix}BadRequest`, fieldViolations });
  }
  return details;
}

function quotaFailure(subject: string, description: string): object {
  return { '@type': `${typePrefix}QuotaFailure`, violations: [{ subject, description }] };
}

function quotaDetails({ project, quota }: ErrorParts): object[] {
  const metadata = {
    quota_limit_value: String(quota),
    consumer: `projects/${project}`,
    quota_metric: 'fcm.googleapis.com/send_requests',
    quota_unit: '1/min/{project}',
    service: 'fcm.googleapis.com',
    quota_location: 'global',
    quota_limit: 'SendsPerMinutePerProject',
  };
  const url = 'https://cloud.google.com/docs/quotas/help/request_increase';
  return [
    { '@type': `${typePrefix}ErrorInfo`, reason: 'RATE_LIMIT_EXCEEDED', domain: 'googleapis.com', metadata },
    { '@type': `${typePrefix}Help`, links: [{ description: 'Request a higher quota limit.', url }] },
  ];
}

function jsonText(value: object, isPretty: boolean): string {
  return `${JSON.stringify(value, null, isPretty ? 2 : 0)}\n`;
}
