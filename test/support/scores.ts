import type { MessageCounts, Score } from '../../evaluation/score.ts';

const none: MessageCounts = {
  messages: 0,
  messagesSlowed: 0,
  messagesHeld: 0,
  messagesDeferred: 0,
  messagesRefused: 0,
};

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
  ...none,
  warmUp: none,
  messages: 1000,
};
