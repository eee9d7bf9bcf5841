/** @import { Why, WhyDecision } from '../../cli/format/why.ts' */
/** @import { Context } from './context.js' */
/** @import { Entry } from './chain.js' */
import { askAndAct } from './act-dialog.js';
import { get } from './api.js';
import { coverageOf, entryOf, isInForce, makerOf, points, stateOf, undoCommand, undoingAct } from './chain.js';
import { element, linked, notice, proseOf, scrolling } from './dom.js';
import { hashOf, hashOfSessions } from './routes.js';
import { counted, printable } from './text.js';
import { formatMoment } from './times.js';
import { linesOf } from './transcript.js';
import { transcriptElement } from './transcript-view.js';
import { fact } from './view-session.js';

/** The chain behind a refusal or a decision. @param {Context} context */
export async function showWhy(context) {
  const { main, route, signal } = context;
  const waiting = notice('loading', 'Reading the log …');
  main.replaceChildren(...[...main.children].filter(({ tagName }) => tagName === 'H1'), waiting);
  /** @type {import('./api.js').Answer<Why>} */
  const answer = await get(`/api/why/${encodeURIComponent(route.name)}`, signal);
  if (signal.aborted) return;
  if (!answer.ok) {
    waiting.replaceWith(notice('error', answer.error));
    return;
  }
  const why = answer.value;
  const decisions = [...why.decisions].reverse();
  waiting.replaceWith(
    element('p', { class: 'controls' }, ...sourceLinks(context, why)),
    ...(decisions.length === 0
      ? [notice('empty', 'Nothing is decided about it. What the gate itself refused stands in its sessions below.')]
      : []),
    ...decisions.map((each) => decisionElement(context, why, each)),
    ...sessionElements(context, why),
    ...coverageElements(context, why),
  );
}

/** @param {Context} context @param {Why} why */
function sourceLinks(context, { ip }) {
  if (ip === undefined) return [];
  const act = (/** @type {'block' | 'allow'} */ kind, /** @type {string} */ text) =>
    element(
      'button',
      { type: 'button', on: { click: () => void actAndShow(context, { act: kind, value: ip }) } },
      text,
    );
  return [
    ...(context.me.history ? [element('a', { class: 'button', href: hashOfSessions(ip) }, 'Its sessions')] : []),
    element('a', { class: 'button', href: hashOf('live', '', [['ip', ip]]) }, 'Live'),
    ...(context.me.role === 'operator' ? [act('block', 'Block'), act('allow', 'Allow')] : []),
  ];
}

/** @param {Context} context @param {import('./act-dialog.js').Act} act */
async function actAndShow(context, act) {
  if (await askAndAct(act)) await showWhy(context);
}

/** @param {Context} context @param {Why} why @param {WhyDecision} each */
function decisionElement(context, why, each) {
  const { decision } = each;
  const { value, action, ledger = [], counter = [], forgotten = false } = decision;
  const now = Date.now();
  const inForce = isInForce(each, now);
  return element(
    'section',
    { class: `decision${inForce ? ' in-force' : ''}` },
    element('h2', {}, printable(`${value}: ${action}`), ' ', element('span', { class: 'state' }, stateOf(each, now))),
    element('p', { class: 'because' }, printable(decision.reason)),
    factsOf(context, decision),
    entriesElement(
      'What weighed against it',
      ledger.map((entry) => entryOf(entry, why)),
      context.zone,
    ),
    forgotten && element('p', { class: 'quiet' }, 'And more that is not known any more.'),
    entriesElement(
      'What speaks for it',
      counter.map((entry) => entryOf(entry, why)),
      context.zone,
    ),
    inForce && undoElement(context, decision),
  );
}

/** @param {Context} context @param {WhyDecision['decision']} decision */
function factsOf({ zone }, decision) {
  const { at, until, roles, id, standing, held, score, threshold, facts = {}, level } = decision;
  return element(
    'dl',
    { class: 'facts' },
    fact('Decided', `${formatMoment(at, zone)} by ${makerOf(decision)}`),
    fact('Until', formatMoment(until, zone)),
    fact('Level', String(level)),
    fact('For', roles.join(', ')),
    ...(score === undefined || threshold === undefined
      ? []
      : [fact('Score', `${points(score)} of ${points(threshold)}`)]),
    ...(standing === undefined ? [] : [fact('Standing', printable(standing))]),
    ...(held === undefined ? [] : [fact('Held back', printable(held))]),
    ...Object.entries(facts).map(([name, number]) => fact(printable(name), number.toLocaleString('en-US'))),
    fact('Id', element('code', {}, printable(id))),
  );
}

/** @param {string} title @param {readonly Entry[]} entries @param {string} zone */
function entriesElement(title, entries, zone) {
  if (entries.length === 0) return undefined;
  const heaviest = Math.max(...entries.map(({ weight }) => Math.abs(weight)), 1);
  const rows = entries.map(({ weight, what, at, event, sid }) => {
    const bar = element('meter', {
      min: '0',
      max: heaviest,
      value: Math.abs(weight),
      'aria-hidden': 'true',
      class: weight < 0 ? 'for' : 'against',
    });
    return element(
      'tr',
      {},
      element('td', { class: 'number' }, `${weight < 0 ? '−' : '+'}${points(Math.abs(weight))}`),
      element('td', { class: 'weight' }, bar),
      element('td', {}, what),
      element('td', { class: 'time' }, formatMoment(at, zone)),
      element('td', { class: 'said' }, linked(event, sid === undefined ? undefined : hashOf('session', sid))),
    );
  });
  const heads = ['weight', '', 'what', 'when', 'event'].map((text) => element('th', { scope: 'col' }, text));
  const table = element(
    'table',
    { class: 'ledger' },
    element('thead', {}, element('tr', {}, ...heads)),
    element('tbody', {}, ...rows),
  );
  return element('div', {}, element('h3', {}, title), scrolling(title, table));
}

/** @param {Context} context @param {WhyDecision['decision']} decision */
function undoElement(context, decision) {
  const command = element('code', {}, undoCommand(decision));
  const undoing = undoingAct(decision);
  if (context.me.role !== 'operator' || undoing === undefined)
    return element('p', { class: 'undo' }, 'Undo: ', command);
  const undo = element('button', { type: 'button', class: 'primary' }, 'Undo');
  undo.addEventListener('click', () => void actAndShow(context, undoing));
  return element('p', { class: 'undo' }, undo, ' or on the machine: ', command);
}

/** How far back it reaches, where that is not all. @param {Context} context @param {Why} why */
function coverageElements({ zone }, { coverage }) {
  const text = coverageOf(coverage, zone);
  return text === undefined ? [] : [element('p', { class: 'quiet' }, ...proseOf(text))];
}

/** @param {Context} context @param {Why} why */
function sessionElements({ zone }, { sessions }) {
  const known = sessions.filter((events) => events.length > 0).reverse();
  if (known.length === 0) return [];
  return [
    element('h2', {}, known.length === 1 ? 'Its session' : `Its last ${counted(known.length, 'session')}`),
    ...known.map((events, index) => {
      const sid = events.flatMap((event) => ('sid' in event ? [event.sid] : []))[0];
      const title = `${formatMoment(events[0]?.at ?? 0, zone)}, ${counted(events.length, 'event')}`;
      return element(
        'details',
        { open: index === 0 },
        element('summary', {}, title),
        sid !== undefined && element('p', {}, element('a', { href: hashOf('session', sid) }, 'As a page of its own')),
        transcriptElement(linesOf(events), zone),
      );
    }),
  ];
}
