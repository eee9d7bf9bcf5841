import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Result } from '../../lib/result.ts';
import { type DomainList, domainListSteps, parseDomainList } from '../../proxy/domain-list.ts';
import type { GateLists } from '../../proxy/io/gate-host.ts';
import type { Logger } from '../../proxy/io/logger.ts';
import { createLists } from '../../proxy/lists.ts';
import { type RecipientList, recipientListSteps } from '../../proxy/recipient-list.ts';
import type { Config } from '../config/schema.ts';
import { DomainFetcher } from './domain-fetcher.ts';
import { FileWatch } from './file-watch.ts';
import { KeptList, type KeptListOptions, readListFile } from './kept-list.ts';

/** How long the start waits for a list from the web when there is no copy of an earlier one, milliseconds. */
export const FIRST_FETCH_WAIT_MS = 5000;

export interface ListWatcherOptions {
  readonly config: Config;
  /** Where relative paths start. */
  readonly folder: string;
  /** Folder of the copies. */
  readonly copies: string;
  /** Web address of the list of domains, the secret in it included. */
  readonly domainsUrl: string | undefined;
  readonly ownAddresses: ReadonlySet<string>;
  readonly logger: Logger;
}

/** One list for metrics. */
export interface ListState {
  readonly name: string;
  /** Undefined: there is none, and what depends on it cannot be known. */
  readonly entries: number | undefined;
  /** When it was last read well, milliseconds since 1970-01-01 UTC. */
  readonly readAtMs: number | undefined;
  readonly failing: boolean;
}

/** The lists of a configuration, kept up to date. Nothing is written before {@link ListWatcher.watch}. */
export class ListWatcher implements Disposable {
  private readonly options: ListWatcherOptions;
  private readonly named: readonly DomainList[];
  private readonly files: readonly KeptList<DomainList>[];
  private readonly web: readonly KeptList<DomainList>[];
  private readonly recipients: readonly KeptList<RecipientList>[];
  private readonly disposables: Disposable[] = [];
  private isOver = false;

  private constructor(options: ListWatcherOptions) {
    this.options = options;
    const { domains, recipients } = options.config;
    const names = parseDomainList(domains.names.join('\n'));
    this.named = names.ok ? [names.value] : [];
    this.files = this.kept('domains-file', this.fileReader(domains.file), (text) => domainListSteps(text));
    this.web = this.kept('domains-url', webReader(options.domainsUrl), (text) => domainListSteps(text));
    const delimiter = recipients.subaddressDelimiter;
    this.recipients = this.kept('recipients-file', this.fileReader(recipients.file), (text) =>
      recipientListSteps(text, { delimiter }),
    );
  }

  /** Reads all lists once. One that cannot be read is replaced by the copy of the last good one, or is `unavailable`. */
  static async open(options: ListWatcherOptions): Promise<ListWatcher> {
    const watcher = new ListWatcher(options);
    await Promise.all([...watcher.files, ...watcher.recipients].map((list) => list.refresh()));
    for (const list of watcher.all) list.recall();
    const fetched = Promise.all(watcher.web.map((list) => list.refresh()));
    if (watcher.web.some(({ value }) => value === 'unavailable')) {
      await Promise.race([fetched, setTimeout(FIRST_FETCH_WAIT_MS, undefined, { ref: false })]);
    }
    return watcher;
  }

  /** What is in force now. */
  get lists(): GateLists {
    return createLists({
      domains: [...this.named, ...this.files.map(({ value }) => value), ...this.web.map(({ value }) => value)],
      ownAddresses: this.options.ownAddresses,
      recipients: this.recipients.map(({ value }) => value),
      memory: { refused: () => undefined },
    });
  }

  get states(): readonly ListState[] {
    return this.all.map(({ name, value, readAtMs, failure }) => ({
      name,
      entries: value === 'unavailable' ? undefined : value.size,
      readAtMs,
      failing: failure !== undefined,
    }));
  }

  /** Keeps copies from now on, and reads lists again when they change. `onChange`: other lists are in force. */
  watch(onChange: () => void): void {
    const { config, folder } = this.options;
    const refresh = async (lists: readonly (KeptList<DomainList> | KeptList<RecipientList>)[]): Promise<void> => {
      const changes = await Promise.all(lists.map((list) => list.refresh()));
      // A reload may have put other lists in force meanwhile.
      if (this.isOver) return;
      if (changes.includes(true)) onChange();
      await Promise.all(lists.map((list) => list.save()));
    };
    this.watchFile(config.domains.file, folder, () => void refresh(this.files));
    this.watchFile(config.recipients.file, folder, () => void refresh(this.recipients));
    const timer = setInterval(() => void refresh(this.web), config.domains.refreshMs).unref();
    this.disposables.push({ [Symbol.dispose]: () => clearInterval(timer) });
    // What changed, or came, since they were read.
    onChange();
    void refresh(this.all);
  }

  [Symbol.dispose](): void {
    this.isOver = true;
    for (const disposable of this.disposables.splice(0)) disposable[Symbol.dispose]();
  }

  private get all(): readonly (KeptList<DomainList> | KeptList<RecipientList>)[] {
    return [...this.files, ...this.web, ...this.recipients];
  }

  private watchFile(file: string | undefined, folder: string, changed: () => void): void {
    if (file !== undefined) this.disposables.push(new FileWatch([resolve(folder, file)], changed));
  }

  private fileReader(file: string | undefined): Reader | undefined {
    if (file === undefined) return undefined;
    const path = resolve(this.options.folder, file);
    return () => readListFile(path);
  }

  /** One list, or none where the configuration names none. */
  private kept<List extends { readonly size: number }>(
    name: string,
    read: Reader | undefined,
    parse: KeptListOptions<List>['parse'],
  ): KeptList<List>[] {
    const { copies, logger } = this.options;
    return read === undefined ? [] : [new KeptList({ name, read, parse, logger, copy: join(copies, `${name}.txt`) })];
  }
}

type Reader = () => Promise<Result<string, string>>;

function webReader(url: string | undefined): Reader | undefined {
  if (url === undefined) return undefined;
  const fetcher = new DomainFetcher(url);
  return () => fetcher.read();
}
