/**
 * A gateway made of node:http2, a process of its own: answers 200 to each request, and logs it before the answer goes
 * out, so that its log is true even when it is killed. SIGTERM closes it: server.close(), and close() of each session,
 * which sends GOAWAY and waits for what is under way. Started by server-kinds: `node-gateway.js FOLDER PORT LOG`.
 */
import { openSync, readFileSync, writeSync } from 'node:fs';
import { createSecureServer, type ServerHttp2Session } from 'node:http2';
import path from 'node:path';

const [folder, port, logFile] = process.argv.slice(2) as [string, string, string];
const read = (name: string): string => readFileSync(path.join(folder, name), 'utf8');
const log = openSync(logFile, 'a');
const sessions = new Set<ServerHttp2Session>();

const server = createSecureServer({
  cert: read('server.pem'),
  key: read('server.key'),
  settings: { maxConcurrentStreams: 1000 },
});
server.on('session', (session) => {
  sessions.add(session);
  session.once('close', () => sessions.delete(session));
  session.on('error', () => {});
});
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  stream.resume().once('end', () => {
    writeSync(log, `${headers[':path']} 200\n`);
    stream.respond({ ':status': 200 }, { endStream: true });
  });
});
server.listen(Number(port), '127.0.0.1');
process.once('SIGTERM', () => {
  server.close();
  for (const session of sessions) session.close();
});
