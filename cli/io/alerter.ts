import { setTimeout as sleep } from 'node:timers/promises';
import { AlertGate, type SentAlert } from '../../analyzers/alert-gate.ts';
import type { Alert } from '../../analyzers/site/site-detector.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { alertJson, alertMessage } from '../format/alert.ts';
import type { OperatorLog } from './logger.ts';
import { sendMail } from './send-mail.ts';
import { textOf } from './text-of.ts';

/** How often an alert is tried, and the delay before the second time, milliseconds; it doubles. */
export const TRIES_MAX = 4;
const RETRY_MS = 2000;
/** How long a webhook may take, milliseconds. */
export const WEBHOOK_TIMEOUT_MS = 10_000;
/** Alerts under way at once; beyond them one is only a line for the operator. */
export const UNDER_WAY_MAX = 10;

export interface AlerterOptions {
  readonly site: string;
  readonly hostname: string;
  readonly againAfterMs: number;
  /** Where alerts are posted to, its secret included. */
  readonly webhook: string | undefined;
  readonly mail:
    | { readonly to: string; readonly from: string; readonly host: string; readonly port: number }
    | undefined;
  readonly logger: OperatorLog;
}

/** Tells people what needs one: a line for the operator always, and a webhook and mail where they are set up. */
export class Alerter {
  private readonly options: AlerterOptions;
  private readonly gate: AlertGate;
  private underWay = 0;

  constructor(options: AlerterOptions) {
    this.options = options;
    this.gate = new AlertGate(options.againAfterMs);
  }

  tell(alert: Alert): void {
    const passed = this.gate.pass(alert, Date.now());
    if (passed === undefined) return;
    const { logger, webhook, mail } = this.options;
    logger.warn({ kind: alert.kind, subject: alert.subject, heldBack: passed.heldBack }, alert.text);
    if (webhook !== undefined) void this.deliver('webhook', () => this.post(webhook, passed));
    if (mail !== undefined) void this.deliver('mail', () => this.mail(mail, passed));
  }

  /** Never rejects, and is waited for by nobody. */
  private async deliver(way: string, send: () => Promise<Result<undefined, string>>): Promise<void> {
    const { logger } = this.options;
    if (this.underWay >= UNDER_WAY_MAX) {
      logger.warn({ way }, 'an alert could not be sent: too many are under way');
      return;
    }
    this.underWay += 1;
    let reason = '';
    for (let count = 0; count < TRIES_MAX; count += 1) {
      if (count > 0) await sleep(RETRY_MS * 2 ** (count - 1), undefined, { ref: false });
      const sent = await send();
      reason = sent.ok ? '' : sent.error;
      if (sent.ok) break;
    }
    this.underWay -= 1;
    if (reason !== '') logger.error({ way, reason }, 'an alert could not be sent');
  }

  private async post(url: string, alert: SentAlert): Promise<Result<undefined, string>> {
    try {
      const answer = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: alertJson(alert, this.options.site),
        redirect: 'error',
        signal: AbortSignal.timeout(WEBHOOK_TIMEOUT_MS),
      });
      await answer.body?.cancel();
      return answer.ok ? ok(undefined) : err(`the webhook answered ${answer.status}`);
    } catch (error) {
      // Its text may hold the address, and that may hold a secret.
      return err(
        error instanceof Error && error.name === 'TimeoutError' ? 'no answer in time' : 'it cannot be reached',
      );
    }
  }

  private mail(
    { to, from, host, port }: NonNullable<AlerterOptions['mail']>,
    alert: SentAlert,
  ): Promise<Result<undefined, string>> {
    const { site, hostname } = this.options;
    const message = alertMessage(alert, site, { from, to, hostname }, Date.now());
    return sendMail({ host, port, hostname, to, message }).catch((error: unknown) => err(textOf(error)));
  }
}
