/**
 * What it costs to put one request into the output: the uniform way, laid out or not, and the personal one.
 */
import { Buffer } from 'node:buffer';
import { HpackEncoder } from '../../src/codec/hpack/encoder.js';
import { SendWindow } from '../../src/codec/http2/flow-control.js';
import { Output } from '../../src/codec/http2/output.js';
import { PeerSettings } from '../../src/codec/http2/settings.js';
import { ENDED, StreamTable } from '../../src/codec/http2/stream-table.js';
import { ownFieldsBytes } from '../../src/codec/requests/own-fields.js';
import { RequestTemplate } from '../../src/codec/requests/request-template.js';
import { RequestWriter } from '../../src/codec/requests/request-writer.js';
import type { Notification, PersonalParts } from '../../src/push/notification.js';
import { OWN_COLLAPSE_ID, OWN_EXPIRATION } from '../../src/push/personal-fields.js';
import { TokenBlock } from '../../src/push/token-block.js';
import type { MicroItem } from './suite.js';

const requests = 256;
const tokenBytes = 32;

function notification(payloadBytes: number): Notification {
  return {
    headers: [
      ['apns-topic', 'com.example.app'],
      ['apns-push-type', 'alert'],
      ['apns-priority', '10'],
    ],
    payload: Buffer.alloc(payloadBytes, 'payload '),
    expiration: null,
    priority: 10,
  };
}

/** A request writer before a peer that answers everything at once. */
class Bench {
  readonly streams = new StreamTable();
  readonly output = new Output();
  readonly settings = new PeerSettings();
  readonly window = new SendWindow();
  readonly encoder = new HpackEncoder();
  readonly writer = new RequestWriter(this.streams, this.output, this.settings, this.window, this.encoder);
  readonly tokens = new TokenBlock(
    new Uint8Array(requests * tokenBytes).map((_, i) => i * 37),
    tokenBytes,
    requests,
  );
  readonly order = Uint16Array.from({ length: requests }, (_, i) => i);

  template(payloadBytes: number, isPersonal: boolean, ownFields = 0): RequestTemplate {
    const options = { tokenBytes, providerToken: 'x'.repeat(200), hasPersonalPayloads: isPersonal, ownFields };
    const fields = {
      authority: 'api.push.apple.com',
      path: '/3/device/',
      authorizationScheme: 'bearer',
      indexAuthorization: true,
    };
    const template = new RequestTemplate(notification(payloadBytes), fields, options);
    template.adapt(this.settings);
    return template;
  }

  send(template: RequestTemplate, personal: PersonalParts | null, count: number): void {
    const { tokens, order } = this;
    const taken = this.writer.submit(template, { tokens, personal, order, head: 0, tagBase: 0 }, count, 1e6);
    if (taken !== count) throw new Error(`${taken} of ${count} requests were taken`);
    this.output.take();
    this.output.written();
    this.streams.states.fill(ENDED);
    this.streams.active = 0;
    this.streams.nextId = 1;
    this.window.available = 1 << 30;
  }
}

function uniform(name: string, payloadBytes: number, templates: number): MicroItem {
  const bench = new Bench();
  const all = Array.from({ length: templates }, () => bench.template(payloadBytes, false));
  const count = Math.min(requests, Math.floor((1 << 20) / (payloadBytes + 128)));
  let next = 0;
  const run = (): void => {
    bench.send(all[next]!, null, count);
    next = (next + 1) % templates;
  };
  // The first request of each template enters its fields into the peer's table.
  bench.window.available = 1 << 30;
  for (const each of all) bench.send(each, null, 1);
  const image = all[0]!.imageFor(bench.encoder)!;
  return { name, bytesPerItem: image.slotBytes, itemsPerRun: count, run };
}

function personal(name: string, payloadBytes: number): MicroItem {
  const bench = new Bench();
  const template = bench.template(payloadBytes, true);
  const parts: PersonalParts = {
    apnsIds: null,
    payloads: new Uint8Array(requests * payloadBytes).fill(0x20),
    payloadOffsets: Uint32Array.from({ length: requests + 1 }, (_, i) => i * payloadBytes),
  };
  const run = (): void => bench.send(template, parts, requests);
  bench.window.available = 1 << 30;
  bench.send(template, { ...parts }, 1);
  const bytesPerItem = template.imageFor(bench.encoder)!.headBytes + 9 + payloadBytes;
  return { name, bytesPerItem, itemsPerRun: requests, run };
}

/** Collapse id and expiration of the recipient's own, the payload shared. */
function ownFields(name: string, payloadBytes: number): MicroItem {
  const bench = new Bench();
  const template = bench.template(payloadBytes, false, OWN_COLLAPSE_ID | OWN_EXPIRATION);
  const idBytes = 20;
  const fields = {
    expirations: new Uint32Array(requests).fill(1_900_000_000),
    priorities: null,
    collapseIds: new Uint8Array(requests * idBytes).fill(0x61),
    collapseIdOffsets: Uint32Array.from({ length: requests + 1 }, (_, i) => i * idBytes),
  };
  const parts: PersonalParts = { apnsIds: null, payloads: null, payloadOffsets: null, fields };
  const run = (): void => bench.send(template, parts, requests);
  bench.window.available = 1 << 30;
  bench.send(template, parts, 1);
  const headBytes = template.imageFor(bench.encoder)!.headBytes + ownFieldsBytes(fields, 0);
  return { name, bytesPerItem: headBytes + 9 + payloadBytes, itemsPerRun: requests, run };
}

export function register(): readonly MicroItem[] {
  return [
    uniform('request: 120-byte payload, laid out', 120, 1),
    uniform('request: 2,000-byte payload, laid out', 2000, 1),
    // Two buffers take turns: with three templates each buffer always holds another one's slots.
    uniform('request: 120-byte payload, laid out anew', 120, 3),
    personal('request: 120-byte personal payload', 120),
    personal('request: 2,000-byte personal payload', 2000),
    ownFields('request: 120-byte payload, own collapse id and expiration', 120),
  ];
}
