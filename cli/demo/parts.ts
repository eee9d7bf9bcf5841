import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeSiteFiles, siteFilesIn } from './files.ts';
import { MailStore } from './mail-store.ts';
import { OldServer } from './old-server.ts';
import { playTraffic } from './traffic.ts';
import { untilAborted } from './until-aborted.ts';
import { STORY_PORTS } from './world.ts';

/** Messages that a mail server of its own keeps. */
export const MAILS_KEPT_MAX = 100;
/** Where it listens in a container. */
export const MAIL_SERVER_PORT = 2525;

export interface PartOptions {
  /** Files of the site, or messages of the mail server. */
  readonly folder: string;
  /** Host of the gate. */
  readonly gate: string;
  readonly write: (text: string) => void;
}

type Part = (options: PartOptions, signal: AbortSignal) => Promise<void>;

/** Parts of the demo that run alone, each in a container of its own. */
export const parts: Readonly<Record<string, Part>> = {
  files: ({ folder }) => makeSiteFiles(folder),
  'mail-server': async ({ folder, write }, signal) => {
    const store = await MailStore.open(join(folder, 'mail'), MAILS_KEPT_MAX);
    await using server = await OldServer.listen(store, { host: '0.0.0.0', port: MAIL_SERVER_PORT });
    write(`the mail server behind listens on port ${server.port}\n`);
    await untilAborted(signal);
  },
  traffic: async ({ folder, gate, write }, signal) => {
    const certificate = readFileSync(siteFilesIn(folder).certificate, 'utf8');
    const stage = { host: gate, ports: { ...STORY_PORTS, 'server behind': MAIL_SERVER_PORT }, certificate };
    const told = (id: string, source: string, fault: string | undefined): void =>
      write(`${id} from ${source}${fault === undefined ? '' : `: ${fault}`}\n`);
    await playTraffic({ stage, told }, signal);
  },
};
