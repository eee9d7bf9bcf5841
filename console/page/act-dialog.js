import { post } from './api.js';
import { element, field, notice, say } from './dom.js';

/** Longest reason that the gate keeps, UTF-16 code units. */
const REASON_LENGTH_MAX = 200;
/** Longest address or range, characters. */
const SUBJECT_LENGTH_MAX = 64;
/** Longest act, hours: ten years. */
const HOURS_MAX = 87_600;

/**
 * @typedef {object} Act
 * @property {'block' | 'allow' | 'unblock' | 'disallow'} act
 * @property {string} [value] - Asked for where it is not given.
 */

/** @type {Readonly<Record<Act['act'], { title: string, button: string, does: string }>>} */
const TEXTS = {
  block: { title: 'Block', button: 'Block it', does: 'Its connections are refused at every gate, at once.' },
  allow: {
    title: 'Allow',
    button: 'Allow it',
    does: 'It is let through whatever is decided; relay control, limits and all other rules stay.',
  },
  unblock: {
    title: 'Undo',
    button: 'Undo it',
    does: 'Every decision about it ends at every gate, at once; it may be decided about again.',
  },
  disallow: {
    title: 'Undo the allow of',
    button: 'Undo it',
    does: 'It is let through no more than others, at every gate, at once; an allow of a part of it ends as well.',
  },
};

/**
 * Asks for the reason of an act and does it. Escape closes it and nothing is done.
 *
 * @param {Act} act
 * @returns {Promise<boolean>} Whether it was done.
 */
export const askAndAct = (act) => new ActDialog(act).ask();

class ActDialog {
  #subject = element('input', {
    name: 'value',
    required: true,
    maxlength: SUBJECT_LENGTH_MAX,
    autocomplete: 'off',
    spellcheck: 'false',
    placeholder: '192.0.2.1 or 192.0.2.0/24',
  });
  #reason = element('input', { name: 'reason', required: true, maxlength: REASON_LENGTH_MAX, autocomplete: 'off' });
  #hours = element('input', {
    name: 'hours',
    type: 'number',
    min: '0.1',
    max: HOURS_MAX,
    step: 'any',
  });
  #answer = element('div', { class: 'answer', 'aria-live': 'assertive' });
  #submit = element('button', { type: 'submit', class: 'primary' });
  /** @type {HTMLDialogElement} */ #dialog;
  /** @type {Act} */ #act;
  #isDone = false;

  /** @param {Act} act */
  constructor(act) {
    this.#act = act;
    this.#hours.placeholder = act.act === 'allow' ? 'for good' : '24';
    const title = `${TEXTS[act.act].title} ${act.value ?? 'an address or range'}`;
    this.#dialog = element('dialog', { 'aria-label': title }, this.#form(title));
  }

  /** @returns {Promise<boolean>} */
  ask() {
    const { promise, resolve } = /** @type {PromiseWithResolvers<boolean>} */ (Promise.withResolvers());
    this.#dialog.addEventListener('close', () => {
      this.#dialog.remove();
      resolve(this.#isDone);
    });
    document.body.append(this.#dialog);
    this.#dialog.showModal();
    (this.#act.value === undefined ? this.#subject : this.#reason).focus();
    return promise;
  }

  /** @param {string} title */
  #form(title) {
    const { act, value } = this.#act;
    this.#submit.textContent = TEXTS[act].button;
    const form = element(
      'form',
      {},
      element('h2', {}, title),
      element('p', {}, TEXTS[act].does),
      value === undefined && field('Address or range', this.#subject),
      field('Reason (whoever asks later will read it)', this.#reason),
      (act === 'block' || act === 'allow') && field('Hours', this.#hours),
      this.#answer,
      element(
        'div',
        { class: 'buttons' },
        element('button', { type: 'button', on: { click: () => this.#dialog.close() } }, 'Cancel'),
        this.#submit,
      ),
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#send();
    });
    return form;
  }

  async #send() {
    const reason = this.#reason.value.trim();
    if (reason === '') {
      this.#answer.replaceChildren(notice('error', 'Say why: the reason stands in the decision.'));
      return;
    }
    const { act, value = this.#subject.value.trim() } = this.#act;
    const lasting = this.#hours.value === '' ? {} : { hours: Number(this.#hours.value) };
    this.#submit.disabled = true;
    /** @type {import('./api.js').Answer<{ done: string }>} */
    const result = await post('/api/acts', { act, value, reason, ...lasting });
    this.#submit.disabled = false;
    if (!result.ok) {
      this.#answer.replaceChildren(notice('error', result.error));
      return;
    }
    this.#isDone = true;
    say(result.value.done);
    this.#dialog.close();
  }
}
