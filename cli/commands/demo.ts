import { styleText } from 'node:util';
import type { Paint, Tone } from '../demo/paint.ts';
import { EXIT_FAULT, EXIT_OK, EXIT_USAGE, runCommand, type Usage } from '../flags.ts';

const usage = {
  verb: 'demo',
  summary: 'shows what Postern does: a stand-in mail server, the firewall in front of it, and labelled traffic',
  details:
    'Everything runs on free ports of the loopback and in a temporary directory that is removed at the end.\nExit code 0 if every line came out as told, 1 otherwise.',
  flags: {
    once: { text: 'End after the story; otherwise it runs on until Ctrl-C, for you to try.' },
    json: { text: 'Print the table as JSON, and nothing else.' },
    part: { value: 'part', text: 'Only a part of it, as in docker-compose.yml: files, mail-server, traffic.' },
    folder: { value: 'folder', text: 'With --part: where the files of the site are, or messages are kept (.).' },
    gate: { value: 'host', text: 'With --part traffic: where the gate is (127.0.0.1).' },
  },
} as const satisfies Usage;

const formats = { good: 'green', bad: 'red', odd: 'yellow', quiet: 'dim', strong: 'bold' } as const satisfies Record<
  Tone,
  string
>;

/** In colour on a terminal only, and not where NO_COLOR is set. */
const paint: Paint = (tone, text) => styleText(formats[tone], text, { stream: process.stdout });

export const run = (argv: readonly string[]): Promise<number> =>
  runCommand(usage, argv, async (values) => {
    const signal = interruption();
    try {
      if (values.part !== undefined) return await runPart(values.part, values, signal);
      const { runDemo } = await import('../demo/run-demo.ts');
      const options = { once: values.once === true, json: values.json === true, write, paint };
      return (await runDemo(options, signal)) ? EXIT_OK : EXIT_FAULT;
    } catch (error) {
      if (!signal.aborted) process.stderr.write(`postern demo: ${reasonOf(error)}\n`);
      return EXIT_FAULT;
    }
  });

async function runPart(
  name: string,
  { folder = '.', gate = '127.0.0.1' }: { readonly folder?: string; readonly gate?: string },
  signal: AbortSignal,
): Promise<number> {
  const { parts } = await import('../demo/parts.ts');
  const part = Object.hasOwn(parts, name) ? parts[name] : undefined;
  if (part === undefined) {
    process.stderr.write(
      `postern: --part: there is no part ${JSON.stringify(name)}: ${Object.keys(parts).join(', ')}\n`,
    );
    return EXIT_USAGE;
  }
  await part({ folder, gate, write }, signal);
  return EXIT_OK;
}

const write = (text: string): void => {
  process.stdout.write(text);
};

/** Aborted by the first Ctrl-C or signal to end, after which everything is cleared away in order; the second ends at once. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(EXIT_FAULT);
      controller.abort();
    });
  }
  return controller.signal;
}

function reasonOf(error: unknown): string {
  const isMissing = error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
  if (isMissing) return `${error.message}\nThe demo needs the development dependencies: npm install`;
  return error instanceof Error ? error.message : String(error);
}
