/** Sender: peal's module that stands in for @parse/node-apn, with its defaults. */
import * as nodeApn from '../../src/compat/node-apn/index.js';
import { type NodeApn, openProvider } from './node-apn.js';
import type { OpenSender } from './sender.js';

export const open: OpenSender = async (options) => openProvider(options, nodeApn as unknown as NodeApn).sender;
