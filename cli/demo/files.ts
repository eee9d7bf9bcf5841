import { randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeOnce, SECRET_OCTETS_MIN } from '../io/site-secret.ts';
import { selfSignedCertificate } from './certificate.ts';
import { GATE_NAME } from './world.ts';

/** Files that the machines of a site have in common. */
export interface SiteFiles {
  /** See `privacy.secretFile`. */
  readonly secret: string;
  readonly certificate: string;
  readonly key: string;
}

export const siteFilesIn = (folder: string): SiteFiles => ({
  secret: join(folder, 'site.key'),
  certificate: join(folder, 'mx.pem'),
  key: join(folder, 'mx.key'),
});

/** Makes those that are not there: a secret, and a certificate that nobody vouches for. */
export async function makeSiteFiles(folder: string): Promise<void> {
  const { secret, certificate, key } = siteFilesIn(folder);
  makeOnce(secret, randomBytes(SECRET_OCTETS_MIN));
  if (existsSync(certificate)) return;
  const made = await selfSignedCertificate(GATE_NAME);
  // One that was cut off between the two has a key without a certificate.
  rmSync(key, { force: true });
  makeOnce(key, Buffer.from(made.key));
  makeOnce(certificate, Buffer.from(made.certificate));
}
