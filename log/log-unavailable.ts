/** A log cannot be read now; the message is one line for the operator. */
export class LogUnavailable extends Error {}
