import { configFlags } from '../config/from-flags.ts';
import { runCommand, type Usage } from '../flags.ts';
import { actFlags, actOrTell } from '../io/act.ts';
import { operator } from '../io/ask-gate.ts';

const usage = {
  verb: 'unblock',
  summary: 'ends every decision about a source, at every gate, at once; it starts at zero',
  details: 'It may be decided about again when it goes on: postern allow keeps decisions from it.',
  argument: {
    value: 'address or range',
    text: 'An IPv4 address, an IPv6 address (its /64 is meant), or a range and all in it.',
  },
  flags: {
    reason: actFlags.reason,
    json: actFlags.json,
    config: configFlags.config,
    data: configFlags.data,
  },
} as const satisfies Usage;

export const run = (argv: readonly string[]): Promise<number> =>
  runCommand(usage, argv, async (values) => {
    const { argument: value = '', reason = 'no reason given' } = values;
    return actOrTell(values, { verb: 'unblock', value, by: operator(), reason });
  });
