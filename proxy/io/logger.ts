/** Lines for the operator. The shape of pino, so that its loggers fit. */
export interface Logger {
  error(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  info(fields: object, message: string): void;
}
