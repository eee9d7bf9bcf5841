import type { ConnectionOptions } from 'node:tls';
import { expect, test, vi } from 'vitest';
import { certificateFor } from '../support/certificates.ts';
import { TestGate } from '../support/gate.ts';
import { RawClient } from '../support/raw-client.ts';
import { ScriptedUpstream, smtpServer } from '../support/scripted-upstream.ts';

// Node may throw out of `connect` instead of emitting an error.
vi.mock('node:tls', async (original) => {
  const tls = await original<typeof import('node:tls')>();
  const connect = (options: ConnectionOptions) => {
    if (options.servername === 'throws.example') throw new Error('planted');
    return tls.connect(options);
  };
  return { ...tls, connect };
});

test.each(['required', 'implicit'] as const)(
  'an exception out of Node at the handshake (%s): 421, an event, the process lives (TL-13)',
  async (tls) => {
    const certificate = await certificateFor('mail.example.com');
    await using upstream = await ScriptedUpstream.listen(smtpServer({ tls: certificate }));
    await using gate = await TestGate.open(upstream.port, {
      upstream: { tls },
      target: { serverName: 'throws.example' },
    });
    for (let round = 1; round <= 2; round += 1) {
      const client = await RawClient.connect(gate.port());
      expect(await client.code()).toBe(421);
      client.fin();
      await gate.empty();
      expect(gate.of('upstream-failed')).toHaveLength(round);
    }
    expect(gate.of('upstream-failed')[0]).toMatchObject({ reason: 'planted' });
  },
);
