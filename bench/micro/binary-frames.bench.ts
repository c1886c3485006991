/**
 * What it costs to put one notification of the binary protocol into the output: laid out, laid out anew, and as
 * libraries do it, with one Buffer.concat for each. The plain copy beside each row has as many bytes as one write;
 * the rows "DRAM" go through more memory than the caches hold, and so does the copy beside them.
 */
import { Buffer } from 'node:buffer';
import { FrameOutput } from '../../src/codec/binary/frame-output.js';
import { FrameTemplate } from '../../src/codec/binary/frame-template.js';
import type { Notification } from '../../src/push/notification.js';
import { TokenBlock } from '../../src/push/token-block.js';
import type { MicroItem } from './suite.js';

const tokenBytes = 32;
const framesPerWrite = 256;
/** Enough writes that their outputs together are larger than any cache. */
const writesOfDram = 1024;

const order = Uint16Array.from({ length: framesPerWrite }, (_, i) => i);
const tokens = new TokenBlock(
  new Uint8Array(framesPerWrite * tokenBytes).map((_, i) => i * 37),
  tokenBytes,
  framesPerWrite,
);

const recipients = { tokens, personal: null, order, head: 0, tagBase: 0 };

function notificationOf(payloadBytes: number): Notification {
  return { headers: [], payload: Buffer.alloc(payloadBytes, 'payload '), expiration: 1_700_000_000, priority: 10 };
}

function laidOut(name: string, payloadBytes: number, writes: number): MicroItem {
  const template = new FrameTemplate(notificationOf(payloadBytes), { tokenBytes });
  const bytesPerItem = template.image.length;
  const outputs = Array.from({ length: writes }, () => new FrameOutput(framesPerWrite * bytesPerItem));
  let identifier = 1;
  const run = (): void => {
    for (const output of outputs) {
      output.reset();
      output.append(template, recipients, framesPerWrite, identifier);
      identifier = (identifier + framesPerWrite) % 2 ** 31;
    }
  };
  return { name, bytesPerItem, itemsPerRun: framesPerWrite * writes, run };
}

function laidOutAnew(name: string, payloadBytes: number): MicroItem {
  const templates = [0, 1].map(() => new FrameTemplate(notificationOf(payloadBytes), { tokenBytes }));
  const bytesPerItem = templates[0]!.image.length;
  const output = new FrameOutput(framesPerWrite * bytesPerItem);
  let turn = 0;
  const run = (): void => {
    output.reset();
    turn = 1 - turn;
    output.append(templates[turn]!, recipients, framesPerWrite, 1);
  };
  return { name, bytesPerItem, itemsPerRun: framesPerWrite, run };
}

/** One frame as a library makes it that thinks of one notification at a time. */
function concatenated(token: Buffer, payload: Buffer, identifier: number, expiry: number): Buffer {
  const item = (id: number, data: Buffer): Buffer => {
    const header = Buffer.alloc(3);
    header[0] = id;
    header.writeUInt16BE(data.length, 1);
    return Buffer.concat([header, data]);
  };
  const u32 = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  };
  const items = [item(1, token), item(2, payload), item(3, u32(identifier)), item(4, u32(expiry))];
  const data = Buffer.concat([...items, item(5, Buffer.from([10]))]);
  return Buffer.concat([Buffer.from([2]), u32(data.length), data]);
}

/** The same frames, each from buffers of its own. */
function oneConcat(name: string, payloadBytes: number): MicroItem {
  const payload = Buffer.from(notificationOf(payloadBytes).payload);
  const bytesPerItem = concatenated(Buffer.alloc(tokenBytes), payload, 0, 0).length;
  const frames = new Array<Buffer>(framesPerWrite);
  const run = (): void => {
    for (let i = 0; i < framesPerWrite; i++) {
      const token = Buffer.from(tokens.bytes.buffer, i * tokenBytes, tokenBytes);
      frames[i] = concatenated(token, payload, i, 1_700_000_000);
    }
  };
  return { name, bytesPerItem, itemsPerRun: framesPerWrite, run };
}

export function register(): readonly MicroItem[] {
  return [
    laidOut('binary: 120-byte payload, laid out', 120, 1),
    laidOut('binary: 120-byte payload, laid out, DRAM', 120, writesOfDram),
    laidOut('binary: 2,000-byte payload, laid out', 2000, 1),
    laidOutAnew('binary: 120-byte payload, laid out anew', 120),
    oneConcat('binary: 120-byte payload, Buffer.concat', 120),
  ];
}
