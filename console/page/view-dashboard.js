/** @import { Variable } from '../../dashboards/panel.ts' */
/** @import { Context, DashboardShown } from './context.js' */
import { get } from './api.js';
import { element, field, notice, say } from './dom.js';
import { PanelView } from './panel-view.js';
import { hashOf } from './routes.js';
import { printable } from './text.js';
import { formatClock, ranges, stretchOf } from './times.js';

/** How often a dashboard asks again, milliseconds. */
const REFRESH_MS = 30_000;
/** Panels that are asked for at once. */
const PANELS_AT_ONCE = 4;

/** Whether dashboards ask again by themselves; holds for all of them. */
let isRefreshing = true;

/** One dashboard: what is chosen, and its panels. @param {Context} context */
export function showDashboard(context) {
  const dashboard = context.dashboards.find(({ uid }) => uid === context.route.name);
  if (dashboard === undefined) {
    context.main.append(
      notice('error', 'There is no such dashboard, or no history to draw it from. Choose one of those in the menu.'),
    );
    return;
  }
  new DashboardView(context, dashboard).start();
}

class DashboardView {
  /** @param {Context} context @param {DashboardShown} dashboard */
  constructor(context, dashboard) {
    this.context = context;
    this.dashboard = dashboard;
    this.query = new Map(context.route.query);
    this.views = dashboard.panels.map(
      (panel) =>
        new PanelView(panel, context.zone, (from, to) =>
          this.choose({ range: '', from: String(Math.floor(from)), to: String(Math.ceil(to)) }),
        ),
    );
    this.asOf = element('span', { class: 'as-of' });
    this.controls = element('form', {
      class: 'controls',
      on: { submit: (/** @type {Event} */ event) => event.preventDefault() },
    });
    /** @type {AbortController | undefined} */
    this.loading = undefined;
  }

  start() {
    const { main, signal } = this.context;
    const grid = element('div', { class: 'grid' }, ...this.views.map(({ root }) => root));
    main.append(element('p', { class: 'description' }, this.dashboard.description), this.controls, grid);
    this.drawControls();
    const timer = setInterval(() => {
      if (isRefreshing && !document.hidden) void this.load();
    }, REFRESH_MS);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', () => void this.load(), { signal });
    signal.addEventListener('abort', () => {
      clearInterval(timer);
      this.loading?.abort();
      for (const view of this.views) view.destroy();
    });
    void this.load();
  }

  stretch() {
    return stretchOf(this.query, this.dashboard.range, Date.now());
  }

  /** @param {Readonly<Record<string, string>>} changes */
  choose(changes) {
    for (const [name, value] of Object.entries(changes)) {
      if (value === '') this.query.delete(name);
      else this.query.set(name, value);
    }
    // A change of the address by script asks for no new view: what has the focus keeps it.
    history.pushState(null, '', hashOf('dashboard', this.dashboard.uid, this.query));
    if ('from' in changes || 'range' in changes) this.drawControls();
    void this.load();
  }

  async load() {
    this.loading?.abort();
    this.loading = new AbortController();
    const { signal } = this.loading;
    const stretch = this.stretch();
    const search = new URLSearchParams({ from: String(stretch.from), to: String(stretch.to) });
    for (const { name } of this.dashboard.variables) search.set(`var-${name}`, this.query.get(name) ?? '');
    for (const [name, value] of [...search]) if (value === '') search.delete(name);
    const waiting = [...this.views.entries()];
    const work = async () => {
      for (let next = waiting.shift(); next !== undefined && !signal.aborted; next = waiting.shift()) {
        const panel = this.dashboard.panels[next[0]];
        if (panel === undefined) continue;
        const path = `/api/panels/${encodeURIComponent(this.dashboard.uid)}/${encodeURIComponent(panel.id)}?${search}`;
        await next[1].load(path, stretch, signal);
      }
    };
    await Promise.all(Array.from({ length: PANELS_AT_ONCE }, work));
    if (!signal.aborted)
      this.asOf.textContent = `as of ${formatClock(Date.now(), this.context.zone)} ${this.context.zone}`;
  }

  drawControls() {
    const hadFocus = this.controls.contains(document.activeElement);
    const refresh = element('button', { type: 'button', on: { click: () => void this.load() } }, 'Refresh');
    const fields = this.dashboard.variables.map((variable) => this.variableField(variable));
    this.controls.replaceChildren(...this.rangeFields(), ...fields, refresh, this.refreshToggle(), this.asOf);
    if (hadFocus) this.controls.querySelector('select')?.focus();
  }

  refreshToggle() {
    const toggle = element(
      'button',
      { type: 'button', class: 'toggle', 'aria-pressed': String(isRefreshing) },
      'Every 30 s',
    );
    toggle.addEventListener('click', () => {
      isRefreshing = !isRefreshing;
      toggle.setAttribute('aria-pressed', String(isRefreshing));
      say(isRefreshing ? 'It is asked again every 30 seconds.' : 'It is not asked again by itself.');
    });
    return toggle;
  }

  rangeFields() {
    const { from, to, isFixed } = this.stretch();
    const current = this.query.get('range') ?? this.dashboard.range;
    const isOffered = ranges.some(([value]) => value === current);
    const options = [
      ...ranges,
      ...(isFixed || isOffered ? [] : [/** @type {const} */ ([current, `Last ${printable(current)}`])]),
      /** @type {const} */ (['fixed', 'From – to']),
    ];
    const select = element(
      'select',
      { name: 'range' },
      ...options.map(([value, text]) =>
        element('option', { value, selected: isFixed ? value === 'fixed' : value === current }, text),
      ),
    );
    select.addEventListener('change', () =>
      this.choose(
        select.value === 'fixed'
          ? { range: '', from: String(from), to: String(to) }
          : { range: select.value, from: '', to: '' },
      ),
    );
    const fields = [field('Range', select)];
    if (isFixed) fields.push(this.momentField('From', 'from', from), this.momentField('To', 'to', to));
    return fields;
  }

  /** A time of the viewer's clock. @param {string} label @param {'from' | 'to'} name @param {number} seconds */
  momentField(label, name, seconds) {
    const input = element('input', { type: 'datetime-local', name, value: localText(seconds) });
    input.addEventListener('change', () => {
      const chosen = Date.parse(input.value) / 1000;
      const { from, to } = this.stretch();
      const isRange = name === 'from' ? chosen < to : from < chosen;
      input.setCustomValidity(isRange ? '' : 'From has to be before To.');
      if (input.reportValidity()) this.choose({ [name]: String(chosen) });
    });
    return field(label, input);
  }

  /** @param {Variable} variable */
  variableField(variable) {
    const value = this.query.get(variable.name) ?? '';
    if (variable.kind === 'choice') return this.choiceField(variable, value);
    const input = element('input', {
      type: 'search',
      name: variable.name,
      value,
      placeholder: 'all',
      title: variable.description,
      autocomplete: 'off',
      spellcheck: 'false',
    });
    input.addEventListener('change', () => this.choose({ [variable.name]: input.value.trim() }));
    return field(variable.label, input);
  }

  /** @param {Variable} variable @param {string} value */
  choiceField({ name, label }, value) {
    const select = element('select', { name }, element('option', { value: '' }, 'All'));
    if (value !== '') select.append(element('option', { value, selected: true }, printable(value)));
    select.addEventListener('change', () => this.choose({ [name]: select.value }));
    void this.fillChoices(select, name, value);
    return field(label, select);
  }

  /** @param {HTMLSelectElement} select @param {string} name @param {string} value */
  async fillChoices(select, name, value) {
    const { from, to } = this.stretch();
    const path = `/api/variables/${encodeURIComponent(this.dashboard.uid)}/${encodeURIComponent(name)}?from=${from}&to=${to}`;
    /** @type {import('./api.js').Answer<{ values: string[] }>} */
    const answer = await get(path, this.context.signal);
    if (!answer.ok) return;
    for (const each of answer.value.values)
      if (each !== value) select.append(element('option', { value: each }, printable(each)));
  }
}

/** As a field for a time has it, in the viewer's zone. @param {number} seconds */
function localText(seconds) {
  const offsetMs = new Date(seconds * 1000).getTimezoneOffset() * 60_000;
  return new Date(seconds * 1000 - offsetMs).toISOString().slice(0, 16);
}
