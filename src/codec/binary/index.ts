/** The binary provider protocol without I/O: what connections, simulator and tests use of this folder. */
export { FeedbackDecoder, type FeedbackListener, feedbackTupleBytes, writeFeedbackTuple } from './feedback.js';
export { FrameOutput } from './frame-output.js';
export { FrameTemplate, type FrameTemplateOptions } from './frame-template.js';
export { NotificationDecoder, type NotificationListener, ReceivedNotification } from './notification-decoder.js';
export { type NotificationFields, notificationBytes, writeNotification } from './notification-writer.js';
export { STATUS_BYTES, StatusDecoder, type StatusListener, writeStatus } from './status.js';
export {
  type Command,
  ENHANCED,
  FRAMED,
  LAST_IDENTIFIER,
  SIMPLE,
  STATUS,
  STATUS_INVALID_PAYLOAD_SIZE,
  STATUS_INVALID_TOKEN,
  STATUS_INVALID_TOKEN_SIZE,
  STATUS_MISSING_PAYLOAD,
  STATUS_MISSING_TOKEN,
  STATUS_NO_ERROR,
  STATUS_PROCESSING_ERROR,
  STATUS_PROTOCOL_ERROR,
  STATUS_SHUTDOWN,
  STATUS_UNKNOWN,
} from './wire.js';
