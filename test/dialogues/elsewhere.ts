/**
 * Cases that need a socket, a TLS engine, a process or a configuration file, and the test that covers each. Where the pure
 * machine can show a part of such a case there is a dialogue of the same id as well.
 */
export const elsewhere: Readonly<Record<string, string>> = {
  'PI-10': 'test/component/backpressure.test.ts',
  'TL-02': 'test/component/tls.test.ts',
  'TL-12': 'test/component/tls.test.ts',
  'TL-13': 'test/component/tls.test.ts',
  'TL-14': 'test/component/tls.test.ts',
  'TL-15': 'test/component/tls.test.ts',
  'TL-16': 'test/component/tls.test.ts',
  'TL-17': 'test/component/tls.test.ts',
  'TL-18': 'test/component/tls.test.ts',
  'RT-13': 'test/component/closing.test.ts',
  'DO-05': 'test/component/backpressure.test.ts',
  'DO-07': 'test/component/recorder.test.ts',
  'DO-08': 'test/proxy/command.test.ts',
  'ID-06': 'test/component/proxy-protocol.test.ts',
  'ID-07': 'test/component/proxy-protocol.test.ts',
  'ND-02': 'test/component/resets.test.ts',
  'ND-04': 'test/component/tls.test.ts',
  'PO-06': 'test/cli/config.test.ts',
  'R-44': 'test/component/tls.test.ts',
  'R-45': 'test/component/tls.test.ts',
  'R-74': 'test/component/backpressure.test.ts',
  'R-92': 'test/component/proxy-protocol.test.ts',
  'R-93': 'test/component/proxy-protocol.test.ts',
};
