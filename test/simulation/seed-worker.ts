/** A thread that runs seeds: gets ranges of them, answers each with its figures. Started by main. */
import { parentPort } from 'node:worker_threads';
import { Figures } from './figures.js';
import { runSeeds, type SeedRange } from './run-seeds.js';

const port = parentPort!;

port.on('message', (range: SeedRange) => {
  const figures = new Figures();
  void runSeeds(range, (report) => figures.add(report)).then(() => port.postMessage(figures));
});
