import { err, ok, type Result } from '../../lib/result.ts';
import { eventsOfRows, isWhole, mergedEvents, sessionQuery } from '../../store/event-rows.ts';
import type { HistoryFault, Table } from '../../store/history.ts';
import { readAct } from '../act.ts';
import { type Answer, jsonAnswer, type Refusal, refusalAnswer, refused } from '../answer.ts';
import { mayAct, type Role } from '../credentials.ts';
import { dashboardList } from '../dashboard-list.ts';
import { panelQuery, VALUES_MAX, variableQuery } from '../panel-query.ts';
import type { ConsolePorts } from '../ports.ts';
import type { ApiRoute } from '../route.ts';
import { Turns } from './turns.ts';

/** Readings of the whole log at once, and those that wait. */
export const SCANS_MAX = 1;
export const SCANS_WAITING_MAX = 16;

/** A question that is answered as a whole; a stream is none. */
export type Question = Exclude<ApiRoute, { readonly kind: 'events' }>;

/** Answers everything that needs a token, for somebody who has one. */
export class Api {
  private readonly ports: ConsolePorts;
  private readonly scans = new Turns({ atOnceMax: SCANS_MAX, waitingMax: SCANS_WAITING_MAX });

  constructor(ports: ConsolePorts) {
    this.ports = ports;
  }

  /** @param body - Of a POST, as JSON. */
  async answer(route: Question, role: Role, body: unknown): Promise<Answer> {
    const done = await this.done(route, role, body);
    return done.ok ? jsonAnswer(done.value) : refusalAnswer(done.error);
  }

  private async done(route: Question, role: Role, body: unknown): Promise<Result<unknown, Refusal>> {
    const { ports } = this;
    switch (route.kind) {
      case 'me':
        return ok({ role, ...ports.subject, history: await ports.history.isThere() });
      case 'dashboards':
        return ok(dashboardList());
      case 'config':
        return ok({ settings: ports.settings() });
      case 'panel':
        return this.asked(panelQuery(route.dashboard, route.panel, route.parameters), ({ columns, rows, isCut }) => ({
          columns,
          rows,
          isCut,
        }));
      case 'variable':
        return this.asked(variableQuery(route.dashboard, route.name, route.parameters), ({ rows }) => ({
          values: rows.slice(0, VALUES_MAX).map(([value]) => String(value)),
        }));
      case 'session':
        return this.session(route.sid);
      case 'blocklist':
        return within(await this.scan(() => ports.blocklist(route.ip)), (decisions) => ({ decisions }));
      case 'why':
        return this.scan(() => ports.why(route.subject));
      case 'acts':
        return mayAct(role) ? this.act(body) : err(refused(403, 'This token may look, and not act.'));
    }
  }

  private async asked(sql: Result<string, Refusal>, shape: (table: Table) => object): Promise<Result<object, Refusal>> {
    if (!sql.ok) return sql;
    const table = await this.ports.history.ask(sql.value);
    return table.ok ? ok(shape(table.value)) : err(refusalOf(table.error));
  }

  /** From the history, and from the log where that does not have its end: it comes a little later, and may not be there. */
  private async session(sid: string): Promise<Result<object, Refusal>> {
    const asked = await this.ports.history.ask(sessionQuery, { sid });
    const kept = asked.ok ? eventsOfRows(asked.value) : [];
    if (isWhole(kept)) return ok({ events: kept });
    const logged = await this.scan(() => this.ports.sessionInLog(sid));
    if (!logged.ok) return kept.length > 0 ? ok({ events: kept }) : logged;
    const events = mergedEvents(kept, logged.value);
    return events.length > 0
      ? ok({ events })
      : err(
          refused(
            404,
            `Nothing is known of this session: it may be older than what is kept.${asked.ok ? '' : ` ${asked.error.text}`}`,
          ),
        );
  }

  private async act(body: unknown): Promise<Result<object, Refusal>> {
    const act = readAct(body);
    if (!act.ok) return act;
    return within(await this.ports.act(act.value), (done) => ({ done }));
  }

  private async scan<T>(work: () => Promise<Result<T, Refusal>>): Promise<Result<T, Refusal>> {
    return (await this.scans.run(work)) ?? err(refused(503, 'Too many ask the log at once: try again.'));
  }
}

const within = <T>(result: Result<T, Refusal>, shape: (value: T) => object): Result<object, Refusal> =>
  result.ok ? ok(shape(result.value)) : result;

const refusalOf = ({ kind, text }: HistoryFault): Refusal => refused(kind === 'refused' ? 500 : 503, text);
