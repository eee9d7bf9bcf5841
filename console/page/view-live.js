/** @import { MailEvent } from '../../events/event.ts' */
/** @import { Context } from './context.js' */
import { get } from './api.js';
import { element, field, say } from './dom.js';
import { eventTypes } from './notes.js';
import { hashOf } from './routes.js';
import { TAIL_ROWS_MAX, TailBuffer } from './tail-buffer.js';
import { counted, printable } from './text.js';
import { formatClockMs } from './times.js';
import { tailLine } from './transcript.js';
import { markElements } from './transcript-view.js';

/** How often what came is drawn, milliseconds. */
const DRAW_MS = 200;
const FILTERS = ['ip', 'rule', 'type', 'text'];

/** Where the newest row stands; holds until the page is left. */
let isNewestOnTop = true;

/** The events as they happen. @param {Context} context */
export const showLive = (context) => new LiveView(context).start();

class LiveView {
  /** @type {TailBuffer<MailEvent>} */
  #buffer = new TailBuffer();
  #isPaused = false;
  /** @type {EventSource | undefined} */
  #source;
  #rows = element('ol', { class: 'tail', 'aria-label': 'Events' });
  #state = element('span', { class: 'as-of', role: 'status' });
  #pause = element('button', { type: 'button', class: 'toggle', 'aria-pressed': 'false' }, 'Pause');

  /** @param {Context} context */
  constructor(context) {
    this.context = context;
    this.query = new Map(context.route.query);
  }

  start() {
    const { main, signal } = this.context;
    main.append(this.#controls(), this.#rows);
    this.#rows.classList.toggle('newest-last', !isNewestOnTop);
    this.#open();
    const timer = setInterval(() => this.#draw(), DRAW_MS);
    signal.addEventListener('abort', () => {
      clearInterval(timer);
      this.#source?.close();
    });
  }

  #open() {
    this.#source?.close();
    const search = new URLSearchParams(
      [...this.query].filter(([name, value]) => FILTERS.includes(name) && value !== ''),
    );
    const source = new EventSource(search.size === 0 ? '/api/events' : `/api/events?${search}`);
    this.#source = source;
    this.#tell('Connecting …');
    source.addEventListener('open', () => this.#tell(''));
    source.addEventListener('message', ({ data }) => this.#receive(data));
    source.addEventListener('error', () => void this.#explain(source));
  }

  /** Why a stream ended: a browser does not say. @param {EventSource} source */
  async #explain(source) {
    if (source.readyState !== EventSource.CLOSED) {
      this.#tell('The connection broke; trying again …');
      return;
    }
    const answer = await get('/api/me', this.context.signal);
    if (!answer.ok) this.#tell(answer.error);
    else
      this.#tell(
        'The server does not take this stream: a filter is wrong, or too many are open. Change the filter to try again.',
      );
  }

  /** @param {string} data */
  #receive(data) {
    try {
      this.#buffer.add(JSON.parse(data));
    } catch {
      this.#tell('An event came that is no JSON; it is left out.');
    }
  }

  #draw() {
    if (this.#isPaused) {
      this.#pause.textContent =
        this.#buffer.count === 0 ? 'Go on' : `Go on (${this.#buffer.count.toLocaleString('en-US')} wait)`;
      return;
    }
    const events = this.#buffer.take();
    if (events.length === 0) return;
    const isAtEnd = isNewestOnTop || this.#rows.scrollHeight - this.#rows.scrollTop - this.#rows.clientHeight < 40;
    const rows = events.map((event) => this.#row(event));
    if (isNewestOnTop) this.#rows.prepend(...rows.reverse());
    else this.#rows.append(...rows);
    while (this.#rows.childElementCount > TAIL_ROWS_MAX)
      (isNewestOnTop ? this.#rows.lastElementChild : this.#rows.firstElementChild)?.remove();
    if (!isNewestOnTop && isAtEnd) this.#rows.scrollTop = this.#rows.scrollHeight;
  }

  /** @param {MailEvent} event */
  #row(event) {
    const { text, tone, marks } = tailLine(event);
    const parts = [
      element('time', {}, formatClockMs(event.at, this.context.zone)),
      element('span', { class: 'source' }, printable('ip' in event ? event.ip : event.gate)),
      element('span', { class: 'said' }, text, ...markElements(marks).flatMap((mark) => [' ', mark])),
    ];
    const inside =
      'sid' in event ? element('a', { href: hashOf('session', event.sid) }, ...parts) : element('div', {}, ...parts);
    return element('li', { class: tone }, inside);
  }

  #controls() {
    const { query } = this;
    const text = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string} */ hint) =>
      field(
        label,
        element('input', {
          type: 'search',
          name,
          value: query.get(name) ?? '',
          placeholder: hint,
          autocomplete: 'off',
          spellcheck: 'false',
        }),
      );
    const chosen = query.get('type') ?? '';
    const type = element(
      'select',
      { name: 'type' },
      element('option', { value: '' }, 'All'),
      ...eventTypes.map((each) => element('option', { value: each, selected: each === chosen }, each)),
    );
    const form = element(
      'form',
      { class: 'controls' },
      text('ip', 'Address', 'or network'),
      text('rule', 'Rule', 'relay.denied'),
      field('Type', type),
      text('text', 'Text', 'anything in it'),
    );
    form.addEventListener('submit', (event) => event.preventDefault());
    form.addEventListener('change', () => this.#filter(form));
    this.#pause.addEventListener('click', () => this.#togglePause());
    form.append(this.#pause, this.#orderToggle(), this.#state);
    return form;
  }

  /** @param {HTMLFormElement} form */
  #filter(form) {
    for (const name of FILTERS) this.query.set(name, String(new FormData(form).get(name) ?? '').trim());
    history.replaceState(null, '', hashOf('live', '', this.query));
    this.#rows.replaceChildren();
    this.#buffer.take();
    this.#open();
  }

  #togglePause() {
    this.#isPaused = !this.#isPaused;
    this.#pause.setAttribute('aria-pressed', String(this.#isPaused));
    this.#pause.textContent = this.#isPaused ? 'Go on' : 'Pause';
    say(this.#isPaused ? 'Paused.' : `Goes on with ${counted(this.#buffer.count, 'event')}.`);
    this.#draw();
  }

  #orderToggle() {
    const textOf = () => (isNewestOnTop ? 'Newest on top' : 'Newest below');
    const toggle = element('button', { type: 'button' }, textOf());
    toggle.addEventListener('click', () => {
      isNewestOnTop = !isNewestOnTop;
      toggle.textContent = textOf();
      this.#rows.classList.toggle('newest-last', !isNewestOnTop);
      this.#rows.replaceChildren(...[...this.#rows.children].reverse());
      this.#rows.scrollTop = isNewestOnTop ? 0 : this.#rows.scrollHeight;
    });
    return toggle;
  }

  /** @param {string} text */
  #tell(text) {
    this.#state.textContent = text === '' ? `Connected; times are ${this.context.zone}` : text;
  }
}
