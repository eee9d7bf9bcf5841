/** Every scenario, by the name that stands in decisions and in the configuration. */
export const scenarioIds = [
  'relay-probe',
  'forgotten-domain',
  'recipient-harvest',
  'null-sender-abuse',
  'bounce-flood',
  'reflector',
  'auth-guessing',
  'connection-flood',
  'slow-session',
  'command-flood',
  'early-talker',
  'protocol-abuse',
  'range-campaign',
  'held-session-release',
  'account-takeover',
] as const;
export type ScenarioId = (typeof scenarioIds)[number];
