import { refused } from '../../console/answer.ts';
import { decisionsInForce } from '../../console/blocklist-list.ts';
import type { EventChoice } from '../../console/event-stream.ts';
import type { ConsolePorts } from '../../console/ports.ts';
import { listSettings } from '../../console/settings-list.ts';
import { eventSchemas } from '../../events/event.ts';
import { err, ok } from '../../lib/result.ts';
import type { Appender } from '../../log/appender.ts';
import type { EventLog } from '../../log/event-log.ts';
import type { History } from '../../store/history.ts';
import { identityOf } from '../config/assemble.ts';
import { schemaAt } from '../config/json-schema.ts';
import type { Places } from '../config/places.ts';
import { readSource } from '../config/source.ts';
import { eventFilter } from '../format/event-filter.ts';
import type { Configured } from '../io/config-file.ts';
import { thisMachine } from '../io/machine.ts';
import { hasCommonLogOnly } from '../io/open-log.ts';
import { lastDecisions } from '../io/read-decisions.ts';
import { version } from '../version.ts';
import { type ModesInUse, modesOf } from '../watch/modes-in-use.ts';
import { gatherWhy } from '../why/gather.ts';
import { subjectOf } from '../why/subject.ts';
import { actAtEveryGate, actAtGate } from './act-at-gate.ts';
import { sessionInLog } from './session-in-log.ts';

interface Product {
  readonly configured: Configured;
  readonly places: Places;
  readonly log: EventLog & Appender;
  readonly history: History;
}

/** The console's questions, answered as the commands of the same names answer them. */
export function consolePorts({ configured, places, log, history }: Product): ConsolePorts {
  const { config } = configured;
  const { site, gate } = identityOf(config, thisMachine());
  const modes: ModesInUse = modesOf('configuration', config.watch.scenarios);
  const said = readSource(configured.text, configured.file ?? '').value;
  const settings = listSettings(config, (path, value) => !isSaid(said, path) || isDefault(path, value));
  return {
    subject: { site, gate, version: version() },
    history,
    sessionInLog: async (sid) => ok(await sessionInLog(log, sid)),
    blocklist: async (ip) => decisionsInForce(await lastDecisions(log), modes.isObserved, ip, Date.now()),
    why: async (text) => {
      const subject = subjectOf(text.trim());
      return subject === undefined
        ? err(refused(400, 'That is no address, range, reference, session or decision.'))
        : ok(await gatherWhy({ log, history }, subject, modes, Date.now()));
    },
    act: (act) =>
      hasCommonLogOnly(configured, config.dataDirectory)
        ? actAtEveryGate(config, log, act)
        : actAtGate(places.gateSocket, act),
    settings: () => settings,
    filterOf,
  };
}

/** Does the configuration as it was written have the setting? Some defaults depend on other settings. */
function isSaid(said: unknown, path: readonly PropertyKey[]): boolean {
  let at = said;
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return false;
    at = Reflect.get(at, key);
  }
  return true;
}

/** It was said, and is what it would be without. */
function isDefault(path: readonly PropertyKey[], value: unknown): boolean {
  const schema = schemaAt(path);
  return schema !== undefined && 'default' in schema && JSON.stringify(schema.default) === textOf(value);
}

/** Addresses of networks are numbers that JSON does not have; none is a default. */
const textOf = (value: unknown): string | undefined =>
  JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? String(each) : each));

function filterOf({ ip, rule, type }: EventChoice): ReturnType<ConsolePorts['filterOf']> {
  if (type !== undefined && !Object.hasOwn(eventSchemas, type)) return err(`There is no event of the type ${type}.`);
  const filter = eventFilter({
    ...(ip === undefined ? {} : { ip }),
    ...(rule === undefined ? {} : { rule }),
    ...(type === undefined ? {} : { type }),
  });
  return filter.ok ? filter : err('That is neither an address nor a network.');
}
