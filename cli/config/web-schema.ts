import { z } from 'zod';
import { address, listeningPort, secretReference } from './fields.ts';

/** The console: dashboards, live events, sessions and the blocklist in a browser. */
export const web = z.strictObject({
  kind: z
    .enum(['off', 'on'])
    .default('on')
    .describe('Whether `postern start` serves the console. A change takes a restart.'),
  address: address.prefault('127.0.0.1').describe('Address to listen on. There is no TLS: keep it private.'),
  port: listeningPort.default(9780).describe('TCP port; 0 lets the system choose one.'),
  viewerToken: secretReference
    .optional()
    .describe(
      'Where the token of those who may look is kept. Default: one is made, in `web/viewer.token` of `dataDirectory`.',
    ),
  operatorToken: secretReference
    .optional()
    .describe(
      'Where the token of those who may block and allow as well is kept. Default: one is made, in `web/operator.token` of `dataDirectory`.',
    ),
});
