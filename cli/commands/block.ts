import { BLOCK_MS_DEFAULT } from '../../blocklist/operator.ts';
import { configFlags } from '../config/from-flags.ts';
import { parseDuration } from '../duration.ts';
import { EXIT_USAGE, runCommand, type Usage } from '../flags.ts';
import { actFlags, actOrTell } from '../io/act.ts';
import { operator } from '../io/ask-gate.ts';

const usage = {
  verb: 'block',
  summary: 'keeps a source out, at every gate, at once',
  details: 'Works while the analyzers are down. What it stops is refused with 554, unless --action says otherwise.',
  argument: {
    value: 'address or range',
    text: 'An IPv4 address, an IPv6 address (its /64 is meant), or a range like 192.0.2.0/24.',
  },
  flags: {
    reason: actFlags.reason,
    for: { value: 'time', text: 'How long: 30m, 4h, 7d; or "ever". Default: 1d.' },
    action: { value: 'action', text: 'slow, defer, refuse or drop. Default: refuse.' },
    json: actFlags.json,
    config: configFlags.config,
    data: configFlags.data,
  },
} as const satisfies Usage;

const actions = ['slow', 'defer', 'refuse', 'drop'] as const;

export const run = (argv: readonly string[]): Promise<number> =>
  runCommand(usage, argv, async (values) => {
    const action = actions.find((each) => each === (values.action ?? 'refuse'));
    const forMs =
      values.for === 'ever' ? undefined : values.for === undefined ? BLOCK_MS_DEFAULT : parseDuration(values.for);
    if (action === undefined || (forMs === undefined && values.for !== 'ever') || values.reason === undefined) {
      const fault =
        action === undefined
          ? '--action is none of slow, defer, refuse, drop'
          : values.reason === undefined
            ? '--reason is needed: it is what whoever asks later will read'
            : '--for is no time: write 30m, 4h, 7d or ever';
      process.stderr.write(`postern: ${fault}\n`);
      return EXIT_USAGE;
    }
    const lasting = forMs === undefined ? {} : { forMs };
    const { argument: value = '', reason } = values;
    return actOrTell(values, { verb: 'block', value, action, by: operator(), reason, ...lasting });
  });
