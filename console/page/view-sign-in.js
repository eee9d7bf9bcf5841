import { post } from './api.js';
import { element, field, notice } from './dom.js';

/** Asks for the token. @param {HTMLElement} main @param {() => void} onDone */
export function showSignIn(main, onDone) {
  const token = element('input', { type: 'password', name: 'token', required: true, autocomplete: 'current-password' });
  const answer = element('div', { 'aria-live': 'assertive' });
  const form = element(
    'form',
    { class: 'sign-in' },
    element('h1', { tabindex: '-1' }, 'Sign in'),
    element(
      'p',
      {},
      'The console needs a token. On the machine of the gate, ',
      element('code', {}, 'postern web --link'),
      ' prints an address with one.',
    ),
    field('Token', token),
    answer,
    element('div', { class: 'buttons' }, element('button', { type: 'submit', class: 'primary' }, 'Sign in')),
  );
  const send = async () => {
    const result = await post('/api/login', { token: token.value.trim() });
    if (result.ok) {
      onDone();
      return;
    }
    const isWrong = result.status === 401 || result.status === 403;
    answer.replaceChildren(
      notice('error', isWrong ? 'This is not a token of this console. Copy it again, whole.' : result.error),
    );
    token.select();
    token.focus();
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void send();
  });
  main.replaceChildren(form);
  token.focus();
}
