import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { selfSignedCertificate } from './certificate.ts';
import { demoConfig, type Places, recipientsList } from './config.ts';
import { freePorts } from './free-ports.ts';
import { GATE_NAME, PROMOTED } from './world.ts';

/** What a run needs before its processes start. */
export interface SetUp extends Places {
  readonly configFile: string;
  /** The gate's certificate, PEM. */
  readonly certificate: string;
  /** Writes the configuration again, with scenarios promoted. */
  readonly promote: () => Promise<void>;
}

/** Writes the configuration and the files it names into a directory. @param hasConsole - History and the console run as well. */
export async function setUp(directory: string, serverPort: number, hasConsole: boolean): Promise<SetUp> {
  const [mx = 0, submission = 0, submissions = 0, reader = 0, http = 0, history = 0, web = 0] = await freePorts(7);
  const ports = { mx, submission, submissions, reader, http, history, console: web, server: serverPort };
  const { certificate, key } = await selfSignedCertificate(GATE_NAME);
  const places = {
    dataDirectory: join(directory, 'data'),
    certFile: join(directory, 'certificate.pem'),
    keyFile: join(directory, 'key.pem'),
    recipientsFile: join(directory, 'recipients.txt'),
    ports,
    hasConsole,
  };
  const configFile = join(directory, 'postern.yaml');
  await Promise.all([
    writeFile(places.certFile, certificate),
    writeFile(places.keyFile, key, { mode: 0o600 }),
    writeFile(places.recipientsFile, recipientsList()),
    writeFile(configFile, demoConfig(places)),
  ]);
  const promote = (): Promise<void> => writeFile(configFile, demoConfig(places, PROMOTED));
  return { ...places, configFile, certificate, promote };
}
