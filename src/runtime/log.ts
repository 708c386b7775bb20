/** The part of a pino logger the runtime uses: fields first, then a sentence. */
export interface RuntimeLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  debug?(fields: object, message: string): void;
}

export const silentLog: RuntimeLog = { info() {}, warn() {}, error() {} };
