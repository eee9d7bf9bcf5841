/** @import { Context } from './context.js' */
import { get } from './api.js';
import { element, field, notice, scrolling } from './dom.js';
import { counted, printable } from './text.js';

/** @typedef {{ path: string, value: unknown, isDefault: boolean }} Setting */

/** The settings in force, to be read only. @param {Context} context */
export async function showConfiguration({ main, signal }) {
  const search = element('input', {
    type: 'search',
    name: 'search',
    placeholder: 'name or value',
    autocomplete: 'off',
    spellcheck: 'false',
  });
  const changed = element('input', { type: 'checkbox', name: 'changed' });
  const count = element('span', { class: 'as-of', role: 'status' });
  const list = element('div', {}, notice('loading', 'Loading …'));
  const form = element(
    'form',
    { class: 'controls' },
    field('Search', search),
    element('label', { class: 'check' }, changed, ' only what is not the default'),
    count,
  );
  form.addEventListener('submit', (event) => event.preventDefault());
  main.append(form, list);
  /** @type {import('./api.js').Answer<{ settings: Setting[] }>} */
  const answer = await get('/api/config', signal);
  if (signal.aborted) return;
  if (!answer.ok) {
    list.replaceChildren(notice('error', answer.error));
    return;
  }
  const { settings } = answer.value;
  const draw = () => {
    const wanted = search.value.trim().toLowerCase();
    const found = settings.filter(
      ({ path, value, isDefault }) =>
        !(changed.checked && isDefault) && `${path} ${shown(value)}`.toLowerCase().includes(wanted),
    );
    count.textContent = counted(found.length, 'setting');
    list.replaceChildren(
      found.length === 0 ? notice('empty', 'No setting fits.') : scrolling('Settings', tableOf(found)),
    );
  };
  form.addEventListener('input', draw);
  draw();
}

/** @param {unknown} value */
const shown = (value) => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

/** @param {readonly Setting[]} settings */
const tableOf = (settings) =>
  element(
    'table',
    { class: 'settings' },
    element(
      'thead',
      {},
      element('tr', {}, ...['setting', 'value', ''].map((text) => element('th', { scope: 'col' }, text))),
    ),
    element(
      'tbody',
      {},
      ...settings.map(({ path, value, isDefault }) =>
        element(
          'tr',
          { class: isDefault ? 'quiet' : '' },
          element('td', {}, element('code', {}, printable(path))),
          element('td', {}, element('code', {}, printable(shown(value)))),
          element('td', {}, isDefault ? 'default' : 'set'),
        ),
      ),
    ),
  );
