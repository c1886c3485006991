/**
 * The OpenAPI document of a service: that it is one, that every path of the service is in it, and that its examples
 * fit.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { version } from '../../src/base/version.js';
import { openApiText } from '../../src/service/open-api.js';
import { scriptedToken } from '../../src/simulator/books/token-script.js';
import { randomTokens } from '../cli/fixture.js';
import { repositoryRoot } from '../support/repository.js';
import { ServiceWorld } from './service-world.js';

// biome-ignore lint/suspicious/noExplicitAny: a document of JSON
type Json = any;

const document: Json = JSON.parse(openApiText(version));

function resolved(schema: Json): Json {
  if (schema.$ref === undefined) return schema;
  const parts = (schema.$ref as string).replace(/^#\//, '').split('/');
  const found = parts.reduce((at: Json, part) => at?.[part], document);
  assert.ok(found, schema.$ref);
  return found;
}

const kinds: Readonly<Record<string, (value: Json) => boolean>> = {
  string: (value) => typeof value === 'string',
  integer: (value) => Number.isSafeInteger(value),
  number: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  null: (value) => value === null,
  array: Array.isArray,
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
};

/** The part of JSON Schema that the document uses. Returns what does not fit; null where all does. */
function misfit(value: Json, given: Json, at = '$'): string | null {
  const schema = resolved(given);
  if (schema.oneOf !== undefined) {
    const fitting = schema.oneOf.filter((one: Json) => misfit(value, one, at) === null);
    return fitting.length === 1 ? null : `${at} fits ${fitting.length} of oneOf`;
  }
  const types: string[] = [schema.type ?? []].flat();
  if (types.length > 0 && !types.some((type) => kinds[type]!(value))) return `${at} is not ${types.join(' or ')}`;
  if (schema.enum !== undefined && !schema.enum.includes(value)) return `${at} is not in enum`;
  if (typeof value === 'string' && schema.pattern !== undefined && !new RegExp(schema.pattern).test(value))
    return `${at} pattern`;
  if (typeof value === 'number' && (value < (schema.minimum ?? -Infinity) || value > (schema.maximum ?? Infinity)))
    return `${at} range`;
  if (Array.isArray(value)) {
    if (value.length < (schema.minItems ?? 0) || value.length > (schema.maxItems ?? Infinity)) return `${at} length`;
    return (
      value.map((item, index) => misfit(item, schema.items ?? {}, `${at}[${index}]`)).find((one) => one !== null) ??
      null
    );
  }
  if (!kinds.object!(value)) return null;
  const missing = (schema.required ?? []).find((name: string) => !Object.hasOwn(value, name));
  if (missing !== undefined) return `${at}.${missing} is missing`;
  for (const [name, field] of Object.entries(value)) {
    const rule = schema.properties?.[name] ?? (schema.additionalProperties === true ? {} : schema.additionalProperties);
    if (rule === false) return `${at}.${name} is not known`;
    const problem = rule === undefined ? null : misfit(field, rule, `${at}.${name}`);
    if (problem !== null) return problem;
  }
  return null;
}

/** Every object in the document with its place. */
function* objects(value: Json, at = '#'): Generator<readonly [string, Json]> {
  if (typeof value !== 'object' || value === null) return;
  yield [at, value];
  for (const [name, field] of Object.entries(value)) yield* objects(field, `${at}/${name}`);
}

const operations: readonly (readonly [string, string, Json])[] = Object.entries(document.paths as Json).flatMap(
  ([where, item]) =>
    Object.entries(item as Json).map(([method, operation]) => [where, method.toUpperCase(), operation] as const),
);

describe('the OpenAPI document', () => {
  it('has the form of OpenAPI 3.1', () => {
    assert.equal(document.openapi, '3.1.0');
    assert.ok(document.info.title && document.info.version);
    for (const [where, method, operation] of operations) {
      assert.ok(operation.summary && Object.keys(operation.responses).length > 0, `${method} ${where}`);
      const named = [...where.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const given = (operation.parameters ?? []).filter((one: Json) => one.in === 'path').map(({ name }: Json) => name);
      assert.deepEqual(given, named, where);
      for (const [status, response] of Object.entries(operation.responses)) {
        assert.match(status, /^[1-5](?:\d\d|XX)$/);
        assert.ok(resolved(response).description, `${where} ${status}`);
      }
    }
    for (const [at, { $ref }] of objects(document)) if (typeof $ref === 'string') assert.ok(resolved({ $ref }), at);
  });

  it('has examples that fit their schemas, of which each is found', () => {
    let examples = 0;
    for (const [at, media] of objects(document)) {
      if (!Object.hasOwn(media, 'example') || !Object.hasOwn(media, 'schema')) continue;
      examples += 1;
      assert.equal(misfit(media.example, media.schema), null, at);
    }
    assert.ok(examples > 15, String(examples));
    const push = { $ref: '#/components/schemas/Push' };
    assert.match(misfit({ token: 'x', alrt: 1 }, push)!, /alrt is not known/);
    assert.match(misfit({ token: 1 }, push)!, /not string/);
  });

  it('is what docs/openapi.json is (npm run api)', () => {
    const shipped = readFileSync(path.join(repositoryRoot, 'docs', 'openapi.json'), 'utf8');
    assert.deepEqual(JSON.parse(shipped), document);
  });

  it('has every path of a service, and no other', async () => {
    await using world = await ServiceWorld.open();
    for (const [where, method] of operations) {
      const { status } = await world.ask(method, where.replaceAll(/\{\w+\}/g, 'x'), method === 'POST' ? '' : undefined);
      assert.notEqual(status, 405, `${method} ${where}`);
      const other = await world.ask(method === 'GET' ? 'PATCH' : 'PUT', where.replaceAll(/\{\w+\}/g, 'x'), undefined);
      assert.equal(other.status, 405, where);
      const allowed = new Set(
        other.headers
          .get('allow')!
          .split(', ')
          .filter((name) => name !== 'HEAD'),
      );
      const described = operations.filter(([path]) => path === where).map(([, name]) => name);
      assert.deepEqual([...allowed].sort(), described.sort(), where);
    }
  });

  it('describes the answers that a service gives', async () => {
    await using world = await ServiceWorld.open();
    const fits = (where: string, method: string, status: number, value: Json): void => {
      const response = resolved(document.paths[where][method].responses[status]);
      assert.equal(misfit(value, response.content['application/json'].schema), null, JSON.stringify(value));
    };
    const [token] = randomTokens(1);
    for (const one of [token, 'bad', scriptedToken('Unregistered')]) {
      fits('/v1/push', 'post', 200, (await world.post('/v1/push', { token: one, alert: 'Hi' })).json);
    }
    fits('/v1/push', 'post', 200, (await world.post('/v1/push', { tokens: [token, 'bad'], alert: 'Hi' })).json);
    fits('/v1/push', 'post', 400, (await world.post('/v1/push', {})).json);
    const begun = await world.post('/v1/push?wait=no', { token, alert: 'Hi' });
    fits('/v1/push', 'post', 202, begun.json);
    fits('/v1/push/{id}', 'get', 200, (await world.get(`/v1/push/${begun.json.id}`)).json);
    fits('/v1/push/{id}', 'get', 404, (await world.get('/v1/push/x')).json);
    const gorush = { notifications: [{ tokens: ['bad'], platform: 1, message: 'Hi' }] };
    fits('/api/push', 'post', 200, (await world.post('/api/push', gorush)).json);
  });

  it('and a service give metrics that agree with its books', async () => {
    await using world = await ServiceWorld.open();
    await world.post('/v1/push', { tokens: [...randomTokens(3), scriptedToken('Unregistered')], alert: 'Hi' });
    const text = (await world.get('/metrics')).json as string;
    assert.match(text, /^peal_notifications_total\{outcome="accepted",reason="",status=""\} 3$/m);
    assert.match(text, /^peal_notifications_total\{outcome="rejected",reason="Unregistered",status="410"\} 1$/m);
    assert.match(text, /^peal_service_answers_total\{status="200"\} 1$/m);
    assert.match(text, /^peal_service_pushes 0$/m);
  });
});
