/**
 * Loaded before an example of the documents: leads its gateways of Apple's and Google's, by name, to those of the
 * simulator. Everything else is as in a program: keys and certificates are read from the files that the example names.
 */
import { Session } from '../../src/index.js';

const gateways = JSON.parse(process.env.SNIPPET_GATEWAYS!) as Record<'api' | 'push' | 'feedback' | 'fcm', string>;
const dial = Session.prototype.getConnection;

Session.prototype.getConnection = function (this: Session, address, credential, options) {
  const service =
    typeof address === 'string' ? /^(api|push|feedback|fcm)(?:_(production|sandbox))?$/.exec(address)?.[1] : undefined;
  const gateway = service === undefined ? address : gateways[service as keyof typeof gateways];
  return dial.call(this, gateway, credential, options);
};
