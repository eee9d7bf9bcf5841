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

/** A self-signed certificate for the names, another one every time. `days`: until its end. */
export async function make(names: readonly string[], days = 365): Promise<CertificatePem> {
  const notAfterDate = new Date(Date.now() + days * DAY_MS);
  const { cert, private: key } = await generate([{ name: 'commonName', value: names[0] ?? 'localhost' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(notAfterDate.getTime() - 400 * DAY_MS),
    notAfterDate,
    extensions: [{ name: 'subjectAltName', altNames: names.map((value) => ({ type: 2, value })) }],
  });
  return { certificate: cert, key };
}
