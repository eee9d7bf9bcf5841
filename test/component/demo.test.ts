import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { LINE_OCTETS_MAX, SocketReader } from '../../cli/demo/socket-reader.ts';
import { story } from '../../cli/demo/story.ts';

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

class Demo {
  stdout = '';
  stderr = '';
  readonly process: ChildProcess;
  readonly #exited: Promise<unknown[]>;

  constructor(...flags: readonly string[]) {
    this.process = spawn(process.execPath, [MAIN, 'demo', ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#exited = once(this.process, 'close');
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
  }

  async exitCode(): Promise<number | null> {
    await this.#exited;
    return this.process.exitCode;
  }

  /** Waits until stdout has this. */
  async prints(what: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = what.exec(this.stdout);
      if (match !== null) return match;
      if (this.process.exitCode !== null) throw new Error(`ended without ${what}: ${this.stdout}${this.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** Processes whose command lines name a path: process id and command line. */
const processesNaming = (path: string): [pid: number, line: string][] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid): [number, string] => {
      try {
        return [Number(pid), readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')];
      } catch {
        return [Number(pid), ''];
      }
    })
    .filter(([, line]) => line.includes(path));

test('the whole story comes out as told', async () => {
  const demo = new Demo('--once', '--json');
  const code = await demo.exitCode();
  const report: unknown = JSON.parse(demo.stdout);
  expect(report).toMatchObject({ asTold: true, lines: story.map(({ id }) => ({ id, asTold: true })) });
  expect(demo.stderr).toBe('');
  expect(code).toBe(0);
});

test('without --once it tells the story as it happens, stays for the reader, and leaves nothing behind on Ctrl-C', async () => {
  const demo = new Demo();
  await demo.prints(/RCPT <victim@elsewhere\.example> +554 5\.7\.1 by relay\.denied/);
  expect(demo.stdout).not.toContain('came out as told');
  const [, port = ''] = await demo.prints(/swaks --server 127\.0\.0\.1:(\d+)/);
  const [, directory = ''] = await demo.prints(/the configuration +(\/.*)\/postern\.yaml/);
  const [, metrics = ''] = await demo.prints(/(http:\S+\/metrics)/);
  expect(demo.stdout).toContain(`${story.length} of ${story.length} lines came out as told`);
  // Colours are for terminals.
  expect(demo.stdout).not.toContain('\u001b');
  expect(existsSync(directory)).toBe(true);
  expect((await fetch(metrics)).status).toBe(200);

  const socket = connect(Number(port), '127.0.0.1');
  const reader = new SocketReader(socket);
  expect(await reader.line()).toMatch(/^220 /);
  socket.write('EHLO you.example\r\n');
  await demo.prints(/127\.0\.0\.1 +try-it +EHLO you\.example +250/);
  socket.destroy();

  expect(processesNaming(directory)).not.toEqual([]);
  demo.process.kill('SIGINT');
  expect(await demo.exitCode()).toBe(0);
  expect(existsSync(directory)).toBe(false);
  expect(processesNaming(directory)).toEqual([]);
});

test('ended in the midst of the story it leaves nothing behind either, and does not claim success', async () => {
  const demo = new Demo('--once');
  const [, directory = ''] = await demo.prints(/(\/\S+)\/mail\/0001\.eml/);
  await demo.prints(/EHLO/);
  demo.process.kill('SIGTERM');
  expect(await demo.exitCode()).toBe(1);
  expect(demo.stdout).not.toContain('came out as told');
  expect(existsSync(directory)).toBe(false);
  expect(processesNaming(directory)).toEqual([]);
});

test('a product that dies is told of, and the parts it left behind are ended', async () => {
  const demo = new Demo('--once');
  const [, directory = ''] = await demo.prints(/(\/\S+)\/mail\/0001\.eml/);
  const supervisor = processesNaming(directory).find(([, line]) => line.includes(' start '))?.[0] ?? 0;
  process.kill(supervisor, 'SIGKILL');
  expect(await demo.exitCode()).toBe(1);
  expect(demo.stderr).toContain('postern start has ended');
  expect(existsSync(directory)).toBe(false);
  expect(processesNaming(directory)).toEqual([]);
});

test.each([
  [['--help'], 0, /--once/],
  [['--onec'], 2, /did you mean --once/],
  [['--once', 'more'], 2, /takes no argument/],
])('the command line %j', async (flags, code, shown) => {
  const demo = new Demo(...flags);
  expect(await demo.exitCode()).toBe(code);
  expect(demo.stdout + demo.stderr).toMatch(shown);
});

/** Two ends of a connection. */
async function pair(): Promise<[Socket, Socket]> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const client = connect(typeof address === 'object' && address !== null ? address.port : 0, '127.0.0.1');
  const [accepted] = await once(server, 'connection');
  server.close();
  // Whoever writes may be cut off.
  client.on('error', () => client.destroy());
  return [client, accepted];
}

test('a socket is read line by line and octet by octet, however it was split', async () => {
  const [from, to] = await pair();
  const reader = new SocketReader(to);
  from.write('first\r\nsec');
  expect(await reader.line()).toBe('first');
  from.write('ond\nabc');
  expect(await reader.line()).toBe('second');
  expect((await reader.octets(2))?.toString()).toBe('ab');
  from.end('d');
  expect((await reader.octets(2))?.toString()).toBe('cd');
  expect(await reader.octets(1)).toBeUndefined();
  expect(await reader.line()).toBeUndefined();
  to.destroy();
});

test('a line without an end is handed out in pieces', async () => {
  const [from, to] = await pair();
  from.end(`${'x'.repeat(3 * LINE_OCTETS_MAX)}\r\n`);
  const reader = new SocketReader(to);
  const first = await reader.line();
  expect(first?.length).toBeGreaterThan(LINE_OCTETS_MAX);
  expect(first?.length).toBeLessThan(3 * LINE_OCTETS_MAX);
  to.destroy();
});
