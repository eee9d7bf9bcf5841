import { readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { err, ok, type Result } from '../../lib/result.ts';
import { finish, type Steps } from '../../lib/steps.ts';
import type { Logger } from '../../proxy/io/logger.ts';
import type { ListFault } from '../../proxy/list-lines.ts';
import type { Loaded } from '../../proxy/lists.ts';
import { writeWhole } from './atomic-file.ts';
import { inSlices } from './in-slices.ts';
import { textOf } from './text-of.ts';

/** Largest list, octets. */
export const LIST_OCTETS_MAX = 134_217_728;
/** Most faults of one list that are told. */
const FAULTS_TOLD_MAX = 5;

export interface KeptListOptions<List> {
  /** `domains-file`: in messages and metrics, and the name of its copy. */
  readonly name: string;
  /** Gets the text of the list. */
  readonly read: () => Promise<Result<string, string>>;
  readonly parse: (text: string) => Steps<Result<List, readonly ListFault[]>>;
  /** Where a copy of the last good one is kept. */
  readonly copy: string;
  readonly logger: Logger;
}

/**
 * One list that is read again and again. A list that cannot be read, or has a fault, changes nothing: the last good one stays
 * in force, over a restart as well, and the operator is told once.
 */
export class KeptList<List extends { readonly size: number }> {
  readonly name: string;
  /** In force. */
  value: Loaded<List> = 'unavailable';
  /** Why it could not be read anew; undefined while it can. */
  failure: string | undefined;
  /** When it was last read well, milliseconds since 1970-01-01 UTC; undefined: never by this process. */
  readAtMs: number | undefined;
  private readonly options: KeptListOptions<List>;
  private text: string | undefined;
  private saved: string | undefined;
  /** The reading under way, and those that wait behind it: the text read last is in force at the end. */
  private reading: Promise<boolean> = Promise.resolve(false);

  constructor(options: KeptListOptions<List>) {
    this.options = options;
    this.name = options.name;
  }

  /** Reads it anew, while mail goes on. @returns Whether another list is in force now. */
  refresh(): Promise<boolean> {
    this.reading = this.reading.then(() => this.refreshNow());
    return this.reading;
  }

  private async refreshNow(): Promise<boolean> {
    const text = await this.options.read();
    if (!text.ok) return this.failed(text.error);
    if (text.value === this.text) return this.readWell();
    const parsed = await inSlices(this.options.parse(text.value));
    if (!parsed.ok) return this.failed(describe(parsed.error));
    this.value = parsed.value;
    this.text = text.value;
    this.readWell();
    this.options.logger.info({ list: this.name, entries: parsed.value.size }, 'list loaded');
    return true;
  }

  /** Takes the copy of the last good one, for as long as nothing better is there. */
  recall(): void {
    if (this.value !== 'unavailable') return;
    const { copy, logger, parse } = this.options;
    try {
      const parsed = finish(parse(readFileSync(copy, 'utf8')));
      if (!parsed.ok) return;
      this.value = parsed.value;
      logger.warn({ list: this.name, entries: parsed.value.size }, 'the copy of the last good list is in force');
    } catch {
      // There is no copy yet.
    }
  }

  /** Keeps a copy of what is in force. */
  async save(): Promise<void> {
    const { text } = this;
    if (text === undefined || text === this.saved) return;
    this.saved = text;
    try {
      await writeWhole(this.options.copy, text);
    } catch (error) {
      this.options.logger.warn({ list: this.name, reason: textOf(error) }, 'no copy of the list can be kept');
    }
  }

  private readWell(): false {
    if (this.failure !== undefined) this.options.logger.info({ list: this.name }, 'the list can be read again');
    this.failure = undefined;
    this.readAtMs = Date.now();
    return false;
  }

  private failed(reason: string): false {
    if (reason !== this.failure) {
      const consequence =
        this.value === 'unavailable' ? 'and there is no earlier one' : 'the earlier one stays in force';
      this.options.logger.error({ list: this.name, reason }, `the list cannot be used, ${consequence}`);
    }
    this.failure = reason;
    return false;
  }
}

const describe = (faults: readonly ListFault[]): string =>
  faults
    .slice(0, FAULTS_TOLD_MAX)
    .map(({ line, reason }) => (line === 0 ? reason : `line ${line}: ${reason}`))
    .concat(faults.length > FAULTS_TOLD_MAX ? [`and ${faults.length - FAULTS_TOLD_MAX} more`] : [])
    .join('; ');

/** Reads a list from a file. */
export async function readListFile(file: string): Promise<Result<string, string>> {
  try {
    if ((await stat(file)).size > LIST_OCTETS_MAX) return err(`${file}: more than ${LIST_OCTETS_MAX} octets`);
    return ok(new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file)));
  } catch (error) {
    return err(`${file}: ${textOf(error)}`);
  }
}
