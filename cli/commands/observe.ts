import { configFlags } from '../config/from-flags.ts';
import { placesIn } from '../config/places.ts';
import { EXIT_FAULT, EXIT_OK, EXIT_USAGE, type FlagValues, runCommand, type Usage } from '../flags.ts';
import { formatPanicAnswer } from '../format/panic-answer.ts';
import { type PanicRequest, panicAnswer } from '../gate/management.ts';
import { OPERATOR_TEXT_LENGTH_MAX } from '../gate/panic.ts';
import { askGate, operator } from '../io/ask-gate.ts';
import { dataDirectoryOf } from '../io/config-file.ts';

const usage = {
  verb: 'observe',
  summary: 'the panic switch',
  details: [
    'With --all every rule only observes, but for relay control, framing and hard limits; with --off the rules do again what the',
    'configuration says. The switch holds over a restart, and each turn of it is an event. Without a flag: what is in force.',
  ].join('\n'),
  flags: {
    all: { text: 'Rules only observe from now on.' },
    off: { text: 'Rules act again.' },
    reason: { value: 'text', text: 'Why; it stands in the event.' },
    json: { text: 'One JSON object.' },
    config: configFlags.config,
    data: configFlags.data,
  },
} as const satisfies Usage;

type Values = FlagValues<(typeof usage)['flags']>;

export const run = (argv: readonly string[]): Promise<number> =>
  runCommand(usage, argv, async (values) => {
    const request = requestOf(values);
    if (request === undefined) {
      process.stderr.write('postern: --all and --off at once\n');
      return EXIT_USAGE;
    }
    const directory = dataDirectoryOf(values);
    if (!directory.ok) return directory.error;
    const answer = await askGate(placesIn(directory.value).gateSocket, request, panicAnswer);
    if (answer === undefined) return EXIT_FAULT;
    const text = values.json === true ? `${JSON.stringify(answer)}\n` : formatPanicAnswer(answer, request.verb);
    process.stdout.write(text);
    return answer.ok ? EXIT_OK : EXIT_FAULT;
  });

function requestOf({ all, off, reason }: Values): PanicRequest | undefined {
  if (all === true && off === true) return undefined;
  if (all !== true && off !== true) return { verb: 'state' };
  const why = (reason ?? 'no reason given').slice(0, OPERATOR_TEXT_LENGTH_MAX);
  return { verb: all === true ? 'observe-all' : 'observe-off', by: operator(), reason: why };
}
