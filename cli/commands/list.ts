import type { DecisionMade } from '../../events/decision.ts';
import { configFlags } from '../config/from-flags.ts';
import { EXIT_FAULT, EXIT_OK, runCommand, type Usage } from '../flags.ts';
import { decisionLine } from '../format/decision-line.ts';
import { modesNote } from '../format/modes-note.ts';
import { dataDirectoryOf } from '../io/config-file.ts';
import { openLogOrTell } from '../io/open-log.ts';
import { lastDecisions } from '../io/read-decisions.ts';
import { modesInUse } from '../watch/modes-in-use.ts';

const usage = {
  verb: 'list',
  summary: 'the decisions in force',
  details: [
    'Read from the event log: it works whatever else is running.',
    'Which scenarios act is in the configuration; without one the gate is asked. In JSON `modes` says where that is from, and',
    '`observed` is null where it is not known.',
  ].join('\n'),
  flags: {
    scenario: { value: 'scenario', text: 'Only decisions of this scenario; `operator` for those of people.' },
    enforced: { text: 'Only decisions that act, or may; not those that only observe.' },
    all: { text: 'Those that are over as well.' },
    json: { text: 'One JSON object a line.' },
    config: configFlags.config,
    data: configFlags.data,
  },
} as const satisfies Usage;

export const run = (argv: readonly string[]): Promise<number> =>
  runCommand(usage, argv, async (values) => {
    const directory = dataDirectoryOf(values);
    if (!directory.ok) return directory.error;
    await using log = await openLogOrTell(values, directory.value);
    if (log === undefined) return EXIT_FAULT;
    const { source, isObserved } = await modesInUse(values, directory.value);
    const nowMs = Date.now();
    const wanted = ({ origin, scenario }: DecisionMade): boolean =>
      values.scenario === undefined || values.scenario === (origin === 'operator' ? 'operator' : scenario);
    const decisions = (await lastDecisions(log))
      .filter((decision) => decision.type === 'decision-made')
      .filter((decision) => (values.all === true || nowMs < decision.until) && wanted(decision))
      .filter((decision) => values.enforced !== true || isObserved(decision) !== true)
      .sort((a, b) => b.at - a.at);
    const isAutomatic = decisions.some(({ origin }) => origin === 'analyzer');
    if (isAutomatic && values.json !== true) process.stdout.write(modesNote(source));
    for (const decision of decisions) {
      const line =
        values.json === true
          ? JSON.stringify({ ...decision, observed: isObserved(decision), modes: source })
          : decisionLine(decision, isObserved(decision), nowMs);
      process.stdout.write(`${line}\n`);
    }
    if (decisions.length === 0 && values.json !== true) process.stdout.write('No decision is in force.\n');
    return EXIT_OK;
  });
