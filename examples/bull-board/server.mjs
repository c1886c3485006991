/**
 * The queues of a peal cluster in bull-board: `peal-slices`, where workers take slices, and a queue `peal-campaign-<id>` for each
 * campaign. It shows and changes nothing: a job that is removed by hand would leave its dispatcher waiting.
 *
 *   npm ci && PEAL_REDIS=redis://localhost:6379 BOARD_PASSWORD_FILE=password.txt npm start
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { ExpressAdapter } from '@bull-board/express';
import { Queue } from 'bullmq';
import express from 'express';
import { Redis } from 'ioredis';

const { PEAL_REDIS: url, PEAL_REDIS_CA: ca, BOARD_PASSWORD_FILE: passwordFile } = process.env;
const { BOARD_USER: user = 'peal', BOARD_PORT: port = '3100' } = process.env;
if (!url || !passwordFile) {
  console.error('Set PEAL_REDIS (redis://HOST:PORT) and BOARD_PASSWORD_FILE (a file with the password of the board).');
  process.exit(2);
}
const password = readFileSync(passwordFile, 'utf8').trim();
if (password.length < 12) {
  console.error(`The password in ${passwordFile} is too short. Use 12 characters or more.`);
  process.exit(2);
}

const redis = new Redis(url, {
  maxRetriesPerRequest: null,
  ...(ca && { tls: { ca: readFileSync(ca, 'utf8') } }),
});
// Errors of ioredis hold arguments of commands, so only their first words are printed.
redis.on('error', (error) => console.error(`Redis: ${error.code ?? error.message.split(' ')[0]}`));

const adapter = new ExpressAdapter();
const board = createBullBoard({ queues: [], serverAdapter: adapter, options: { uiConfig: { boardTitle: 'peal' } } });

/** By name. */
const shown = new Map();

/** Shows the queues that are there now: campaigns come and go. */
async function look() {
  const names = new Set(['peal-slices']);
  for await (const keys of redis.scanStream({ match: 'bull:peal-campaign-*:meta', count: 1000 })) {
    for (const key of keys) names.add(key.split(':')[1]);
  }
  for (const [name, queue] of shown) {
    if (names.has(name)) continue;
    board.removeQueue(name);
    shown.delete(name);
    await queue.close();
  }
  for (const name of names) {
    if (shown.has(name)) continue;
    const queue = new Queue(name, { connection: redis });
    queue.on('error', () => {});
    shown.set(name, queue);
    board.addQueue(new BullMQAdapter(queue, { readOnlyMode: true, allowRetries: false }));
  }
}

async function lookAgain() {
  await look().catch((error) => console.error(`The queues could not be listed: ${error.message.split(' ')[0]}`));
  setTimeout(lookAgain, 5000);
}

const digest = (text) => createHash('sha256').update(text).digest();
const expected = digest(`Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`);

const app = express();
app.disable('x-powered-by');
app.use((request, response, next) => {
  if (timingSafeEqual(digest(request.get('authorization') ?? ''), expected)) return next();
  response.set('WWW-Authenticate', 'Basic realm="peal", charset="UTF-8"').status(401).send('Log in.');
});
app.use(adapter.getRouter());
adapter.setBasePath('');

await lookAgain();
// Nobody but this machine: reach it by `ssh -L 3100:127.0.0.1:3100`.
const server = app.listen(Number(port), '127.0.0.1', (error) => {
  if (error) throw error;
  console.log(`The queues are at http://127.0.0.1:${server.address().port}/`);
});
