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

/** A self-signed certificate for the names, another one every time. */
export async function make(names: readonly string[]): Promise<CertificatePem> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: names[0] ?? 'localhost' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [{ name: 'subjectAltName', altNames: names.map((value) => ({ type: 2, value })) }],
  });
  return { certificate: cert, key };
}
