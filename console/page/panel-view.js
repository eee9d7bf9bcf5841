/** @import { Column, Panel } from '../../dashboards/panel.ts' */
import { get } from './api.js';
import { PanelChart } from './chart.js';
import { element, linked, notice, proseOf, scrolling } from './dom.js';
import { cellOf, headingOf, isRed, singleNumber } from './rows.js';
import { isRedSeries, seriesOf } from './series.js';
import { formatValue } from './units.js';

/**
 * @typedef {object} Stretch
 * @property {number} from - Seconds since 1970.
 * @property {number} to
 *
 * @typedef {{ columns: Column[], rows: unknown[][], isCut?: boolean }} Result - `isCut`: there are more rows.
 */

/** Panels have ids that are unique in their dashboard only. */
let advices = 0;

/** One panel: its title, what it shows and what to do when it is red, and its values. */
export class PanelView {
  /** @type {Panel} */ #panel;
  /** @type {string} */ #zone;
  /** @type {PanelChart | undefined} */ #chart;
  #cut = notice('empty', 'There is more than can be shown. Choose a shorter range.');
  #body = element('div', { class: 'panel-body' }, notice('loading', 'Loading …'));
  #about = element('button', { type: 'button', class: 'about' }, '?');
  /** @type {(from: number, to: number) => void} */ #onZoom;
  /** @type {HTMLElement} */ root;

  /** @param {Panel} panel @param {string} zone @param {(from: number, to: number) => void} onZoom */
  constructor(panel, zone, onZoom) {
    this.#panel = panel;
    this.#zone = zone;
    this.#onZoom = onZoom;
    const width = `width-${panel.width}`;
    this.root = element(
      'section',
      { class: `panel ${panel.drawing} ${width}`, 'data-panel': panel.id, 'aria-label': panel.title },
      element('header', {}, element('h2', {}, panel.title), this.#advice()),
      this.#body,
    );
    this.#setRed(false);
  }

  /**
   * Asks for the rows and shows them; what was there stays until they come.
   *
   * @param {string} address
   * @param {Stretch} stretch
   * @param {AbortSignal} signal
   */
  async load(address, stretch, signal) {
    /** @type {import('./api.js').Answer<Result>} */
    const answer = await get(address, signal);
    if (signal.aborted) return;
    if (!answer.ok) {
      this.#fill(notice('error', answer.error));
      return;
    }
    this.#show(answer.value.rows, stretch);
    this.#cut.remove();
    if (answer.value.isCut === true) this.#body.append(this.#cut);
  }

  destroy() {
    this.#chart?.destroy();
  }

  /** @param {readonly (readonly unknown[])[]} rows @param {Stretch} stretch */
  #show(rows, stretch) {
    const { drawing } = this.#panel;
    if (drawing === 'number') this.#showNumber(rows);
    else if (rows.length === 0)
      this.#fill(notice('empty', 'Nothing in this range. Choose a longer one, or other filters.'));
    else if (drawing === 'table') this.#showTable(rows);
    else this.#showChart(rows, stretch);
  }

  /** @param {HTMLElement} child */
  #fill(child) {
    if (this.#chart !== undefined && child !== this.#chart.root) {
      this.#chart.destroy();
      this.#chart = undefined;
    }
    this.#setRed(false);
    keepingPlace(this.#body, () => this.#body.replaceChildren(child));
  }

  /** @param {readonly (readonly unknown[])[]} rows */
  #showNumber(rows) {
    const value = singleNumber(rows);
    const red = value !== undefined && isRed(this.#panel, this.#panel.red.column, value);
    this.#fill(element('p', { class: `number${red ? ' red' : ''}` }, formatValue(value, this.#panel.unit)));
    this.#setRed(red);
  }

  /** @param {readonly (readonly unknown[])[]} rows @param {Stretch} stretch */
  #showChart(rows, stretch) {
    const chart = seriesOf(this.#panel, rows, stretch.to);
    if (this.#chart === undefined) {
      this.#chart = new PanelChart(this.#panel, this.#zone, this.#onZoom);
      this.#fill(this.#chart.root);
    }
    this.#chart.draw(chart, stretch);
    this.#setRed(chart.series.some((series) => isRedSeries(this.#panel, series)));
  }

  /** @param {readonly (readonly unknown[])[]} rows */
  #showTable(rows) {
    const { columns, title } = this.#panel;
    const cells = rows.map((row) =>
      columns.map((column, index) => cellOf(this.#panel, column, row[index], this.#zone)),
    );
    const head = columns.map(({ name }, index) =>
      element('th', { scope: 'col', class: cells[0]?.[index]?.kind ?? 'text' }, headingOf(name)),
    );
    const body = cells.map((row) =>
      element(
        'tr',
        {},
        ...row.map(({ text, kind, isRed: red, link }) =>
          element('td', { class: red ? `${kind} red` : kind }, linked(text, link)),
        ),
      ),
    );
    const table = element('table', {}, element('thead', {}, element('tr', {}, ...head)), element('tbody', {}, ...body));
    this.#fill(scrolling(title, table));
    this.#setRed(cells.some((row) => row.some(({ isRed: red }) => red)));
  }

  /** What the panel shows and what to do: on focus, on a tap and under the mouse. */
  #advice() {
    const { shows, red } = this.#panel;
    advices += 1;
    const id = `advice-${advices}`;
    const text = element(
      'div',
      { class: 'advice', id, role: 'tooltip' },
      element('p', {}, ...proseOf(shows)),
      element(
        'p',
        {},
        element('strong', {}, `When it is red (${red.column} from ${formatValue(red.from, this.#unitOfRed())}): `),
        ...proseOf(red.advice),
      ),
    );
    this.#about.setAttribute('aria-describedby', id);
    this.#about.addEventListener('click', () => this.#about.focus());
    this.#about.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.#about.blur();
    });
    return element('div', { class: 'about-panel' }, this.#about, text);
  }

  #unitOfRed() {
    const { columns, red, unit } = this.#panel;
    return columns.find(({ name }) => name === red.column)?.unit ?? unit;
  }

  /** @param {boolean} isRedNow */
  #setRed(isRedNow) {
    this.root.classList.toggle('is-red', isRedNow);
    this.#about.textContent = isRedNow ? 'what to do' : '?';
    this.#about.setAttribute('aria-label', `${this.#panel.title}: ${isRedNow ? 'red, what to do' : 'what it shows'}`);
  }
}

/**
 * Changes what stands in a panel; what had the focus in it, and how far a table was scrolled, is as before.
 *
 * @param {HTMLElement} body
 * @param {() => void} change
 */
function keepingPlace(body, change) {
  const focusable = () => /** @type {HTMLElement[]} */ ([...body.querySelectorAll('a, .scroll')]);
  const focused = focusable().indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const { scrollTop = 0, scrollLeft = 0 } = body.querySelector('.scroll') ?? {};
  change();
  body.querySelector('.scroll')?.scrollTo(scrollLeft, scrollTop);
  if (focused !== -1) focusable()[focused]?.focus({ preventScroll: true });
}
