/**
 * HTTP/2's client side without I/O (RFC 9113). Everything other folders use of codec/http2 comes from here;
 * the simulator takes the frame constants and the frame reader from their own files.
 */
export type { ClientConnectionOptions, Goaway } from './client-connection.js';
export { ClientConnection } from './client-connection.js';
export { NO_ERROR, SETTINGS_TIMEOUT } from './frames.js';
export type { RequestTemplate, TemplateOptions } from './request-template.js';
export type { ResponseFields, ResponseListener, StreamCause } from './response-listener.js';
