import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Role } from '../../console/credentials.ts';
import { ConsoleServer } from '../../console/io/console-server.ts';
import { PageFiles } from '../../console/io/page-files.ts';
import { QueuedHistory } from '../../console/io/queued-history.ts';
import { Tokens } from '../../console/io/tokens.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { ClickHouseHistory } from '../../store/io/clickhouse-history.ts';
import { configFlags } from '../config/from-flags.ts';
import { type Places, placesIn } from '../config/places.ts';
import { EXIT_FAULT, EXIT_OK, runCommand, type Usage } from '../flags.ts';
import { type Rank, standBehindMail } from '../io/behind-mail.ts';
import { type Configured, configurationOrTell } from '../io/config-file.ts';
import type { OperatorLog } from '../io/logger.ts';
import { awaitWholeLog } from '../io/open-log.ts';
import { runPart, settleUnprivileged } from '../io/part.ts';
import { reachable, readAddress, writeAddress } from '../io/part-address.ts';
import { onStop, tellReady } from '../io/supervised.ts';
import { makeWebTokens, tokenIn, webToken } from '../io/web-tokens.ts';
import { historyServer } from '../store/history-server.ts';
import { consolePorts } from '../web/console-ports.ts';

const usage = {
  verb: 'web',
  summary: 'serves the console: dashboards, live events, sessions and the blocklist in a browser',
  details: [
    'Mail never waits for it. Whoever has the token of viewers may look; that of operators lets block and allow as well.',
    '--link prints the address with the token in it, for the browser of this machine, and ends.',
  ].join('\n'),
  flags: {
    link: { text: 'Prints the address with the token of viewers in it.' },
    operator: { text: 'With --link: with the token of operators.' },
    ...configFlags,
  },
} as const satisfies Usage;

/** It must not slow down mail. */
const RANK: Rank = { niceness: 10, isIdle: false, outOfMemoryScore: 500 };
/** How long the common log may take to answer a browser, milliseconds: then it is told so. */
const LOG_MS_MAX = 20_000;
const OFF = '`web.kind` is `off` in the configuration: there is no console';
const PAGE = fileURLToPath(new URL('../../console/page/', import.meta.url));

export const run = (argv: readonly string[]): Promise<number> =>
  runCommand(usage, argv, async (values) => {
    if (values.link !== true) return runPart({ name: 'web', cannotRun: 'the console cannot run', run: serve }, values);
    const role = values.operator === true ? 'operator' : 'viewer';
    let link: Result<string, string>;
    if (values.data !== undefined && values.upstream === undefined) {
      const places = placesIn(resolve(values.data));
      link = linkTo(places, tokenIn(places, role));
    } else {
      const configured = configurationOrTell(values);
      if (!configured.ok) return configured.error;
      link = linkOf(configured.value, role);
    }
    if (link.ok) process.stdout.write(`${link.value}\n`);
    else process.stderr.write(`postern: ${link.error}\n`);
    return link.ok ? EXIT_OK : EXIT_FAULT;
  });

function linkOf(configured: Configured, role: Role): Result<string, string> {
  const { web, dataDirectory } = configured.config;
  if (web.kind === 'off') return err(OFF);
  const places = placesIn(dataDirectory);
  return linkTo(places, webToken(configured, places, role));
}

function linkTo({ webAddress }: Places, token: Result<string, string>): Result<string, string> {
  const url = readAddress(webAddress);
  if (url === undefined) return err(`the console has not been started yet: there is no ${webAddress}`);
  return token.ok ? ok(`${url}/?token=${token.value}`) : token;
}

async function serve(configured: Configured, logger: OperatorLog): Promise<Result<undefined, string>> {
  const { config } = configured;
  if (config.web.kind === 'off') return err(OFF);
  standBehindMail(RANK, logger);
  // The program may be for root alone to read.
  const page = PageFiles.read(PAGE);
  if (!page.ok) return page;
  const settled = settleUnprivileged(config);
  if (!settled.ok) return settled;
  const stopped = new AbortController();
  onStop((reason) => stopped.abort(reason));
  const places = placesIn(config.dataDirectory);
  const tokens = tokensOf(configured, places);
  if (!tokens.ok) return tokens;
  const openedLog = await awaitWholeLog(configured, logger, stopped.signal, LOG_MS_MAX);
  if (openedLog === undefined) return ok(undefined);
  await using log = openedLog;
  await using history = new ClickHouseHistory(() => historyServer(configured, places));
  const { address, port } = config.web;
  const opened = await ConsoleServer.open({
    address,
    port,
    tokens: tokens.value,
    page: page.value,
    ports: consolePorts({ configured, places, log, history: new QueuedHistory(history) }),
    log,
    trouble: (what, details) => logger.warn(details, what),
  });
  if (!opened.ok) return opened;
  await using console = opened.value;
  const url = `http://${reachable(address)}:${console.port}`;
  const written = writeAddress(places.webAddress, url);
  if (!written.ok) logger.warn({ fault: written.error }, '`postern web --link` will not know the address');
  tellWhere(configured, places, url, logger);
  tellReady();
  await new Promise((resolve) => {
    if (stopped.signal.aborted) resolve(undefined);
    stopped.signal.addEventListener('abort', resolve, { once: true });
  });
  logger.info({ reason: String(stopped.signal.reason) }, 'the console has stopped');
  return ok(undefined);
}

function tokensOf(configured: Configured, places: Places): Result<Tokens, string> {
  const made = makeWebTokens(configured, places);
  if (!made.ok) return made;
  const viewer = webToken(configured, places, 'viewer');
  if (!viewer.ok) return viewer;
  const operator = webToken(configured, places, 'operator');
  if (!operator.ok) return operator;
  if (viewer.value === operator.value) return err('web: viewers and operators have the same token');
  return ok(new Tokens({ viewer: viewer.value, operator: operator.value }));
}

/** Where, and where the tokens are; never a token. */
function tellWhere({ config }: Configured, places: Places, url: string, logger: OperatorLog): void {
  const { viewerToken, operatorToken, address } = config.web;
  const tokens = {
    ...(viewerToken === undefined ? { viewerToken: places.viewerToken } : {}),
    ...(operatorToken === undefined ? { operatorToken: places.operatorToken } : {}),
  };
  if (!/^(?:127\.|::1$)/.test(address))
    logger.warn({ address }, 'the console can be reached from other machines, without TLS');
  logger.info(tokens, `the console is at ${url}`);
}
