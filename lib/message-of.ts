/** What an exception of Node or a library says. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
