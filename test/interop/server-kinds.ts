/**
 * HTTP/2 servers written by others, each as a gateway that answers 200 to whatever it is posted and logs path and
 * status of each answer: how they are configured, how they are asked to stop in good order, and what their logs are
 * worth. Plain data for servers.ts.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ServerFolder } from './server-folder.js';

/** A request that was answered, as a log has it. */
export interface LoggedAnswer {
  readonly token: string;
  readonly status: number;
}

export interface GracefulStop {
  /** As its users call it. */
  readonly name: string;
  readonly signal: NodeJS.Signals;
  /** The same process takes new connections all the while; otherwise another one is started on the port. */
  readonly comesBack: boolean;
  /** It does answer what it has taken before it goes. */
  readonly isGraceful: boolean;
}

export interface ServerKind {
  readonly name: string;
  /** The program, and the Debian packages that it comes in; null: Node.js, in a process of its own. */
  readonly program: string | null;
  readonly packages: string;
  readonly versionArgument: string;
  /** Requests that it takes at a time on a connection. */
  readonly streams: number;
  /**
   * When a line is in the log for good. `before` the answer goes out: after a kill, every accepted token is in it.
   * `after`: then lines about the last answers may be missing. `buffered`: then whole blocks are.
   */
  readonly logs: 'before' | 'after' | 'buffered';
  readonly stops: readonly GracefulStop[];
  /** It answers 411 to a request whose header does not say how long the body is, though HTTP/2 needs no such field. */
  readonly wantsLength?: boolean;
  /** Writes what the server reads, and returns how it is called. Standard output goes to `run<N>.out`. */
  prepare(place: ServerFolder, run: number, tokens: readonly string[]): readonly string[];
  /** What this run's log says. */
  answers(place: ServerFolder, run: number): LoggedAnswer[];
}

const isRoot = process.getuid?.() === 0;

/** Lines that have a path, and later a status: most servers can be told to write such. */
function* plainAnswers(text: string): Generator<LoggedAnswer> {
  for (const [, token, status] of text.matchAll(/\/3\/device\/([0-9a-f]+)(?: HTTP\/[\d.]+)? (\d+)/g)) {
    yield { token: token!, status: Number(status) };
  }
}

function file({ folder }: ServerFolder, name: string, text?: string): string {
  const whole = path.join(folder, name);
  if (text !== undefined) writeFileSync(whole, text);
  return whole;
}

const readLog = (place: ServerFolder, run: number, ending: 'log' | 'out'): string =>
  readFileSync(file(place, `run${run}.${ending}`), 'utf8');
const fromLog = (place: ServerFolder, run: number): LoggedAnswer[] => [...plainAnswers(readLog(place, run, 'log'))];
const fromOutput = (place: ServerFolder, run: number): LoggedAnswer[] => [...plainAnswers(readLog(place, run, 'out'))];

const stop = (name: string, signal: NodeJS.Signals): GracefulStop => ({
  ...{ name, signal, comesBack: false, isGraceful: true },
});
const reload = (name: string, signal: NodeJS.Signals): GracefulStop => ({ ...stop(name, signal), comesBack: true });

const nginxAnswer = 'location / { return 200; }';
const nginxBodies = 'location / { proxy_pass http://ok; proxy_http_version 1.1; proxy_set_header Connection ""; }';

function nginxConfig(place: ServerFolder, run: number, location: string): string {
  const { folder, port, certFile, keyFile } = place;
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => {
    return `${kind}_temp_path ${folder}/${kind};`;
  });
  return `
    ${isRoot ? 'user root;' : ''}
    daemon off; worker_processes 1; pid ${folder}/run${run}.pid; error_log ${folder}/error.log;
    events { worker_connections 4096; }
    http {
      log_format paths '$request_uri $status'; access_log off; ${temporary.join(' ')}
      upstream ok { server unix:${folder}/run${run}.sock; keepalive 256; }
      server {
        listen unix:${folder}/run${run}.sock backlog=4096; keepalive_requests 1000000; location / { return 200; }
      }
      server {
        listen 127.0.0.1:${port} ssl http2; ssl_certificate ${certFile}; ssl_certificate_key ${keyFile};
        access_log ${folder}/run${run}.log paths; keepalive_requests 1000; ${location}
      }
    }`;
}

/** Bodies are not read: each answer is followed by RST_STREAM(NO_ERROR). GOAWAY after 1,000 requests, its default. */
const nginx: ServerKind = {
  ...{ name: 'nginx', program: 'nginx', packages: 'nginx', versionArgument: '-v', streams: 128, logs: 'after' },
  // A worker that ends closes a connection on which no stream is open at that moment. Requests that are on the way to
  // it then meet a TCP reset, which may overtake its GOAWAY.
  stops: [
    { ...stop('quit', 'SIGQUIT'), isGraceful: false },
    { ...reload('reload', 'SIGHUP'), isGraceful: false },
  ],
  answers: fromLog,
  prepare(place, run) {
    const config = file(place, 'nginx.conf', nginxConfig(place, run, nginxAnswer));
    return ['-c', config, '-p', place.folder, '-e', `${place.folder}/error.log`];
  },
};

/** Bodies are read because they are passed on, to a second server of the same nginx that answers 200. */
const nginxReadingBodies: ServerKind = {
  ...nginx,
  name: 'nginx (proxy)',
  // A stop would end the second server as well, and with it answers 502.
  stops: [],
  prepare(place, run) {
    const config = file(place, 'nginx.conf', nginxConfig(place, run, nginxBodies));
    return ['-c', config, '-p', place.folder, '-e', `${place.folder}/error.log`];
  },
};

const h2o: ServerKind = {
  ...{ name: 'h2o', program: 'h2o', packages: 'h2o', versionArgument: '--version', streams: 100, logs: 'after' },
  stops: [stop('SIGTERM', 'SIGTERM')],
  answers: fromLog,
  prepare(place, run) {
    const { folder, port, certFile, keyFile } = place;
    const config = `
${isRoot ? 'user: root' : ''}
num-threads: 1
listen: {host: 127.0.0.1, port: ${port}, ssl: {certificate-file: ${certFile}, key-file: ${keyFile}}}
access-log: {path: ${folder}/run${run}.log, format: "%U %s"}
error-log: ${folder}/error.log
hosts:
  default:
    paths:
      "/":
        mruby.handler: "Proc.new {|env| [200, {}, []]}"
`;
    return ['-c', file(place, 'h2o.conf', config)];
  },
};

const haproxy: ServerKind = {
  ...{ name: 'haproxy', program: 'haproxy', packages: 'haproxy', versionArgument: '-v', streams: 100, logs: 'after' },
  stops: [stop('soft stop', 'SIGUSR1')],
  answers: fromOutput,
  prepare(place) {
    const config = `
global
  log stdout format raw local0 info
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 5s
frontend gateway
  bind 127.0.0.1:${place.port} ssl crt ${place.bundleFile} alpn h2
  log global
  log-format "%HP %ST"
  option http-buffer-request
  http-request return status 200
`;
    return ['-db', '-f', file(place, 'haproxy.cfg', config)];
  },
};

/** It answers POST with the file that every path is rewritten to. */
const lighttpd: ServerKind = {
  ...{ name: 'lighttpd', program: 'lighttpd', packages: 'lighttpd lighttpd-mod-openssl', versionArgument: '-v' },
  ...{ streams: 8, logs: 'buffered', wantsLength: true },
  stops: [stop('SIGINT', 'SIGINT')],
  answers: fromLog,
  prepare(place, run) {
    const { folder, port, certFile, keyFile } = place;
    file(place, 'ok', '');
    const config = `
server.document-root = "${folder}"
server.bind = "127.0.0.1"
server.port = ${port}
server.modules = ("mod_openssl", "mod_rewrite", "mod_accesslog")
server.errorlog = "${folder}/error.log"
ssl.engine = "enable"
ssl.pemfile = "${certFile}"
ssl.privkey = "${keyFile}"
url.rewrite-once = ("^/3/device/" => "/ok")
accesslog.filename = "${folder}/run${run}.log"
accesslog.format = "%r %s"
`;
    return ['-D', '-f', file(place, 'lighttpd.conf', config)];
  },
};

const apacheModules = '/usr/lib/apache2/modules';

const apache: ServerKind = {
  ...{ name: 'apache2', program: 'apache2', packages: 'apache2', versionArgument: '-v', streams: 100, logs: 'after' },
  // Its last GOAWAY (with the error code 2^32 - 902) names streams that it has logged with 200, and then it closes
  // without their answers, now and then.
  stops: [
    { ...stop('graceful-stop', 'SIGWINCH'), isGraceful: false },
    { ...reload('graceful', 'SIGUSR1'), isGraceful: false },
  ],
  answers: fromLog,
  prepare(place, run) {
    const { folder, port, certFile, keyFile } = place;
    const modules = ['mpm_event', 'authz_core', 'ssl', 'http2', 'rewrite'].map(
      (name) => `LoadModule ${name}_module ${apacheModules}/mod_${name}.so`,
    );
    const config = `
ServerRoot ${folder}
ServerName localhost
DefaultRuntimeDir ${folder}
PidFile ${folder}/run${run}.pid
Listen 127.0.0.1:${port}
${modules.join('\n')}
${isRoot ? 'User www-data\nGroup www-data' : ''}
ErrorLog ${folder}/error.log
LogFormat "%U %>s" paths
CustomLog ${folder}/run${run}.log paths
Protocols h2
H2MaxSessionStreams 100
SSLEngine on
SSLSessionCache none
SSLCertificateFile ${certFile}
SSLCertificateKeyFile ${keyFile}
RewriteEngine On
RewriteRule ^/3/device/ - [R=200]
`;
    return ['-f', file(place, 'apache.conf', config), '-DFOREGROUND'];
  },
};

/**
 * The server of nghttp2, which prints each header field. It answers 200 where there is a file, so there is one for each
 * token. (Its --echo-upload would do as well, but takes a millisecond for each request.)
 */
const nghttpd: ServerKind = {
  ...{ name: 'nghttpd', program: 'nghttpd', packages: 'nghttp2-server', versionArgument: '--version' },
  ...{ streams: 1000, logs: 'before' },
  stops: [{ ...stop('SIGTERM', 'SIGTERM'), isGraceful: false }],
  prepare(place, _run, tokens) {
    const { folder, port, keyFile, certFile } = place;
    const files = path.join(folder, '3', 'device');
    mkdirSync(files, { recursive: true });
    for (const token of tokens) writeFileSync(path.join(files, token), '');
    const limits = ['--max-concurrent-streams=1000', '--workers=1'];
    const address = ['--address=127.0.0.1', String(port), keyFile, certFile];
    return ['--verbose', `--htdocs=${folder}`, ...limits, ...address];
  },
  answers(place, run) {
    const paths = new Map<string, string>();
    const answers: LoggedAnswer[] = [];
    let answered = '';
    for (const line of readLog(place, run, 'out').split('\n')) {
      const [, id = '', what = ''] = /^\[id=(\d+)\] \[ *[\d.]+\] (.*)/.exec(line) ?? [];
      const [, stream, token] = /^recv \(stream_id=(\d+)\) :path: \/3\/device\/([0-9a-f]+)/.exec(what) ?? [];
      if (token !== undefined) paths.set(`${id} ${stream}`, token);
      const [, sent] = /^send HEADERS frame .*stream_id=(\d+)/.exec(what) ?? [];
      if (sent !== undefined) answered = `${id} ${sent}`;
      const [, status] = /^ +:status: (\d+)/.exec(line) ?? [];
      if (status !== undefined) answers.push({ token: paths.get(answered) ?? '?', status: Number(status) });
    }
    return answers;
  },
};

const nodeGateway = fileURLToPath(new URL('./node-gateway.js', import.meta.url));

const node: ServerKind = {
  ...{ name: 'node:http2', program: null, packages: 'Node.js', versionArgument: '--version' },
  ...{ streams: 1000, logs: 'before' },
  stops: [stop('close()', 'SIGTERM')],
  answers: fromLog,
  prepare: (place, run) => [nodeGateway, place.folder, String(place.port), file(place, `run${run}.log`)],
};

export const serverKinds: readonly ServerKind[] = [
  nginx,
  nginxReadingBodies,
  h2o,
  haproxy,
  lighttpd,
  apache,
  nghttpd,
  node,
];
