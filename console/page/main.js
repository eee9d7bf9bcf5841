/** @import { Context, DashboardShown, Me } from './context.js' */
/** @import { Route } from './routes.js' */
import { get, SIGNED_OUT } from './api.js';
import { element, notice, proseOf, say } from './dom.js';
import { hashOf, routeOf, routeOfSearch } from './routes.js';
import { printable } from './text.js';
import { showConfiguration } from './view-configuration.js';
import { showDashboard } from './view-dashboard.js';
import { showDecisions } from './view-decisions.js';
import { showLive } from './view-live.js';
import { showSession } from './view-session.js';
import { showSignIn } from './view-sign-in.js';
import { showWhy } from './view-why.js';

/** @typedef {{ me: Me, dashboards: readonly DashboardShown[] }} Session */

/** @type {Readonly<Record<Exclude<Route['view'], 'start'>, (context: Context) => void | Promise<void>>>} */
const views = {
  dashboard: showDashboard,
  live: showLive,
  session: showSession,
  decisions: showDecisions,
  why: showWhy,
  configuration: showConfiguration,
};

const main = part('main');
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
/** @type {Session | undefined} */
let session;
let leaving = new AbortController();
let hasShown = false;

/** An element of index.html. @param {string} id */
function part(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`index.html has no #${id}`);
  return found;
}

async function start() {
  /** @type {import('./api.js').Answer<Me>} */
  const me = await get('/api/me');
  if (!me.ok) {
    if (me.status !== 401) showFault(me.error);
    return;
  }
  /** @type {import('./api.js').Answer<DashboardShown[]>} */
  const dashboards = me.value.history ? await get('/api/dashboards') : { ok: true, value: [] };
  if (!dashboards.ok) {
    showFault(dashboards.error);
    return;
  }
  session = { me: me.value, dashboards: dashboards.value };
  document.body.classList.add('signed-in');
  part('who').textContent = `${printable(me.value.site)} · ${me.value.role} · ${printable(me.value.version)}`;
  drawMenu(session);
  show();
}

/** @param {string} error */
function showFault(error) {
  const again = element('button', { type: 'button', on: { click: () => void start() } }, 'Try again');
  main.replaceChildren(notice('error', error), again);
}

/** `Postern: overview` as `Overview`. @param {string} title */
function shortTitle(title) {
  const short = title.replace(/^Postern: /, '');
  return short.charAt(0).toUpperCase() + short.slice(1);
}

/** @param {Session} session */
function drawMenu({ me, dashboards }) {
  const item = (/** @type {string} */ href, /** @type {string} */ text) =>
    element('li', {}, element('a', { href }, text));
  const list = dashboards.map(({ uid, title }) => item(hashOf('dashboard', uid), shortTitle(title)));
  part('menu').replaceChildren(
    ...(me.history
      ? list
      : [
          element(
            'li',
            { class: 'hint' },
            ...proseOf('No dashboards: there is no history to ask (`store` in postern.yaml), or it is away.'),
          ),
        ]),
    item(hashOf('live'), 'Live'),
    item(hashOf('decisions'), 'In force'),
    item(hashOf('configuration'), 'Configuration'),
  );
}

/** @param {Route} route @param {Session} session */
function titleOf(route, { dashboards }) {
  switch (route.view) {
    case 'dashboard':
      return shortTitle(dashboards.find(({ uid }) => uid === route.name)?.title ?? 'Unknown dashboard');
    case 'live':
      return 'Live';
    case 'session':
      return 'Session';
    case 'decisions':
      return 'Decisions in force';
    case 'why':
      return `Why ${printable(route.name)}`;
    default:
      return 'Configuration';
  }
}

/** Shows where the address leads. */
function show() {
  if (session === undefined) return;
  const { me, dashboards } = session;
  const route = routeOf(location.hash);
  if (route.view === 'start') {
    const [first] = dashboards;
    location.replace(first === undefined ? hashOf('live') : hashOf('dashboard', first.uid));
    return;
  }
  leaving.abort();
  leaving = new AbortController();
  const title = titleOf(route, session);
  document.title = `${title} – Postern`;
  const heading = element('h1', { tabindex: '-1' }, title);
  main.replaceChildren(heading);
  main.dataset['view'] = route.view;
  markMenu();
  closeMenu();
  scrollTo(0, 0);
  // At first the focus stays at the start of the page, where the skip link is.
  if (hasShown) heading.focus({ preventScroll: true });
  hasShown = true;
  void views[route.view]({ route, main, me, dashboards, zone, signal: leaving.signal });
}

function markMenu() {
  const [here] = location.hash.split('?');
  for (const link of part('menu').querySelectorAll('a')) {
    if (link.getAttribute('href') === here) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}

const menuButton = part('menu-button');

function closeMenu() {
  menuButton.setAttribute('aria-expanded', 'false');
}

function search() {
  const input = /** @type {HTMLInputElement} */ (part('search-text'));
  const target = routeOfSearch(input.value);
  part('search-answer').textContent =
    target === undefined
      ? 'Write an address, a range, the id of a session or decision, or the reference in a refusal.'
      : '';
  if (target === undefined) return;
  if (location.hash === target) show();
  else location.hash = target;
}

menuButton.addEventListener('click', () =>
  menuButton.setAttribute('aria-expanded', String(menuButton.getAttribute('aria-expanded') !== 'true')),
);
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && menuButton.getAttribute('aria-expanded') === 'true') {
    closeMenu();
    menuButton.focus();
  }
});
part('search').addEventListener('submit', (event) => {
  event.preventDefault();
  search();
});
part('skip').addEventListener('click', (event) => {
  event.preventDefault();
  main.querySelector('h1')?.focus();
});
addEventListener('hashchange', show);
document.addEventListener(SIGNED_OUT, () => {
  leaving.abort();
  session = undefined;
  document.body.classList.remove('signed-in');
  document.title = 'Sign in – Postern';
  say('');
  showSignIn(main, () => void start());
});
void start();
