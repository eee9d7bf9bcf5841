import { execFile, spawn } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { CertificatePem } from '../../../proxy/io/tls.ts';

const run = promisify(execFile);

/** How a Postfix behind the gate learns the client's address, and what else it is given. */
export interface PostfixOptions {
  readonly port: number;
  /** `proxy`: its port expects a PROXY header. `xclient`: it honours XCLIENT from the gate. */
  readonly clientAddress: 'proxy' | 'xclient' | 'none';
  readonly certificate: CertificatePem;
  /** AUTH through Dovecot with this one account. */
  readonly account?: { readonly user: string; readonly password: string };
}

/** A real Postfix, with a folder of its own, that takes mail for example.com into a maildir. */
export class Postfix implements AsyncDisposable {
  readonly directory: string;
  readonly #stopDovecot: () => Promise<void>;

  private constructor(directory: string, stopDovecot: () => Promise<void>) {
    this.directory = directory;
    this.#stopDovecot = stopDovecot;
  }

  static async start(options: PostfixOptions): Promise<Postfix> {
    const directory = await mkdtemp(join(tmpdir(), 'postern-postfix-'));
    await chmod(directory, 0o755);
    await layOut(directory, options);
    const stopDovecot =
      options.account === undefined ? async () => undefined : await startDovecot(directory, options.account);
    await run('postfix', ['-c', join(directory, 'etc'), 'start']);
    await untilListening(options.port);
    return new Postfix(directory, stopDovecot);
  }

  /** What Postfix wrote into its own log. */
  async log(): Promise<string> {
    return await readFile(join(this.directory, 'mail.log'), 'utf8').catch(() => '');
  }

  /** Waits until its log matches. */
  async untilLogged(pattern: RegExp, withinMs = 20_000): Promise<string> {
    const untilMs = performance.now() + withinMs;
    for (;;) {
      const text = await this.log();
      if (pattern.test(text)) return text;
      if (performance.now() > untilMs) throw new Error(`not in the log of Postfix: ${pattern}\n${text}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Every message delivered so far, as Postfix stored it (line ends are LF). */
  async delivered(): Promise<readonly Buffer[]> {
    const folder = join(this.directory, 'mail', 'inbox', 'new');
    const names = await readdir(folder).catch(() => []);
    return await Promise.all(names.sort().map((name) => readFile(join(folder, name))));
  }

  /** Waits for a number of deliveries. */
  async untilDelivered(count: number, withinMs = 60_000): Promise<readonly Buffer[]> {
    const untilMs = performance.now() + withinMs;
    for (;;) {
      const messages = await this.delivered();
      if (messages.length >= count) return messages;
      if (performance.now() > untilMs) {
        throw new Error(`${messages.length} of ${count} messages delivered\n${await this.log()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run('postfix', ['-c', join(this.directory, 'etc'), 'stop']).catch(() => undefined);
    await this.#stopDovecot();
    await rm(this.directory, { recursive: true, force: true });
  }
}

async function layOut(directory: string, options: PostfixOptions): Promise<void> {
  const folders = ['etc', 'spool', 'data', 'mail', 'mail/inbox'];
  for (const name of folders) await mkdir(join(directory, name), { recursive: true });
  const postfixId = Number((await run('id', ['-u', 'postfix'])).stdout);
  const nobodyId = Number((await run('id', ['-u', 'nobody'])).stdout);
  await chown(join(directory, 'data'), postfixId, postfixId);
  await chown(join(directory, 'mail'), nobodyId, nobodyId);
  await chown(join(directory, 'mail', 'inbox'), nobodyId, nobodyId);
  await writeFile(join(directory, 'etc', 'cert.pem'), options.certificate.certificate);
  await writeFile(join(directory, 'etc', 'key.pem'), options.certificate.key, { mode: 0o600 });
  await writeFile(join(directory, 'etc', 'main.cf'), mainCf(directory, nobodyId, options));
  await writeFile(join(directory, 'etc', 'master.cf'), masterCf(options));
}

const mainCf = (directory: string, nobodyId: number, { account, clientAddress }: PostfixOptions): string => `
compatibility_level = 3.6
queue_directory = ${directory}/spool
data_directory = ${directory}/data
maillog_file = ${directory}/mail.log
maillog_file_prefixes = ${tmpdir()}
myhostname = mx.example.com
mydestination =
alias_maps =
alias_database =
inet_interfaces = 127.0.0.1
inet_protocols = all
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
virtual_mailbox_domains = example.com, elsewhere.example
virtual_mailbox_base = ${directory}/mail
virtual_mailbox_maps = inline:{ { anyone@example.com = inbox/ } { second@example.com = inbox/ } { far@elsewhere.example = inbox/ } }
virtual_uid_maps = static:${nobodyId}
virtual_gid_maps = static:${nobodyId}
virtual_minimum_uid = 1
virtual_mailbox_limit = 0
mailbox_size_limit = 0
message_size_limit = 0
smtpd_tls_cert_file = ${directory}/etc/cert.pem
smtpd_tls_key_file = ${directory}/etc/key.pem
smtpd_tls_security_level = may
smtpd_tls_received_header = yes
smtpd_client_connection_rate_limit = 0
smtpd_client_connection_count_limit = 0
smtpd_peername_lookup = no
default_process_limit = 250
${clientAddress === 'xclient' ? 'smtpd_authorized_xclient_hosts = 127.0.0.0/8' : ''}
${clientAddress === 'proxy' ? 'smtpd_upstream_proxy_protocol = haproxy' : ''}
${account === undefined ? '' : `smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\nsmtpd_sasl_path = ${directory}/auth\nsmtpd_tls_auth_only = no\nsmtpd_sasl_security_options = noanonymous`}
`;

const masterCf = ({ port }: PostfixOptions): string => `
127.0.0.1:${port} inet n - n - 250 smtpd
pickup    unix  n       -       n       60      1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
verify    unix  -       -       n       -       1       verify
flush     unix  n       -       n       1000?   0       flush
proxymap  unix  -       -       n       -       -       proxymap
smtp      unix  -       -       n       -       -       smtp
relay     unix  -       -       n       -       -       smtp
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
discard   unix  -       -       n       -       -       discard
virtual   unix  -       n       n       -       -       virtual
anvil     unix  -       -       n       -       1       anvil
scache    unix  -       -       n       -       1       scache
postlog   unix-dgram n  -       n       -       1       postlogd
`;

/** Dovecot as nothing but the SASL server of Postfix. */
async function startDovecot(
  directory: string,
  account: { readonly user: string; readonly password: string },
): Promise<() => Promise<void>> {
  const users = join(directory, 'etc', 'users');
  await writeFile(users, `${account.user}:{PLAIN}${account.password}::::::\n`, { mode: 0o644 });
  const config = join(directory, 'etc', 'dovecot.conf');
  const text = `
base_dir = ${directory}/dovecot
state_dir = ${directory}/dovecot-state
log_path = ${directory}/dovecot.log
protocols =
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login cram-md5 scram-sha-256
default_internal_user = dovecot
default_login_user = dovenull
first_valid_uid = 1
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u ${users}
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=/tmp
}
service auth {
  unix_listener ${directory}/auth {
    mode = 0666
  }
}
`;
  await writeFile(config, text);
  const child = spawn('dovecot', ['-F', '-c', config], { stdio: ['ignore', 'ignore', 'inherit'] });
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return async () => {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  };
}

async function untilListening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const listening = await new Promise<boolean>((resolve) => {
      const socket = connect({ port, host: '127.0.0.1' });
      socket.once('connect', () => {
        resolve(true);
        socket.destroy();
      });
      socket.once('error', () => resolve(false));
    });
    if (listening) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`nothing listens on port ${port}`);
}

/** Postfix can only be started by root. */
export const isRoot = (): boolean => userInfo().uid === 0;
