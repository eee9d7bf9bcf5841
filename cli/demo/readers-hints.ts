import type { Paint } from './paint.ts';
import type { SetUp } from './set-up.ts';
import { ACCOUNT } from './world.ts';

/** What the reader of the demo can try and look at while it runs. */
export function readersHints({ configFile, ports }: SetUp, mailDirectory: string, paint: Paint): string {
  const swaks = `swaks --server 127.0.0.1:${ports.reader}`;
  const account = `--tls --auth PLAIN --auth-user ${ACCOUNT.user} --auth-password ${ACCOUNT.password}`;
  return [
    '',
    paint('strong', 'Now you'),
    `  ${swaks} --from you@partner.example --to alice@example.com`,
    `  ${swaks} --from you@partner.example --to nobody@example.com`,
    `  ${swaks} --from you@partner.example --to victim@elsewhere.example`,
    `  ${swaks} ${account} --from alice@example.com --to dave@elsewhere.example`,
    '',
    paint('strong', 'Where to look'),
    `  every event          bin/postern tail --config ${configFile}`,
    `  the configuration    ${configFile}`,
    `  metrics and health   http://127.0.0.1:${ports.http}/metrics  http://127.0.0.1:${ports.http}/readyz`,
    `  delivered messages   ${mailDirectory}`,
    '',
    'What you do shows up here. Ctrl-C ends everything and removes all of it.',
  ].join('\n');
}
