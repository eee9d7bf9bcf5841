/**
 * Where somebody is: `#/session/<sid>`, `#/dashboard/<uid>?range=24h&gate=…`.
 *
 * @typedef {object} Route
 * @property {'dashboard' | 'live' | 'session' | 'decisions' | 'why' | 'configuration' | 'start'} view
 * @property {string} name - Dashboard, session or subject; empty where there is none.
 * @property {ReadonlyMap<string, string>} query
 */

/** @type {readonly Route['view'][]} */
const VIEWS = ['dashboard', 'live', 'session', 'decisions', 'why', 'configuration'];

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * What nobody knows is the start.
 *
 * @param {string} hash
 * @returns {Route}
 */
export function routeOf(hash) {
  const [path = '', search = ''] = hash.replace(/^#?\/?/, '').split('?', 2);
  const [word = '', ...rest] = path.split('/');
  const view = VIEWS.find((each) => each === word) ?? 'start';
  return { view, name: decoded(rest.join('/')), query: new Map(new URLSearchParams(search)) };
}

/**
 * The address of a route; empty values stay out.
 *
 * @param {Route['view']} view
 * @param {string} [name]
 * @param {Iterable<readonly [string, string]>} [query]
 */
export function hashOf(view, name = '', query = []) {
  const search = new URLSearchParams(
    [...query].filter(([, value]) => value !== '').map(([key, value]) => [key, value]),
  );
  const path = name === '' ? view : `${view}/${encodeURIComponent(name)}`;
  return search.size === 0 ? `#/${path}` : `#/${path}?${search}`;
}

const SESSION = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const REFERENCE = /^[0-9a-z]{26}$/i;
const DECISION = /^[0-9a-f]{16}$/;
const SOURCE = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f:.]*:[0-9a-f:.]*)(?:\/\d{1,3})?$/i;

/**
 * Where a search leads: a session to its dialogue, everything else that `postern why` knows to its chain; undefined for
 * what is nothing of the kind.
 *
 * @param {string} text
 */
export function routeOfSearch(text) {
  const wanted = text.trim();
  if (SESSION.test(wanted)) return hashOf('session', wanted.toLowerCase());
  if (REFERENCE.test(wanted) || DECISION.test(wanted) || isSource(wanted)) return hashOf('why', wanted);
  return undefined;
}

/** An address or a range, by its looks. @param {string} text */
export const isSource = (text) => SOURCE.test(text);

/** @param {string} text */
export const isSession = (text) => SESSION.test(text);

/** @param {string} ip */
export const hashOfSessions = (ip) => hashOf('dashboard', 'postern-sessions', [['ip', ip]]);
