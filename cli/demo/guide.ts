import type { Paint } from './paint.ts';
import type { SetUp } from './set-up.ts';
import { ACCOUNT } from './world.ts';

/** What is about to be seen. */
export const introduction = ({ configFile, ports }: SetUp, paint: Paint): string =>
  [
    paint('strong', 'Postern in front of an old mail server'),
    `  the server behind    a stand-in on port ${ports.server} that believes everything and keeps what it is given`,
    `  the firewall         postern start --config ${configFile}`,
    '  the clients          each with an address of its own, which a PROXY header names',
    '',
    `${paint('strong', '>')} is what a client does; the lines below it are read from the event log as it is written.`,
  ].join('\n');

/** Where the story can be seen in a browser while it is told. */
export const consoleHint = (address: string, paint: Paint): string =>
  ['', `${paint('strong', 'The console')}, with the token of an operator:`, `  ${address}`].join('\n');

/** What the reader of the demo can try and look at while it runs. */
export function readersHints(
  { configFile, ports }: SetUp,
  mailDirectory: string,
  consoleAddress: string | undefined,
  paint: Paint,
): string {
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
    ...(consoleAddress === undefined ? [] : [`  in a browser         ${consoleAddress}`]),
    `  every event          bin/postern tail --from-start --config ${configFile}`,
    `  who was stopped      bin/postern list --config ${configFile}`,
    `  and why              bin/postern why 203.0.113.110 --config ${configFile}`,
    `  the configuration    ${configFile}`,
    `  metrics and health   http://127.0.0.1:${ports.http}/metrics  http://127.0.0.1:${ports.http}/readyz`,
    `  delivered messages   ${mailDirectory}`,
    '',
    'What you do shows up here. Ctrl-C ends everything and removes all of it.',
  ].join('\n');
}
