export type ApiErrorType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'permission_error'
  | 'not_found_error'
  | 'conflict_error'
  | 'memory_path_conflict_error'
  | 'memory_precondition_failed_error'
  | 'request_too_large'
  | 'api_error';

const STATUS = {
  invalid_request_error: 400,
  authentication_error: 401,
  permission_error: 403,
  not_found_error: 404,
  conflict_error: 409,
  memory_path_conflict_error: 409,
  memory_precondition_failed_error: 409,
  request_too_large: 413,
  api_error: 500,
} as const satisfies Record<ApiErrorType, number>;

export interface ApiErrorExtras {
  /** Becomes `details.error_code`, which the SDK shows as `err.errorCode`. */
  errorCode?: string;
  /** Fields beside `type` and `message`, e.g. `conflicting_path`. */
  fields?: Record<string, string>;
  cause?: unknown;
}

/** An answer other than 2xx. The message is one sentence the caller can act on. */
export class ApiError extends Error {
  readonly type: ApiErrorType;
  readonly status: (typeof STATUS)[ApiErrorType];
  readonly errorCode: string | undefined;
  readonly fields: Record<string, string>;

  constructor(type: ApiErrorType, message: string, extras: ApiErrorExtras = {}) {
    super(message, { cause: extras.cause });
    this.name = 'ApiError';
    this.type = type;
    this.status = STATUS[type];
    this.errorCode = extras.errorCode;
    this.fields = extras.fields ?? {};
  }
}

export function invalid(message: string, errorCode?: string): ApiError {
  return new ApiError('invalid_request_error', message, errorCode === undefined ? {} : { errorCode });
}

/** `notFound('session', id)`: "There is no session sesn_1." */
export function notFound(what: string, id: string): ApiError {
  return new ApiError('not_found_error', `There is no ${what} ${id}.`);
}

/** The envelope of every error answer (SDK core/error reads exactly these fields). */
export function errorBody(error: ApiError, requestId: string): object {
  const details = error.errorCode === undefined ? {} : { details: { error_code: error.errorCode } };
  return {
    type: 'error',
    error: { type: error.type, message: error.message, ...error.fields, ...details },
    request_id: requestId,
  };
}

/** Whatever was thrown, as an answer. SQLite's write failures become sentences; bugs stay anonymous. */
export function toApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  const sentence = storageSentence(thrown);
  return new ApiError('api_error', sentence ?? 'The local runtime failed; its log has the details.', {
    cause: thrown,
  });
}

function storageSentence(thrown: unknown): string | undefined {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  switch (code) {
    case 'SQLITE_FULL':
      return 'The disk that holds the data directory is full: nothing of this request was saved.';
    case 'SQLITE_READONLY':
    case 'SQLITE_CANTOPEN':
    case 'SQLITE_PERM':
      return 'The data directory cannot be written: nothing of this request was saved.';
    case 'SQLITE_IOERR':
      return 'Writing to the data directory failed (disk full, over quota or broken): nothing of this request was saved.';
    case 'SQLITE_CORRUPT':
    case 'SQLITE_NOTADB':
      return 'The database in the data directory is damaged: restore it from a copy or choose another directory.';
    default:
      return undefined;
  }
}
