import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { certificateFor } from '../support/certificates.ts';
import { describeNeeds } from '../support/needs.ts';

/**
 * What the README promises, done: every block of it behind a comment `<!-- readme test: … -->` is run in a clean copy of the
 * repository, in order, as its reader would. The comment says what is to come of it:
 *
 * - `exit N`: the commands end, with this code;
 * - `until "text"`: they print this, and are then ended with Ctrl-C;
 * - `background until "text"`: they print this, and run on;
 * - `printed`: the block is what the commands before it printed, among other lines;
 * - `file NAME`: the block is a file.
 */
interface Block {
  readonly directive: string;
  readonly text: string;
}

const root = join(import.meta.dirname, '..', '..');

/** Where the README says that a mail server listens. */
const SERVER_PORT = 2525;
/** Ports that the README uses: the server, the gate, metrics, history, console. */
const PORTS = [SERVER_PORT, 2526, 9725, 8123, 9780];
/** Longest time for one block, `npm ci` and the demo included, milliseconds. */
const BLOCK_MS_MAX = 170_000;

const readme = readFileSync(join(root, 'README.md'), 'utf8');
const blocks: readonly Block[] = [...readme.matchAll(/<!-- readme test: (.+?) -->\n+```\w+\n([\s\S]*?)```/g)].map(
  ([, directive = '', text = '']) => ({ directive, text }),
);

/** Commands as one `bash`, and everything they print. */
class Shell {
  output = '';
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;

  constructor(commands: string, cwd: string) {
    this.#child = spawn('bash', ['-e', '-u', '-o', 'pipefail', '-c', commands], {
      cwd,
      env: readersEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    }
    this.#ended = new Promise((resolve) => this.#child.once('close', resolve));
  }

  ended(): Promise<number | null> {
    return this.#ended;
  }

  async untilPrinted(text: string): Promise<void> {
    let isOver = false;
    void this.#ended.then(() => {
      isOver = true;
    });
    while (!this.output.includes(text)) {
      if (isOver) throw new Error(`ended without printing ${text}:\n${this.output}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Ctrl-C. */
  async interrupt(): Promise<void> {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, 'SIGINT');
    await this.#ended;
  }
}

/** The environment of a reader: neither our Node in the PATH nor what `npm run` has set. */
function readersEnvironment(): NodeJS.ProcessEnv {
  const kept = /^npm_config_(registry|cache|userconfig|cafile)$/;
  const entries = Object.entries(process.env).filter(([name]) => !name.startsWith('npm_') || kept.test(name));
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  return { ...Object.fromEntries(entries), PATH: path.join(delimiter), npm_config_prefer_offline: 'true' };
}

/** What git knows of, and what would be added to it: what somebody else gets. */
async function cleanCopy(target: string): Promise<void> {
  const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root });
  const files = list.toString().split('\0');
  for (const file of files) {
    if (file !== '' && existsSync(join(root, file))) await cp(join(root, file), join(target, file));
  }
}

async function assertFree(port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) =>
      reject(new Error(`the README uses port ${port}, which is taken: ${error.message}`)),
    );
    server.listen(port, '127.0.0.1', () => server.close(() => resolve()));
  });
}

/** What differs from one run to the next. */
const alike = (line: string): string =>
  line
    .replace(/\b[0-9A-HJKMNP-TV-Z]{26}\b/g, 'REFERENCE')
    .replace(/\b\d\d:\d\d:\d\d\.\d{3}\b/g, 'TIME')
    .trimEnd();

/** The lines, in their order, each a line of the output or a part of one. */
function expectPrinted(output: string, lines: readonly string[]): void {
  const printed = output.split('\n').map(alike);
  let from = 0;
  for (const line of lines) {
    const at = printed.findIndex((candidate, index) => index >= from && candidate.includes(alike(line)));
    expect(at, `${line}\nis not printed in:\n${output}`).toBeGreaterThanOrEqual(from);
    from = at + 1;
  }
}

test('the README has blocks to try, from installing to a refusal', () => {
  const text = blocks.map((block) => block.text).join('\n');
  for (const needed of ['npm ci', 'npm run demo', 'bin/postern start', 'swaks', '554 5.7.1', 'bin/postern tail'])
    expect(text).toContain(needed);
});

describeNeeds(['bash', 'git', 'npm', 'swaks'], 'README', () => {
  const background: Shell[] = [];
  let folder = '';
  let server: SMTPServer | undefined;
  let output = '';
  /** Why nothing more can be tried. */
  let failed: string | undefined;

  beforeAll(async () => {
    for (const port of PORTS) await assertFree(port);
    folder = await mkdtemp(join(tmpdir(), 'postern-readme-'));
    await cleanCopy(folder);
    const { certificate, key } = await certificateFor('mx.example.com');
    await writeFile(join(folder, 'fullchain.pem'), certificate);
    await writeFile(join(folder, 'privkey.pem'), key, { mode: 0o600 });
    const standIn = new SMTPServer({
      authOptional: true,
      disabledCommands: ['AUTH', 'STARTTLS'],
      hideENHANCEDSTATUSCODES: false,
    });
    server = standIn;
    await new Promise<void>((resolve) => standIn.listen(SERVER_PORT, '127.0.0.1', resolve));
  }, 60_000);

  afterAll(async () => {
    for (const shell of background) await shell.interrupt();
    await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(resolve)));
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  async function tryBlock({ directive, text }: Block): Promise<void> {
    const [, kind, value = ''] = /^(exit|until|background until|file|printed)\s*(.*)$/.exec(directive) ?? [];
    const wanted = value.replace(/^"|"$/g, '');
    if (kind === 'file') return writeFile(join(folder, wanted), text);
    if (kind === 'printed') return expectPrinted(output, text.trimEnd().split('\n'));
    const shell = new Shell(text, folder);
    if (kind === 'background until') background.push(shell);
    if (kind === 'exit') expect(await shell.ended(), shell.output).toBe(Number(wanted));
    else await shell.untilPrinted(wanted);
    if (kind === 'until') await shell.interrupt();
    ({ output } = shell);
  }

  test.each(blocks.map((block) => ({ ...block, title: `${block.directive}: ${block.text.split('\n', 1)[0]}` })))(
    '$title',
    async (block) => {
      expect(failed, 'a block before this one failed').toBeUndefined();
      failed = block.directive;
      await tryBlock(block);
      failed = undefined;
    },
    BLOCK_MS_MAX,
  );
});
