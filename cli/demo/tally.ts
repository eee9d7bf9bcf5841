/**
 * What came out of one line of the story, counted. Keys:
 * - `delivered`: messages that the server behind holds, equal to one that was sent; the log says the same of each;
 * - `never sent as such`: messages that it holds and nobody sent: altered or smuggled;
 * - `not in the log as delivered`: what the log says of accepted mail is something else;
 * - `refused RULE`, `deferred RULE`, `slowed RULE`: commands the gate did not accept; `server CODE ENHANCED`: the server behind;
 *   `unanswered VERB`;
 * - `ended RULE`: sessions that a rule ended, by refusing a command or otherwise; `turned away RULE`: connections that never became sessions;
 * - `auth OUTCOME`, `tls`, `tls failed`, `upstream failed`, `anomaly KIND`.
 */
export type Tally = Readonly<Record<string, number>>;

/** What must come out: the same keys, each with exactly this count, or one from the first to the second. */
export type Told = Readonly<Record<string, number | readonly [least: number, most: number]>>;
