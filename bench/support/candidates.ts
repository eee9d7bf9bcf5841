import { type ChildProcess, fork, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');

/** Something that stands between the load and the server behind. */
export interface Candidate {
  readonly name: string;
  /** Starts it; undefined with a reason where it is not installed. */
  start(ports: { readonly listen: number; readonly upstream: number }, directory: string): Promise<ChildProcess>;
  readonly missing: string | undefined;
}

const installed = (path: string, hint: string): string | undefined => (existsSync(path) ? undefined : hint);
const PEERS_HINT = 'not installed: run bench/install-peers';

/** Waits until a port answers with an SMTP greeting. */
async function untilGreeted(port: number, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`ended with code ${child.exitCode}`);
    const greeted = await new Promise<boolean>((resolve) => {
      const socket = connect({ port, host: '127.0.0.1' });
      socket.setTimeout(2000, () => socket.destroy());
      socket.once('data', () => {
        resolve(true);
        socket.end('QUIT\r\n');
      });
      socket.once('error', () => resolve(false));
      socket.once('close', () => resolve(false));
    });
    if (greeted) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`no greeting on port ${port}`);
}

async function spawned(
  command: string,
  parameters: readonly string[],
  port: number,
  cwd?: string,
): Promise<ChildProcess> {
  const child = spawn(command, parameters, { stdio: ['ignore', 'ignore', 'inherit'], cwd });
  await untilGreeted(port, child);
  return child;
}

const bareRelay: Candidate = {
  name: 'bare relay',
  missing: undefined,
  async start({ listen, upstream }) {
    const child = fork(join(import.meta.dirname, 'bare-relay.ts'), [String(listen), String(upstream)]);
    await untilGreeted(listen, child);
    return child;
  },
};

const postern: Candidate = {
  name: 'postern',
  missing: undefined,
  async start({ listen, upstream }, directory) {
    const config = join(directory, 'postern.yaml');
    await writeFile(config, posternConfig(listen, upstream, directory), { mode: 0o600 });
    return await spawned(process.execPath, [join(root, 'cli/main.ts'), 'start', '--config', config], listen, root);
  },
};

const posternConfig = (listen: number, upstream: number, directory: string): string => `
hostname: gate.example.com
contact: postmaster@example.com
listeners:
  - { name: mx, role: mx, address: 127.0.0.1, port: ${listen}, withoutCertificate: true, greetingHoldMs: 0 }
upstreams:
  default: { host: 127.0.0.1, port: ${upstream}, tls: none, connectionsMax: 20000 }
domains: { names: [example.com] }
limits: { sessionsMax: 20000, sessionsPerSourceMax: 20000, connectionsPerMinuteMax: 1000000 }
dataDirectory: ${join(directory, 'data')}
http: { port: ${listen + 1} }
logging: { level: error }
`;

const haproxy: Candidate = {
  name: 'HAProxy (tcp)',
  missing: installed('/usr/sbin/haproxy', PEERS_HINT),
  async start({ listen, upstream }, directory) {
    const config = join(directory, 'haproxy.cfg');
    const text = `global\n  nbthread 1\ndefaults\n  mode tcp\n  timeout connect 10s\n  timeout client 60s\n  timeout server 60s\nlisten smtp\n  bind 127.0.0.1:${listen}\n  server behind 127.0.0.1:${upstream}\n`;
    await writeFile(config, text);
    return await spawned('/usr/sbin/haproxy', ['-db', '-f', config], listen);
  },
};

const nginx: Candidate = {
  name: 'nginx (mail proxy)',
  missing: installed('/usr/lib/nginx/modules/ngx_mail_module.so', PEERS_HINT),
  async start({ listen, upstream }, directory) {
    const config = join(directory, 'nginx.conf');
    // The mail proxy asks an HTTP service for the server of each session; nginx serves that itself.
    const text = `daemon off;\nmaster_process off;\nload_module /usr/lib/nginx/modules/ngx_mail_module.so;\npid ${directory}/nginx.pid;\nerror_log ${directory}/nginx.log warn;\nworker_rlimit_nofile 65536;\nevents { worker_connections 40000; }\nhttp { access_log off; client_body_temp_path ${directory}/b; proxy_temp_path ${directory}/p; fastcgi_temp_path ${directory}/f; uwsgi_temp_path ${directory}/u; scgi_temp_path ${directory}/s;\n server { listen 127.0.0.1:${listen + 1}; location / { add_header Auth-Status OK; add_header Auth-Server 127.0.0.1; add_header Auth-Port ${upstream}; return 204; } } }\nmail { auth_http 127.0.0.1:${listen + 1}/; xclient off; smtp_auth none; server_name gate.example.com;\n server { listen 127.0.0.1:${listen}; protocol smtp; proxy on; smtp_greeting_delay 0; } }\n`;
    await writeFile(config, text);
    return await spawned('/usr/sbin/nginx', ['-c', config, '-p', directory], listen);
  },
};

const harakaRoot = join(import.meta.dirname, '..', '.peers', 'node_modules', 'Haraka');
const haraka: Candidate = {
  name: 'Haraka (smtp_proxy)',
  missing: installed(harakaRoot, PEERS_HINT),
  async start({ listen, upstream }, directory) {
    const config = join(directory, 'haraka', 'config');
    const defaults = await readFile(join(harakaRoot, 'config', 'connection.ini'), 'utf8');
    await mkdir(config, { recursive: true });
    const files = {
      'smtp.ini': `listen=127.0.0.1:${listen}\nnodes=0\n`,
      plugins: 'rcpt_to.in_host_list\nqueue/smtp_proxy\n',
      host_list: 'example.com\n',
      'smtp_proxy.ini': `host=127.0.0.1\nport=${upstream}\nmax_connections=1000\n`,
      'log.ini': '[main]\nlevel=ERROR\n',
      loglevel: 'ERROR\n',
      me: 'gate.example.com\n',
      // A file of ours stands for the whole of theirs.
      'connection.ini': defaults.replace(/^bytes=.*$/m, 'bytes=104857600'),
    };
    for (const [name, text] of Object.entries(files)) await writeFile(join(config, name), text);
    return await spawned(
      process.execPath,
      [join(harakaRoot, 'bin', 'haraka'), '-c', join(directory, 'haraka')],
      listen,
    );
  },
};

/** Every candidate; the first is the yardstick. */
export const candidates: readonly Candidate[] = [bareRelay, postern, haproxy, nginx, haraka];
