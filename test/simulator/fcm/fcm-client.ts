/**
 * Clients of the simulated FCM that share no code with peal: node:http2 for messages, node:https for access tokens. For
 * tests.
 */
import { Buffer } from 'node:buffer';
import { createSign } from 'node:crypto';
import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from 'node:http2';
import { request } from 'node:https';

export interface FcmReply {
  /** 0 when the stream ended without an answer. */
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** Error code of RST_STREAM; 0 after a complete answer. */
  readonly resetCode: number;
}

export interface FcmError {
  readonly code: number;
  readonly message: string;
  readonly status: string;
  readonly details?: readonly (Readonly<Record<string, unknown>> & { readonly '@type': string })[];
}

export const errorOf = ({ text }: FcmReply): FcmError => (JSON.parse(text) as { error: FcmError }).error;

/** The code in the FcmError of an answer; undefined without one. */
export const errorCodeOf = (reply: FcmReply): unknown =>
  errorOf(reply).details?.find((detail) => detail['@type'].endsWith('.FcmError'))?.errorCode;

/** The field and sentence of its BadRequest. */
export const violationOf = (reply: FcmReply): unknown => {
  const found = errorOf(reply).details?.find((detail) => detail['@type'].endsWith('.BadRequest'));
  return (found?.fieldViolations as readonly unknown[] | undefined)?.[0];
};

export class FcmClient {
  readonly session: ClientHttp2Session;
  readonly #path: string;

  constructor(
    url: string,
    readonly ca: string,
    readonly accessToken: string | null,
    project = 'peal-simulator',
  ) {
    this.session = connect(url, { ca });
    this.session.on('error', () => {});
    this.#path = `/v1/projects/${project}/messages:send`;
  }

  send(message: object, fields: OutgoingHttpHeaders = {}): Promise<FcmReply> {
    return this.post(JSON.stringify({ message }), fields);
  }

  /** Fields with the value undefined are left out. */
  post(body: string | Buffer, fields: OutgoingHttpHeaders = {}): Promise<FcmReply> {
    const all = {
      ':method': 'POST',
      ':path': this.#path,
      'content-type': 'application/json',
      authorization: this.accessToken === null ? undefined : `Bearer ${this.accessToken}`,
      ...fields,
    };
    const given = Object.entries(all).filter(([, value]) => value !== undefined);
    const stream = this.session.request(Object.fromEntries(given), { endStream: false });
    stream.end(body);
    return new Promise((resolve) => {
      let headers: FcmReply['headers'] = {};
      let text = '';
      stream.setEncoding('utf8');
      stream.on('response', (received) => {
        headers = received;
      });
      stream.on('data', (piece: string) => {
        text += piece;
      });
      stream.on('error', () => {});
      stream.on('close', () => {
        resolve({ status: Number(headers[':status'] ?? 0), headers, text, resetCode: stream.rstCode ?? 0 });
      });
    });
  }

  close(): void {
    this.session.destroy();
  }
}

/** What an assertion is made of. */
export interface AccountParts {
  readonly client_email: string;
  readonly private_key: string;
  readonly token_uri: string;
}

/** A signed assertion; `claims` and `header` replace what is usual. */
export function assertionOf(account: AccountParts, nowMs: number, claims: object = {}, header: object = {}): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const iat = Math.floor(nowMs / 1000);
  const usual = {
    iss: account.client_email,
    scope: 'https://www.googleapis.com/auth/firebase.messaging',
    aud: account.token_uri,
    iat,
    exp: iat + 3600,
  };
  const signed = `${part({ alg: 'RS256', typ: 'JWT', ...header })}.${part({ ...usual, ...claims })}`;
  return `${signed}.${createSign('sha256').update(signed).sign(account.private_key, 'base64url')}`;
}

export const grantForm = (assertion: string): string =>
  new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }).toString();

/** POST of a form over HTTP/1.1. */
export function postForm(
  url: string,
  ca: string,
  form: string,
  type = 'application/x-www-form-urlencoded',
): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', ca, agent: false, headers: { 'content-type': type } }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        text += piece;
      });
      response.on('end', () => {
        const body = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : { text };
        resolve({ status: response.statusCode ?? 0, body });
      });
    });
    sent.on('error', reject);
    sent.end(form);
  });
}
