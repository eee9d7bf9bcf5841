import { LogUnavailable } from '../log/log-unavailable.ts';
import { EXIT_FAULT, EXIT_OK, EXIT_USAGE } from './flags.ts';
import { saveCompileCache, useCompileCache } from './io/compile-cache.ts';
import { nearestWord } from './nearest.ts';
import { version } from './version.ts';

interface Command {
  readonly summary: string;
  /** Loaded only when asked for: `check` should not wait for what `gate` needs. */
  readonly load: () => Promise<{ run(argv: readonly string[]): Promise<number> }>;
}

const commands: ReadonlyMap<string, Command> = new Map([
  ['start', { summary: 'run everything on this machine', load: () => import('./commands/start.ts') }],
  ['gate', { summary: 'run one gate: the part that takes connections', load: () => import('./commands/gate.ts') }],
  ['log', { summary: 'run the event log: the part that owns its files', load: () => import('./commands/log.ts') }],
  ['ship', { summary: 'send the log of this machine to Kafka', load: () => import('./commands/ship.ts') }],
  ['store', { summary: 'run the store: the part that keeps the history', load: () => import('./commands/store.ts') }],
  ['siem', { summary: 'send events to a SIEM', load: () => import('./commands/siem.ts') }],
  ['web', { summary: 'run the console: the part that serves a browser', load: () => import('./commands/web.ts') }],
  ['analyze', { summary: 'run the analyzers: the part that decides', load: () => import('./commands/analyze.ts') }],
  [
    'check',
    {
      summary: 'check the configuration and its files: every fault at once',
      load: () => import('./commands/check.ts'),
    },
  ],
  ['tail', { summary: 'follow the events', load: () => import('./commands/tail.ts') }],
  [
    'observe',
    { summary: 'the panic switch: stop refusing, go on recording', load: () => import('./commands/observe.ts') },
  ],
  ['why', { summary: 'the chain behind a refusal or a decision', load: () => import('./commands/why.ts') }],
  ['list', { summary: 'the decisions in force', load: () => import('./commands/list.ts') }],
  ['block', { summary: 'keep a source out', load: () => import('./commands/block.ts') }],
  ['allow', { summary: 'let a source through whatever is decided', load: () => import('./commands/allow.ts') }],
  ['unblock', { summary: 'end every decision about a source', load: () => import('./commands/unblock.ts') }],
  [
    'report',
    { summary: 'what was refused, and what decisions would have refused', load: () => import('./commands/report.ts') },
  ],
  ['replay', { summary: 'make every decision once more, and compare', load: () => import('./commands/replay.ts') }],
  [
    'forget',
    { summary: 'take a person out of what was recorded up to now', load: () => import('./commands/forget.ts') },
  ],
  ['demo', { summary: 'a stand-in mail server, the firewall, and a story', load: () => import('./commands/demo.ts') }],
]);

function help(): string {
  const width = Math.max(...[...commands.keys()].map((verb) => verb.length)) + 3;
  return [
    'Postern, a firewall for mail servers.',
    '',
    'Usage: postern <command> [flags]',
    '',
    ...[...commands].map(([verb, { summary }]) => `  ${verb.padEnd(width)}${summary}`),
    '',
    'postern <command> --help explains the flags of a command. Exit codes: 0 well, 1 not well, 2 wrong command line.',
    '',
  ].join('\n');
}

async function main(argv: readonly string[]): Promise<number> {
  const [verb, ...rest] = argv;
  if (verb === undefined) {
    process.stderr.write(help());
    return EXIT_USAGE;
  }
  if (verb === '--help' || verb === '-h' || verb === 'help') {
    process.stdout.write(help());
    return EXIT_OK;
  }
  if (verb === '--version') {
    process.stdout.write(`postern ${version()} (Node ${process.version})\n`);
    return EXIT_OK;
  }
  const command = commands.get(verb);
  if (command !== undefined) return runCommand(verb, command, rest);
  const near = nearestWord(verb, commands.keys());
  process.stderr.write(
    `postern: unknown command ${verb}${near === undefined ? '' : `; did you mean ${near}?`}\nSee postern --help\n`,
  );
  return EXIT_USAGE;
}

async function runCommand(verb: string, { load }: Command, argv: readonly string[]): Promise<number> {
  try {
    const { run } = await load();
    saveCompileCache();
    return await run(argv);
  } catch (error) {
    if (error instanceof LogUnavailable) {
      process.stderr.write(`postern: the event log cannot be read: ${error.message}\n`);
      return EXIT_FAULT;
    }
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
    if (!isMissing) throw error;
    process.stderr.write(`postern: ${verb} is not part of this installation: ${error.message}\n`);
    return EXIT_FAULT;
  }
}

useCompileCache();

// Whoever reads our output may leave first: `postern tail | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? EXIT_OK : 1));

process.exitCode = await main(process.argv.slice(2));
