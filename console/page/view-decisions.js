/** @import { Context } from './context.js' */
/** @import { Decision } from './decision-list.js' */
import { askAndAct } from './act-dialog.js';
import { get } from './api.js';
import { isAboutSource, makerOf, undoingAct } from './chain.js';
import { DECISIONS_MAX, matching } from './decision-list.js';
import { element, field, linked, notice, scrolling } from './dom.js';
import { hashOf, isSource } from './routes.js';
import { counted, printable } from './text.js';
import { formatMoment, formatUntil } from './times.js';

/** The decisions in force. @param {Context} context */
export const showDecisions = (context) => new DecisionsView(context).start();

class DecisionsView {
  /** @type {readonly Decision[]} */
  #decisions = [];
  #search = element('input', {
    type: 'search',
    name: 'search',
    placeholder: 'address, scenario, reason',
    autocomplete: 'off',
    spellcheck: 'false',
  });
  #list = element('div', {}, notice('loading', 'Loading …'));
  #count = element('span', { class: 'as-of', role: 'status' });

  /** @param {Context} context */
  constructor(context) {
    this.context = context;
  }

  start() {
    const { main, me, route } = this.context;
    this.#search.value = route.query.get('search') ?? '';
    const form = element('form', { class: 'controls' }, field('Search', this.#search));
    if (me.role === 'operator') form.append(this.#actButton('block'), this.#actButton('allow'));
    form.append(this.#count);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#load();
    });
    this.#search.addEventListener('input', () => {
      history.replaceState(null, '', hashOf('decisions', '', [['search', this.#search.value.trim()]]));
      this.#draw();
    });
    main.append(form, this.#list);
    void this.#load();
  }

  /** @param {'block' | 'allow'} act */
  #actButton(act) {
    const button = element('button', { type: 'button' }, act === 'block' ? 'Block …' : 'Allow …');
    button.addEventListener('click', () => void this.#act({ act }));
    return button;
  }

  /** @param {import('./act-dialog.js').Act} act */
  async #act(act) {
    if (!(await askAndAct(act))) return;
    await this.#load();
    // The row that had the focus may be gone.
    this.#search.focus();
  }

  async #load() {
    const text = this.#search.value.trim();
    const path = isSource(text) ? `/api/blocklist?ip=${encodeURIComponent(text)}` : '/api/blocklist';
    /** @type {import('./api.js').Answer<{ decisions: Decision[] }>} */
    const answer = await get(path, this.context.signal);
    if (this.context.signal.aborted) return;
    if (!answer.ok) {
      this.#list.replaceChildren(notice('error', answer.error));
      return;
    }
    this.#decisions = answer.value.decisions;
    this.#draw();
  }

  #draw() {
    const text = this.#search.value.trim();
    // What the server found for an address may be a range around it, without the text of the address.
    const found = isSource(text) ? matching(this.#decisions, text, true) : matching(this.#decisions, text, false);
    const isCut = this.#decisions.length >= DECISIONS_MAX;
    this.#count.textContent = `${counted(found.length, 'decision')} in force${isCut ? ` among the newest ${DECISIONS_MAX}; Enter asks for an address among all` : ''}`;
    if (found.length === 0) {
      const what =
        this.#decisions.length === 0
          ? 'Nothing is decided about anybody now.'
          : 'None fits. Enter asks again, Why tells of decisions that are over.';
      this.#list.replaceChildren(notice('empty', what));
      return;
    }
    const heads = ['about', 'does', 'level', 'lasts', 'because', 'by', 'made', ''];
    const table = element(
      'table',
      { class: 'decisions' },
      element('thead', {}, element('tr', {}, ...heads.map((text) => element('th', { scope: 'col' }, text)))),
      element('tbody', {}, ...found.map((decision) => this.#row(decision))),
    );
    this.#list.replaceChildren(scrolling('Decisions in force', table));
  }

  /** @param {Decision} decision */
  #row(decision) {
    const { zone } = this.context;
    const { value, action, level, until, reason, at, observed } = decision;
    return element(
      'tr',
      {},
      element(
        'td',
        { class: 'subject' },
        linked(printable(value), isAboutSource(decision) ? hashOf('why', value) : undefined),
      ),
      element(
        'td',
        {},
        printable(action),
        observed === true && element('span', { class: 'mark quiet' }, 'observed only'),
      ),
      element('td', { class: 'number level' }, String(level)),
      element('td', { class: 'lasts' }, formatUntil(until, Date.now())),
      element('td', { class: 'reason' }, printable(reason)),
      element('td', { class: 'maker' }, makerOf(decision)),
      element('td', { class: 'time' }, formatMoment(at, zone)),
      element('td', { class: 'acts' }, ...this.#buttons(decision)),
    );
  }

  /** @param {Decision} decision */
  #buttons(decision) {
    const { id, value, action } = decision;
    const why = element(
      'a',
      { class: 'button', href: hashOf('why', id), 'aria-label': `Why ${printable(value)}` },
      'Why',
    );
    const undoing = undoingAct(decision);
    if (this.context.me.role !== 'operator' || undoing === undefined) return [why];
    const button = (/** @type {import('./act-dialog.js').Act} */ act, /** @type {string} */ text) =>
      element(
        'button',
        { type: 'button', 'aria-label': `${text} ${printable(value)}`, on: { click: () => void this.#act(act) } },
        text,
      );
    const undo = button(undoing, 'Undo');
    return action === 'allow' ? [why, undo] : [why, undo, button({ act: 'allow', value }, 'Allow')];
  }
}
