import { join } from 'node:path';

/** Where each part keeps its files in the data directory. */
export interface Places {
  readonly log: string;
  /** Socket of the log process. */
  readonly logSocket: string;
  /** Names the log of this machine where it is sent on, and goes with it. */
  readonly spoolId: string;
  /** Which decisions of the common log this machine has. */
  readonly mirrored: string;
  /** When this machine last had every decision of the common log. */
  readonly mirroredAt: string;
  /** How far the log of this machine has been sent on. */
  readonly shipProgress: string;
  /** Management socket of the gate. */
  readonly gateSocket: string;
  /** How far the analyzers have read. */
  readonly progress: string;
  /** The embedded database with history. */
  readonly store: string;
  /** The password of its HTTP interface, where the configuration names none. */
  readonly storeHttpKey: string;
  /** Where its HTTP interface is, while that is open. */
  readonly storeAddress: string;
  /** What its writer was about to insert. */
  readonly storeJournal: string;
  /** How far it has read. */
  readonly storeProgress: string;
  /** Tokens of the console, where the configuration names none. */
  readonly viewerToken: string;
  readonly operatorToken: string;
  /** Where the console is. */
  readonly webAddress: string;
  /** State of the panic switch. */
  readonly panic: string;
  /** Sources whose mail was accepted. */
  readonly history: string;
  /** Addresses that mail went out with, as keyed hashes. */
  readonly senders: string;
  /** State of the detectors. */
  readonly watch: string;
  /** Who is to be forgotten by parts that do not run. */
  readonly forget: string;
  /** The decisions in force when they were last written down. */
  readonly blocklist: string;
  /** The secret of the site, where the configuration names none. */
  readonly siteSecret: string;
  /** Key of the day for the fingerprints of passwords. */
  readonly credentialKey: string;
  /** Copies of the last good lists. */
  readonly lists: string;
}

export const placesIn = (dataDirectory: string): Places => ({
  log: join(dataDirectory, 'log'),
  logSocket: join(dataDirectory, 'run', 'log.sock'),
  spoolId: join(dataDirectory, 'log', 'spool.id'),
  mirrored: join(dataDirectory, 'log', 'mirrored.json'),
  mirroredAt: join(dataDirectory, 'run', 'mirrored.at'),
  shipProgress: join(dataDirectory, 'run', 'ship.json'),
  gateSocket: join(dataDirectory, 'run', 'gate.sock'),
  progress: join(dataDirectory, 'run', 'analyzers.json'),
  store: join(dataDirectory, 'store', 'chdb'),
  storeHttpKey: join(dataDirectory, 'store', 'http.key'),
  storeAddress: join(dataDirectory, 'run', 'store.url'),
  storeJournal: join(dataDirectory, 'store', 'journal.json'),
  storeProgress: join(dataDirectory, 'run', 'store.json'),
  viewerToken: join(dataDirectory, 'web', 'viewer.token'),
  operatorToken: join(dataDirectory, 'web', 'operator.token'),
  webAddress: join(dataDirectory, 'run', 'web.url'),
  panic: join(dataDirectory, 'observe.json'),
  history: join(dataDirectory, 'history.txt'),
  senders: join(dataDirectory, 'senders.txt'),
  watch: join(dataDirectory, 'watch'),
  forget: join(dataDirectory, 'forget'),
  blocklist: join(dataDirectory, 'blocklist.jsonl'),
  siteSecret: join(dataDirectory, 'site.key'),
  credentialKey: join(dataDirectory, 'credential.key'),
  lists: join(dataDirectory, 'lists'),
});
