/** Octets of one message over UDP, at most (RFC 5426 section 3.2 asks receivers for 2048); a longer one is cut. */
export const DATAGRAM_OCTETS_MAX = 2048;
/** Octets of one message over a stream, at most; a longer one is cut. */
export const MESSAGE_OCTETS_MAX = 8192;

/** Facility of syslog: `authpriv`, security messages (RFC 5424 section 6.2.1). */
const FACILITY = 10;

/** Who says it. */
export interface Sender {
  readonly hostname: string;
  readonly processId: number;
}

/** Severity of CEF, 0 to 10, as one of syslog, 0 (worst) to 7. */
export const syslogSeverity = (severity: number): number =>
  severity >= 9 ? 2 : severity >= 7 ? 4 : severity >= 5 ? 5 : 6;

/** A message of RFC 5424, in printable ASCII, cut after so many octets. @param at - The time as in RFC 3339, to the millisecond. */
export function syslogMessage(
  { hostname, processId }: Sender,
  at: string,
  severity: number,
  text: string,
  octetsMax: number,
): string {
  const priority = FACILITY * 8 + syslogSeverity(severity);
  const head = `<${priority}>1 ${at} ${hostname} postern ${processId} cef - `;
  return `${head}${text}`.replace(/[^\x20-\x7e]/g, '?').slice(0, octetsMax);
}

/** A message in a stream: its length before it (RFC 6587 section 3.4.1). It is ASCII, so octets are characters. */
export const framed = (message: string): string => `${message.length} ${message}`;
