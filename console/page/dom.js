/**
 * @typedef {Node | string | undefined | false} Child
 *
 * @typedef {object} Extra
 * @property {string} [class]
 * @property {Readonly<Record<string, (event: any) => void>>} [on] - Listeners by event.
 */

/** Attributes that hold code or mark-up; nothing here may set one. */
const FORBIDDEN = /^(?:on|srcdoc$|style$)/;

/**
 * An element with attributes and children. Text goes in as text: there is no other way into the page.
 *
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Extra & Record<string, unknown>} [properties] - `true` sets an empty attribute, `false` and `undefined` none.
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  const { on = {}, ...attributes } = properties;
  for (const [key, value] of Object.entries(attributes)) {
    if (FORBIDDEN.test(key) || value === undefined || value === false) continue;
    made.setAttribute(key, value === true ? '' : String(value));
  }
  for (const [event, listen] of Object.entries(on)) made.addEventListener(event, listen);
  made.append(...shown(children));
  return made;
}

/** @param {readonly Child[]} children */
const shown = (children) =>
  children
    .filter((child) => /** @type {unknown} */ (child) !== undefined && child !== false)
    .map((child) => /** @type {Node | string} */ (child));

/** A link within the console, or the text where it leads nowhere. @param {string} text @param {string | undefined} hash */
export const linked = (text, hash) => (hash === undefined ? text : element('a', { href: hash }, text));

/** What stands where there is nothing else: that it loads, that there is nothing, that it failed. @param {'loading' | 'empty' | 'error'} kind @param {...Child} children */
export const notice = (kind, ...children) =>
  element('p', { class: `notice ${kind}`, ...(kind === 'error' ? { role: 'alert' } : {}) }, ...children);

/** A table that scrolls within itself, so that the page never does. @param {string} label @param {HTMLElement} table */
export const scrolling = (label, table) =>
  element('div', { class: 'scroll', role: 'region', tabindex: '0', 'aria-label': label }, table);

/** How long something that is said stays, milliseconds. */
const SAID_MS = 10_000;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let saidUntil;

/** Says something, also to people who listen to the page; it goes by itself. @param {string} text */
export function say(text) {
  const status = document.getElementById('status');
  if (status === null) return;
  status.textContent = text;
  clearTimeout(saidUntil);
  saidUntil = setTimeout(() => {
    status.textContent = '';
  }, SAID_MS);
}

/** A label with its field. @param {string} text @param {HTMLElement} control */
export const field = (text, control) => element('label', { class: 'field' }, element('span', {}, text), control);

/** Prose whose commands and names stand between backticks. @param {string} text */
export const proseOf = (text) =>
  text.split('`').map((piece, index) => (index % 2 === 0 ? piece : element('code', {}, piece)));
