import { configFlags } from '../config/from-flags.ts';
import { parseDuration } from '../duration.ts';
import { EXIT_USAGE, runCommand, type Usage } from '../flags.ts';
import { actFlags, actOrTell } from '../io/act.ts';
import { operator } from '../io/ask-gate.ts';

const usage = {
  verb: 'allow',
  summary: 'lets a source through whatever the analyzers decide, at every gate, at once',
  details: [
    'It ends what is in force about the source and keeps further decisions from it, those about a range around it too. It exempts',
    'from decisions only: relay control, limits and all other rules stay.',
  ].join('\n'),
  argument: {
    value: 'address or range',
    text: 'An IPv4 address, an IPv6 address (its /64 is meant), or a range like 192.0.2.0/24.',
  },
  flags: {
    reason: actFlags.reason,
    for: { value: 'time', text: 'How long: 30m, 4h, 7d. Default: for good.' },
    off: { text: 'Ends an allow.' },
    json: actFlags.json,
    config: configFlags.config,
    data: configFlags.data,
  },
} as const satisfies Usage;

export const run = (argv: readonly string[]): Promise<number> =>
  runCommand(usage, argv, async (values) => {
    const { argument: value = '', off, reason } = values;
    const forMs = values.for === undefined ? undefined : parseDuration(values.for);
    const isWrongTime = values.for !== undefined && forMs === undefined;
    if (isWrongTime || (reason === undefined && off !== true)) {
      process.stderr.write(
        `postern: ${isWrongTime ? '--for is no time: write 30m, 4h or 7d' : '--reason is needed: it is what whoever asks later will read'}\n`,
      );
      return EXIT_USAGE;
    }
    const act = { value, by: operator(), reason: reason ?? 'no reason given' };
    const lasting = forMs === undefined ? {} : { forMs };
    return actOrTell(values, off === true ? { verb: 'disallow', ...act } : { verb: 'allow', ...act, ...lasting });
  });
