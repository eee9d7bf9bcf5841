/** Where a case is tested that no dialogue can show: the file names `id` there (by default the id of the case itself). */
export interface Elsewhere {
  readonly file: string;
  readonly id?: string;
}

/**
 * Cases that need a socket, a TLS engine, a process or a configuration file. Where the pure machine can show a part of such a
 * case there is a dialogue of the same id as well.
 */
export const elsewhere: Readonly<Record<string, Elsewhere>> = {
  'PI-10': { file: 'test/component/connection-flow.test.ts' },
  'PI-11': { file: 'test/component/connection-flow.test.ts' },
  'TL-02': { file: 'test/component/tls-client-leg.test.ts' },
  'TL-12': { file: 'test/component/tls-client-leg.test.ts' },
  'TL-13': { file: 'test/component/tls-upstream-leg.test.ts' },
  'TL-14': { file: 'test/component/tls-upstream-leg.test.ts' },
  'TL-15': { file: 'test/component/tls-client-leg.test.ts' },
  'TL-16': { file: 'test/component/tls-client-leg.test.ts' },
  'TL-17': { file: 'test/component/tls-client-leg.test.ts' },
  'TL-18': { file: 'test/component/tls-client-leg.test.ts' },
  'RT-13': { file: 'test/component/gate-session.test.ts' },
  'DO-05': { file: 'test/component/connection-flow.test.ts' },
  'DO-06': { file: 'test/component/listener-limits.test.ts' },
  'DO-07': { file: 'test/component/recorder.test.ts' },
  'DO-08': { file: 'test/proxy/command.test.ts' },
  'ID-06': { file: 'test/component/listener-proxy.test.ts' },
  'ID-07': { file: 'test/component/listener-proxy.test.ts' },
  'ID-09': { file: 'test/component/listener-proxy.test.ts' },
  'ND-02': { file: 'test/component/gate-chaos.test.ts' },
  'ND-04': { file: 'test/component/tls-client-leg.test.ts' },
  'PO-06': { file: 'test/cli/config.test.ts' },
  'R-44': { file: 'test/component/tls-upstream-leg.test.ts', id: 'TL-14' },
  'R-45': { file: 'test/component/tls-upstream-leg.test.ts', id: 'TL-13' },
  'R-74': { file: 'test/component/connection-flow.test.ts', id: 'DO-05' },
  'R-92': { file: 'test/component/listener-proxy.test.ts', id: 'ID-07' },
  'R-93': { file: 'test/component/listener-proxy.test.ts', id: 'ID-06' },
};
