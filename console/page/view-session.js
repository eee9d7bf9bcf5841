/** @import { MailEvent } from '../../events/event.ts' */
/** @import { Context } from './context.js' */
import { get } from './api.js';
import { element, notice } from './dom.js';
import { hashOf, hashOfSessions } from './routes.js';
import { printable } from './text.js';
import { formatMoment } from './times.js';
import { linesOf } from './transcript.js';
import { transcriptElement } from './transcript-view.js';

/** The dialogue of one session. @param {Context} context */
export async function showSession({ main, route, zone, signal }) {
  const waiting = notice('loading', 'Loading …');
  main.append(waiting);
  /** @type {import('./api.js').Answer<{ events: MailEvent[] }>} */
  const answer = await get(`/api/sessions/${encodeURIComponent(route.name)}`, signal);
  if (signal.aborted) return;
  if (!answer.ok) {
    waiting.replaceWith(notice('error', answer.error));
    return;
  }
  const { events } = answer.value;
  const [first] = events;
  if (first === undefined) {
    waiting.replaceWith(notice('empty', 'No event of this session is kept any more, or its id is wrong.'));
    return;
  }
  waiting.replaceWith(summary(first, zone), transcriptElement(linesOf(events), zone));
}

/** @param {MailEvent} event @param {string} zone */
function summary(event, zone) {
  const ip = 'ip' in event ? event.ip : '';
  return element(
    'dl',
    { class: 'facts' },
    fact('Began', `${formatMoment(event.at, zone)} ${zone}`),
    fact(
      'Client',
      element(
        'span',
        {},
        element('a', { href: hashOfSessions(ip) }, printable(ip)),
        ' · ',
        element('a', { href: hashOf('why', ip) }, 'Why'),
      ),
    ),
    fact('Gate', printable(event.gate)),
    ...('listener' in event ? [fact('Listener', printable(event.listener))] : []),
    ...('sid' in event ? [fact('Session', element('code', {}, printable(event.sid)))] : []),
  );
}

/** @param {string} name @param {Node | string} value */
export const fact = (name, value) => element('div', {}, element('dt', {}, name), element('dd', {}, value));
