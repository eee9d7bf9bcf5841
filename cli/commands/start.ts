import { fileURLToPath } from 'node:url';
import { configArguments, configFlags } from '../config/from-flags.ts';
import { EXIT_USAGE, runCommand, type Usage } from '../flags.ts';
import { configurationOrTell, readConfiguration } from '../io/config-file.ts';
import { endOnCrash } from '../io/crash.ts';
import { openLogger } from '../io/logger.ts';
import { onEndSignal, onHangUp } from '../io/supervised.ts';
import { type Part, Supervisor } from '../io/supervisor.ts';
import { version } from '../version.ts';

const partNames = ['log', 'ship', 'analyze', 'siem', 'store', 'web', 'gate'] as const;

const usage = {
  verb: 'start',
  summary: 'runs everything on this machine',
  details: [
    'With a configuration file, or for a first look without one:',
    '    postern start --upstream 192.0.2.10:25 --domains example.com --listen 0.0.0.0:2525 --data ./data',
    'SIGHUP reads the configuration again, SIGTERM lets sessions end and stops. A part that dies is started again.',
  ].join('\n'),
  flags: {
    only: { value: 'parts', text: `Only these parts, with commas between them: ${partNames.join(', ')}.` },
    ...configFlags,
  },
} as const satisfies Usage;

/** What is being sent on arrives, or is given up, milliseconds. */
const SHIP_STOP_MS = 5000;
/** The store ends the insert that it is at, milliseconds. */
const STORE_STOP_MS = 10_000;
const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));

export const run = (argv: readonly string[]): Promise<number> =>
  runCommand(usage, argv, async (values) => {
    const configured = configurationOrTell(values);
    if (!configured.ok) return configured.error;
    let { config } = configured.value;
    const logger = openLogger('start', config.logging.level);
    endOnCrash('start');
    const wanted = values.only?.split(',').map((name) => name.trim());
    const unknown = wanted?.find((name) => !partNames.some((each) => each === name));
    if (unknown !== undefined) {
      process.stderr.write(
        `postern: --only: there is no part ${JSON.stringify(unknown)}; there are ${partNames.join(', ')}\n`,
      );
      return EXIT_USAGE;
    }
    const part = (name: (typeof partNames)[number], stopMs: () => number, isSpare = false): readonly Part[] =>
      wanted?.includes(name) === false
        ? []
        : [{ name, argv: [MAIN, name, ...configArguments(values)], stopMs, isSpare }];
    const supervisor = new Supervisor({
      logger,
      parts: [
        ...part('log', () => 0),
        ...(config.log.kind === 'kafka' ? part('ship', () => SHIP_STOP_MS, true) : []),
        ...part('analyze', () => 0, true),
        ...(config.siem.kind === 'off' ? [] : part('siem', () => 0, true)),
        ...(config.store.kind === 'none' ? [] : part('store', () => STORE_STOP_MS, true)),
        ...(config.web.kind === 'off' ? [] : part('web', () => 0, true)),
        ...part('gate', () => config.drainDelayMs + config.shutdownGraceMs),
      ],
    });
    let asked = 0;
    onEndSignal((signal) => {
      asked += 1;
      if (asked === 1) logger.info({ signal }, 'stopping: sessions may end; once more to end them now');
      if (asked === 2) supervisor.hurry();
      if (asked > 2) supervisor.kill();
      void supervisor.stop(0);
    });
    onHangUp(() => {
      const changed = readConfiguration(values);
      // The gate tells of faults.
      if (changed.ok) config = changed.value.config;
      supervisor.signal('gate', 'SIGHUP');
    });
    logger.info({ version: version(), config: configured.value.file ?? 'the command line' }, 'Postern starts');
    return supervisor.run();
  });
