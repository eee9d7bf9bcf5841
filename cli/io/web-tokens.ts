import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isToken, type Role, TOKEN_LENGTH_MAX, TOKEN_LENGTH_MIN } from '../../console/credentials.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { pathText } from '../config/fault.ts';
import type { Places } from '../config/places.ts';
import type { Configured } from './config-file.ts';
import { readWebToken } from './material.ts';
import { makeOnce } from './site-secret.ts';
import { textOf } from './text-of.ts';

/** Octets of a token that is made, as base64url in its file. */
const TOKEN_OCTETS = 32;

/** The token of one role, from where the configuration or the data directory keeps it. @returns One line where there is none. */
export function webToken({ config, folder }: Configured, places: Places, role: Role): Result<string, string> {
  const key = keyOf(role);
  const named = readWebToken(config, folder, key);
  if (!named.ok) return err(`${pathText(named.error.path)}: ${named.error.problem}; ${named.error.hint}`);
  const token = named.value === undefined ? tokenIn(places, role) : ok(named.value);
  if (!token.ok) return token;
  return isToken(token.value)
    ? token
    : err(`web.${key}: a token has ${TOKEN_LENGTH_MIN} to ${TOKEN_LENGTH_MAX} letters, digits and signs of -._~`);
}

/** Makes the tokens that the configuration does not name, for this user alone. */
export function makeWebTokens({ config }: Configured, places: Places): Result<undefined, string> {
  for (const key of ['viewerToken', 'operatorToken'] as const) {
    if (config.web[key] !== undefined) continue;
    try {
      makeOnce(places[key], Buffer.from(`${randomBytes(TOKEN_OCTETS).toString('base64url')}\n`));
    } catch (error) {
      return err(`${places[key]}: ${textOf(error)}`);
    }
  }
  return ok(undefined);
}

/** The token of one role that was made in the data directory. */
export function tokenIn(places: Places, role: Role): Result<string, string> {
  const path = places[keyOf(role)];
  try {
    return ok(readFileSync(path, 'utf8').replace(/\r?\n$/, ''));
  } catch (error) {
    return err(`${path}: ${textOf(error)}`);
  }
}

const keyOf = (role: Role): 'viewerToken' | 'operatorToken' => (role === 'viewer' ? 'viewerToken' : 'operatorToken');
