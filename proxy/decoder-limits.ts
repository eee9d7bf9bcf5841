/**
 * Most octets of a command line, CRLF included. RFC 5321 section 4.5.3.1.4 asks for 512; extensions add parameters
 * (RFC 3461, RFC 4954, RFC 6531), so the gate is never the narrower one.
 */
export const COMMAND_LINE_OCTETS_MAX = 2048;
/** Most octets of a line that begins with AUTH, CRLF included: its initial response may be long (RFC 4954 section 4). */
export const AUTH_LINE_OCTETS_MAX = 65_536;
/** Most octets of a SASL response line, CRLF included; RFC 4954 section 4 asks for 12,288. */
export const SASL_LINE_OCTETS_MAX = 65_536;
/** Most octets of an overlong line that are read, beyond its limit, to find its CRLF. */
export const OVERLONG_TAIL_OCTETS_MAX = 65_536;
/** Most dots at the start of a body line that are held back before they are known not to end the data. */
export const DOTS_HELD_MAX = 64;
/** Most octets of a body that are held back: a CRLF, a run of dots and a CR. */
export const HELD_OCTETS_MAX = 2 + DOTS_HELD_MAX + 1;

/** Most octets of a PROXY version 1 header, CRLF included (PROXY protocol, section 2.1). */
export const PROXY_V1_OCTETS_MAX = 107;
/** Most octets of a PROXY version 2 header: 16 fixed ones, addresses and TLVs. */
export const PROXY_V2_OCTETS_MAX = 536;

/** Most octets of one line of a reply of the server behind, CRLF included; RFC 5321 section 4.5.3.1.5 asks for 512. */
export const REPLY_LINE_OCTETS_MAX = 4096;
/** Most lines of one reply of the server behind. */
export const REPLY_LINES_MAX = 256;
/** Most octets of one reply of the server behind, all lines and their CRLFs. */
export const REPLY_OCTETS_MAX = 65_536;

/** Pieces up to this many octets are gathered while others wait, so that tiny segments cost no buffer each. */
export const GATHERED_PIECE_OCTETS_MAX = 256;
/** Octets of a buffer that tiny pieces are gathered in. */
export const GATHER_BUFFER_OCTETS = 1024;
