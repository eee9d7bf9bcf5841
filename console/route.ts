import { err, ok, type Result } from '../lib/result.ts';
import { sidOfReference } from '../lib/uuid-v7.ts';
import { type Refusal, refused } from './answer.ts';

/** Longest path with its query, octets. */
export const TARGET_LENGTH_MAX = 4096;
/** Longest value of a parameter of a query, UTF-16 code units. */
export const PARAMETER_LENGTH_MAX = 400;

/** Parameters of a query, each name once: the first one counts. */
export type Parameters = ReadonlyMap<string, string>;

/** What a browser asks for. */
export type Route =
  /** The page; `token`: as it stands in a link. */
  | { readonly kind: 'home'; readonly token: string | undefined }
  | { readonly kind: 'file'; readonly name: string }
  | { readonly kind: 'login' }
  | ApiRoute;

/** What needs a token. */
export type ApiRoute =
  | { readonly kind: 'me' | 'dashboards' | 'config' | 'acts' }
  | {
      readonly kind: 'panel';
      readonly dashboard: string;
      readonly panel: string;
      readonly parameters: Parameters;
    }
  | { readonly kind: 'variable'; readonly dashboard: string; readonly name: string; readonly parameters: Parameters }
  | { readonly kind: 'events'; readonly parameters: Parameters }
  | { readonly kind: 'session'; readonly sid: string }
  | { readonly kind: 'blocklist'; readonly ip: string }
  | { readonly kind: 'why'; readonly subject: string };

const notFound = refused(404, 'There is nothing here.');

/** Reads the request line. Names are compared as they are: a path with `..` or `%2e` in it is none. */
export function readRoute(method: string, target: string): Result<Route, Refusal> {
  if (target.length > TARGET_LENGTH_MAX) return err(refused(414, 'The address is too long.'));
  const mark = target.indexOf('?');
  const path = mark === -1 ? target : target.slice(0, mark);
  const given = parametersOf(mark === -1 ? '' : target.slice(mark + 1));
  if (!given.ok) return given;
  const route = routeOf(path, given.value);
  if (route === undefined) return err(notFound);
  const isPosted = route.kind === 'login' || route.kind === 'acts';
  const allow = isPosted ? 'POST' : route.kind === 'home' || route.kind === 'file' ? 'GET, HEAD' : 'GET';
  return allow.split(', ').includes(method)
    ? ok(route)
    : err({ status: 405, error: `This takes ${allow} only.`, allow });
}

function parametersOf(query: string): Result<Parameters, Refusal> {
  const parameters = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (value.length > PARAMETER_LENGTH_MAX) return err(refused(400, 'A value in the address is too long.'));
    if (!parameters.has(name)) parameters.set(name, value);
  }
  return ok(parameters);
}

function routeOf(path: string, parameters: Parameters): Route | undefined {
  if (path === '/') return { kind: 'home', token: parameters.get('token') };
  const [before, area, ...rest] = path.split('/');
  if (before !== '') return undefined;
  if (area === 'app') return { kind: 'file', name: rest.join('/') };
  if (area !== 'api') return undefined;
  const [name = '', ...below] = rest;
  const texts = below.map(decoded);
  if (texts.includes(undefined)) return undefined;
  return below.length === 0 ? plainRoute(name, parameters) : routeBelow(name, texts as string[], parameters);
}

function plainRoute(name: string, parameters: Parameters): Route | undefined {
  switch (name) {
    case 'login':
    case 'me':
    case 'dashboards':
    case 'config':
    case 'acts':
      return { kind: name };
    case 'events':
      return { kind: 'events', parameters };
    case 'blocklist':
      return { kind: 'blocklist', ip: parameters.get('ip') ?? '' };
    default:
      return undefined;
  }
}

function routeBelow(name: string, texts: readonly string[], parameters: Parameters): Route | undefined {
  const [first = '', second, third] = texts;
  // A range has a slash of its own, encoded or not.
  if (name === 'why' && first !== '' && third === undefined) return { kind: 'why', subject: texts.join('/') };
  if (name === 'sessions' && second === undefined) {
    const sid = sidOf(first);
    return sid === undefined ? undefined : { kind: 'session', sid };
  }
  if (second === undefined || third !== undefined) return undefined;
  if (name === 'panels') return { kind: 'panel', dashboard: first, panel: second, parameters };
  return name === 'variables' ? { kind: 'variable', dashboard: first, name: second, parameters } : undefined;
}

/** A session by its id, or by the reference in a refusal. */
function sidOf(text: string): string | undefined {
  const isId = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
  return isId ? text.toLowerCase() : sidOfReference(text);
}

/** Undefined for octets that are no text. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
