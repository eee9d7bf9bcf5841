import type { DecisionEvent } from '../../events/decision.ts';
import type { MailEvent } from '../../events/event.ts';
import type { Prefix } from '../../lib/ip.ts';
import type { Parameters } from '../../store/database.ts';
import { decisionsOfRows } from '../../store/decision-rows.ts';
import { mailEventsOfRows, sessionQuery } from '../../store/event-rows.ts';
import type { History, HistoryFault, Table } from '../../store/history.ts';
import {
  decisionQuery,
  decisionsAboutQuery,
  sessionsOfAddressQuery,
  sessionsOfRangeQuery,
} from '../../store/why-queries.ts';
import { beginningOf } from '../store/coverage.ts';

const nothing: Table = { columns: [], rows: [], isCut: false };
const MAPPED_BITS = 96;

/** What the history knows, for one question. Once it fails it knows nothing, and is not asked again. */
export class Recollection {
  private readonly history: History;
  /** Why it does not answer. */
  fault: HistoryFault | undefined;

  constructor(history: History) {
    this.history = history;
  }

  /** See {@link beginningOf}. */
  async beginningMs(): Promise<number | undefined> {
    const beginning = await beginningOf(this.history);
    if (beginning.ok) return beginning.value;
    this.fault ??= beginning.error;
    return undefined;
  }

  /** The events of a session, in their order. */
  async session(sid: string): Promise<readonly MailEvent[]> {
    return isUuid(sid) ? mailEventsOfRows(await this.ask(sessionQuery, { sid })) : [];
  }

  /** The last sessions that a source opened, the newest last, but for those that are known. */
  async lastSessions(source: Prefix, known: readonly string[], count: number): Promise<readonly string[]> {
    const isAddress = source.family === 4 && source.length === 32;
    const parameters = { ...rangeOf(source), known: known.filter(isUuid), count };
    const { rows } = await this.ask(isAddress ? sessionsOfAddressQuery : sessionsOfRangeQuery, parameters);
    return rows.map(([sid]) => String(sid)).reverse();
  }

  /** Lines about a range, one around it, or a part of it; in the order of the log. */
  async decisionsAbout(source: Prefix): Promise<readonly DecisionEvent[]> {
    return decisionsOfRows(await this.ask(decisionsAboutQuery, rangeOf(source)));
  }

  /** Lines of one decision. */
  async decision(id: string): Promise<readonly DecisionEvent[]> {
    return decisionsOfRows(await this.ask(decisionQuery, { id }));
  }

  private async ask(sql: string, parameters: Parameters): Promise<Table> {
    if (this.fault !== undefined) return nothing;
    const table = await this.history.ask(sql, parameters);
    if (table.ok) return table.value;
    this.fault = table.error;
    return nothing;
  }
}

const isUuid = (text: string): boolean => /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);

function rangeOf({ family, length, text }: Prefix): Parameters {
  const address = text.slice(0, text.indexOf('/'));
  return family === 4 ? { address: `::ffff:${address}`, length: length + MAPPED_BITS } : { address, length };
}
