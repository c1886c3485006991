/**
 * Loaded with `node --import` into a program that knows Apple's port only: its connections to port 443 go to
 * GATEWAY_PORT.
 */
import { Socket } from 'node:net';

interface Target {
  port?: number | string;
}

const gatewayPort = Number(process.env.GATEWAY_PORT);
const connect = Socket.prototype.connect as (this: Socket, ...args: unknown[]) => Socket;

/** net.connect hands its arguments on in an array. */
const targetOf = (first: unknown): Target => (Array.isArray(first) ? first[0] : first) as Target;

Socket.prototype.connect = function redirected(this: Socket, ...args: unknown[]): Socket {
  const target = targetOf(args[0]);
  if (Number(target.port) === 443) target.port = gatewayPort;
  return connect.apply(this, args);
} as typeof Socket.prototype.connect;
