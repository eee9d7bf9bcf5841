/** Who asks: what each of them may do is in {@link mayAct}. */
export type Role = 'viewer' | 'operator';

export const mayAct = (role: Role): boolean => role === 'operator';

/** Fewest characters of a token: a short one can be guessed. */
export const TOKEN_LENGTH_MIN = 16;
/** Most of them. */
export const TOKEN_LENGTH_MAX = 256;
const COOKIE = 'postern';

/** Headers that may hold a token. */
export interface CredentialHeaders {
  readonly authorization?: string | undefined;
  readonly cookie?: string | undefined;
}

/** What may be a token in a request, at most one of the `Authorization` header and one of the cookie. */
export function tokensIn({ authorization, cookie }: CredentialHeaders): readonly string[] {
  const [, bearer] = /^Bearer +([!-~]+)$/i.exec(authorization ?? '') ?? [];
  return [bearer, cookieIn(cookie ?? '')].filter((token) => token !== undefined);
}

function cookieIn(text: string): string | undefined {
  for (const part of text.split(';')) {
    const [name, ...value] = part.trim().split('=');
    if (name === COOKIE) return value.join('=');
  }
  return undefined;
}

/** What a token can be: it stands in an address, a header and a cookie as it is. */
export const isToken = (text: string): boolean =>
  text.length >= TOKEN_LENGTH_MIN && text.length <= TOKEN_LENGTH_MAX && /^[A-Za-z0-9._~-]+$/.test(text);

/** Sets the cookie; the token is one that was accepted. */
export const cookieHeader = (token: string): string => `${COOKIE}=${token}; HttpOnly; SameSite=Strict; Path=/`;

/** The token in the body of a login; undefined where there is none. */
export function tokenOfLogin(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('token' in body)) return undefined;
  return typeof body.token === 'string' ? body.token : undefined;
}
