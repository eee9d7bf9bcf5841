import { randomBytes } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { messageOf } from '../../lib/message-of.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { configFlags } from '../config/from-flags.ts';
import { placesIn } from '../config/places.ts';
import type { Config } from '../config/schema.ts';
import { EXIT_FAULT, EXIT_OK, EXIT_USAGE, type FlagValues, runCommand, type Usage } from '../flags.ts';
import { forgetPerson, type Wish } from '../forget/forget-person.ts';
import { newForgetting, personOf } from '../forget/person.ts';
import { formatForgetReport, isWhole } from '../format/forget-report.ts';
import { OPERATOR_TEXT_LENGTH_MAX } from '../gate/panic.ts';
import { operator } from '../io/ask-gate.ts';
import { configurationOf, dataDirectoryOf } from '../io/config-file.ts';
import { settleUnprivileged } from '../io/part.ts';
import { openSiteSecret, type SiteSecret } from '../io/site-secret.ts';

const usage = {
  verb: 'forget',
  summary: 'takes a person out of what was recorded up to now: the event log, the history, the state of the analyzers',
  details: [
    'A pseudonym by chance stands in place of the address from then on, with the same domain; nothing leads back to the address. Counts and',
    'decisions stay as they are. It works while Postern runs and while it does not; what a part that does not run keeps is changed when it',
    'starts next. Not covered: logs of other programs, backups, exports, a SIEM. See docs/privacy.md.',
  ].join('\n'),
  argument: { value: 'mail address', text: 'In any case; details (anna+x@example.com) are found with it.' },
  flags: {
    reason: { value: 'text', text: 'Why; it stands in the event.' },
    account: { value: 'names', text: 'Other names of the accounts of the person, with commas between them.' },
    'dry-run': { text: 'Only counts what would be changed.' },
    json: { text: 'One JSON object.' },
    config: configFlags.config,
    data: configFlags.data,
  },
} as const satisfies Usage;

type Values = FlagValues<(typeof usage)['flags']>;

export const run = (argv: readonly string[]): Promise<number> =>
  runCommand(usage, argv, async (values) => {
    const person = personOf(values.argument ?? '', values.account);
    if (!person.ok) return told(person.error, EXIT_USAGE);
    const isDryRun = values['dry-run'] === true;
    if (values.reason === undefined && !isDryRun)
      return told('--reason is needed: it is what whoever asks later will read', EXIT_USAGE);
    const directory = dataDirectoryOf(values);
    if (!directory.ok) return directory.error;
    const dataDirectory = directory.value;
    const config = configurationOf(values)?.config;
    const by = operator();
    const ready = prepare(dataDirectory, config);
    if (!ready.ok) return told(ready.error, EXIT_FAULT);
    const secret = ready.value;
    const wish: Wish = {
      id: `${Date.now()}-${randomBytes(4).toString('hex')}`,
      by,
      reason: (values.reason ?? '').slice(0, OPERATOR_TEXT_LENGTH_MAX),
      isDryRun,
      dataDirectory,
      config,
      secret,
      forgetting: newForgetting(person.value, secret),
    };
    return forget(wish, values);
  });

async function forget(wish: Wish, { json }: Pick<Values, 'json'>): Promise<number> {
  try {
    const forgotten = await forgetPerson(wish);
    if (!forgotten.ok) return told(forgotten.error, EXIT_FAULT);
    const report = forgotten.value;
    process.stdout.write(json === true ? `${JSON.stringify(report)}\n` : formatForgetReport(report));
    return isWhole(report) ? EXIT_OK : EXIT_FAULT;
  } catch (error) {
    return told(`it is not done as a whole, do it again: ${messageOf(error)}`, EXIT_FAULT);
  }
}

function told(text: string, code: number): number {
  process.stderr.write(`postern: ${text}\n`);
  return code;
}

/**
 * Gives up the rights of root: what is made here must belong to the user that runs Postern.
 *
 * @returns The secret of the site where there is one; or one line for the operator.
 */
function prepare(dataDirectory: string, config: Config | undefined): Result<SiteSecret | undefined, string> {
  const places = placesIn(dataDirectory);
  if (!existsSync(places.log)) return err(`there is no event log in ${dataDirectory}`);
  const settled = config === undefined ? ok(undefined) : settleUnprivileged(config);
  if (!settled.ok) return settled;
  if (process.getuid?.() === 0 && statSync(places.log).uid !== 0)
    return err(`run it as the user that runs Postern, to whom ${dataDirectory} belongs`);
  const named = config?.privacy.secretFile;
  // One that is made now is the secret of nothing that was recorded.
  if (named === undefined && !existsSync(places.siteSecret)) return ok(undefined);
  return openSiteSecret(named, places.siteSecret);
}
