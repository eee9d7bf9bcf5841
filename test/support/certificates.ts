import { isIP } from 'node:net';
import { generate } from 'selfsigned';
import type { CertificatePem } from '../../proxy/io/tls.ts';

const made = new Map<string, Promise<CertificatePem>>();

/** A self-signed certificate for the names, the same one every time in one process. */
export function certificateFor(...names: readonly string[]): Promise<CertificatePem> {
  const key = names.join(' ');
  const known = made.get(key) ?? make(names);
  made.set(key, known);
  return known;
}

const DAY_MS = 86_400_000;

/** An authority: what {@link make} signs with it is trusted by whoever trusts its certificate. */
export async function makeAuthority(name: string): Promise<CertificatePem> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  });
  return { certificate: cert, key };
}

/**
 * A certificate for the names and addresses, another one every time.
 *
 * @param days - Until its end.
 * @param authority - Who signs it; nobody: it is self-signed.
 */
export async function make(names: readonly string[], days = 365, authority?: CertificatePem): Promise<CertificatePem> {
  const notAfterDate = new Date(Date.now() + days * DAY_MS);
  const { cert, private: key } = await generate([{ name: 'commonName', value: names[0] ?? 'localhost' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(notAfterDate.getTime() - 400 * DAY_MS),
    notAfterDate,
    ...(authority === undefined ? {} : { ca: { cert: authority.certificate, key: authority.key } }),
    extensions: [
      {
        name: 'subjectAltName',
        altNames: names.map((name) => (isIP(name) === 0 ? { type: 2, value: name } : { type: 7, ip: name })),
      },
    ],
  });
  return { certificate: cert, key };
}
