import type { Score } from '../../evaluation/score.ts';

/** What became of ten honest sessions that nobody minded. */
export const quiet: Score = {
  scenario: 'B1',
  sessions: 10,
  stopped: 0,
  refused: 0,
  slowed: 0,
  sources: 1,
  sourcesStopped: 0,
  sourcesDecided: 0,
  untilSlowed: undefined,
  untilStopped: undefined,
  untilAlarm: undefined,
  secondsUntilSlowed: undefined,
  secondsUntilStopped: undefined,
  secondsUntilAlarm: undefined,
  answersGiven: 0,
  sessionsAfterAlarm: 0,
  hinderedAfterAlarm: 0,
  messages: 1000,
  messagesHeld: 0,
  messagesSlowed: 0,
  messagesDeferred: 0,
  messagesRefused: 0,
};
