import { ApiError, type ApiErrorExtras, type ApiErrorType } from '../errors.ts';

/** Why memory refused; the mount turns it into the error a file system would give. */
export type MemoryProblem =
  | 'not_found'
  | 'archived'
  | 'bad_path'
  | 'bad_content'
  | 'too_large'
  | 'too_many'
  | 'path_taken'
  | 'changed'
  | 'live_head';

const TYPES: Record<MemoryProblem, ApiErrorType> = {
  not_found: 'not_found_error',
  archived: 'invalid_request_error',
  bad_path: 'invalid_request_error',
  bad_content: 'invalid_request_error',
  too_large: 'invalid_request_error',
  too_many: 'invalid_request_error',
  path_taken: 'memory_path_conflict_error',
  changed: 'memory_precondition_failed_error',
  live_head: 'invalid_request_error',
};

export class MemoryError extends ApiError {
  readonly problem: MemoryProblem;
  constructor(problem: MemoryProblem, message: string, extras: ApiErrorExtras = {}) {
    super(TYPES[problem], message, extras);
    this.name = 'MemoryError';
    this.problem = problem;
  }
}
