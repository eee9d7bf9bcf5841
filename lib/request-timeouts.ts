/** How often a server looks which requests are late: so many times within the time that one has. */
const LOOKS = 5;

/** What `createServer` of `node:http` is told so that a request has this long to arrive, its head and its body, and no fifth more. */
export const requestTimeouts = (
  requestMsMax: number,
): {
  readonly requestTimeout: number;
  readonly headersTimeout: number;
  readonly connectionsCheckingInterval: number;
} => ({
  requestTimeout: requestMsMax,
  headersTimeout: requestMsMax,
  // Node's own is 30 s: until then a late request would keep its connection.
  connectionsCheckingInterval: Math.ceil(requestMsMax / LOOKS),
});
