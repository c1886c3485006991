/** Our own sink and simulator as servers of a benchmark. */
import { SimulatorProcess } from '../lib/simulator-process.js';
import { SinkProcess } from '../lib/sink-process.js';
import type { ServerKind } from './server.js';

export const sink: ServerKind = {
  name: 'sink',
  missing: () => null,
  start: async () => {
    const sink = await SinkProcess.start();
    return {
      ...{ label: 'the sink', target: sink.target },
      accepted: async () => (await sink.counts()).requests,
      [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose](),
    };
  },
};

export const simulator: ServerKind = {
  name: 'simulator',
  missing: () => null,
  start: async () => {
    const options = ['--ledger', 'counts', '--connection-window', 'large'];
    const simulator = await SimulatorProcess.start('http2', options);
    return {
      ...{ label: 'the simulator', target: simulator.target },
      accepted: async () => (await simulator.ledger()).accepted,
      [Symbol.asyncDispose]: () => simulator[Symbol.asyncDispose](),
    };
  },
};
