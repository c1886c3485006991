/** Contender: the library with its defaults, in one thread, as a program uses it. */
import { APNs } from '../../../src/session/apns.js';
import { Message } from '../../../src/session/message/message.js';
import { Session } from '../../../src/session/session.js';
import { alertText, contend, readTask } from './contender.js';

const task = readTask();
const session = new Session({ ca: { file: task.caFile } });
const credential = { key: { file: task.keyFile }, keyId: task.keyId, teamId: task.teamId };
const apns = new APNs(session.getConnection(`https://localhost:${task.port}`, credential));

await contend(task, async (tokens, report) => {
  const result = await apns.send(new Message(tokens, { alert: alertText, topic: task.topic }));
  for (const token of tokens) report(token, 'd');
  for (const token of result.failed.keys()) report(token, 'f');
  for (const token of result.unsent.toArray()) report(token, 'f');
  for (const token of result.unknown.toArray()) report(token, 'u');
});
