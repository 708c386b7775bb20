/** Codes the shell's commands know how to phrase ("No such file or directory", ...). */
export type FsErrorCode =
  | 'EACCES'
  | 'EEXIST'
  | 'EFBIG'
  | 'EINVAL'
  | 'EISDIR'
  | 'ENOENT'
  | 'ENOSPC'
  | 'ENOTDIR'
  | 'ENOTEMPTY'
  | 'EPERM'
  | 'EROFS';

const SENTENCES: Record<FsErrorCode, string> = {
  EACCES: 'permission denied',
  EEXIST: 'file already exists',
  EFBIG: 'file too large',
  EINVAL: 'invalid argument',
  EISDIR: 'illegal operation on a directory',
  ENOENT: 'no such file or directory',
  ENOSPC: 'no space left on device',
  ENOTDIR: 'not a directory',
  ENOTEMPTY: 'directory not empty',
  EPERM: 'operation not permitted',
  EROFS: 'read-only file system',
};

/** An error as Node's own `fs` words it, because the shell's commands read code and message. */
export function fsError(code: FsErrorCode, operation: string, path: string, detail?: string): Error {
  const reason = detail === undefined ? SENTENCES[code] : `${SENTENCES[code]} (${detail})`;
  return Object.assign(new Error(`${code}: ${reason}, ${operation} '${path}'`), { code });
}

/** The code of a file system error, whoever raised it. */
export function fsErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return /^([A-Z]{4,12}): /.exec(error.message)?.[1];
}
