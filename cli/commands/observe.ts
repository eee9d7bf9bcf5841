import { userInfo } from 'node:os';
import { configFlags } from '../config/from-flags.ts';
import { placesIn } from '../config/places.ts';
import { EXIT_FAULT, EXIT_OK, EXIT_USAGE, type FlagValues, runCommand, type Usage } from '../flags.ts';
import { formatPanicAnswer } from '../format/panic-answer.ts';
import { type ManagementAnswer, type ManagementRequest, PANIC_TEXT_LENGTH_MAX, readAnswer } from '../gate/panic.ts';
import { dataDirectoryOf } from '../io/config-file.ts';
import { askLine } from '../io/line-socket.ts';

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
    const answer = await ask(placesIn(directory.value).gateSocket, request);
    if (answer === undefined) return EXIT_FAULT;
    const text = values.json === true ? `${JSON.stringify(answer)}\n` : formatPanicAnswer(answer, request.verb);
    process.stdout.write(text);
    return answer.ok ? EXIT_OK : EXIT_FAULT;
  });

function requestOf({ all, off, reason }: Values): ManagementRequest | undefined {
  if (all === true && off === true) return undefined;
  if (all !== true && off !== true) return { verb: 'state' };
  const why = (reason ?? 'no reason given').slice(0, PANIC_TEXT_LENGTH_MAX);
  return { verb: all === true ? 'observe-all' : 'observe-off', by: operator(), reason: why };
}

/** Who gave the command: the user before sudo, if there was one. */
function operator(): string {
  const { SUDO_USER } = process.env;
  return (SUDO_USER ?? userInfo().username).slice(0, PANIC_TEXT_LENGTH_MAX);
}

async function ask(socket: string, request: ManagementRequest): Promise<ManagementAnswer | undefined> {
  const line = await askLine(socket, JSON.stringify(request));
  const answer = line.ok ? readAnswer(line.value) : undefined;
  const reason = line.ok ? 'its answer is none' : line.error;
  if (answer === undefined) process.stderr.write(`postern: no gate answers on ${socket}: ${reason}\n`);
  return answer;
}
