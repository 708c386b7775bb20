/** Where the files of a session are mounted, read-only. */
export const UPLOADS = '/mnt/session/uploads';
/**
 * The files of one session together. What is read of them is in this process's memory for as long as a turn, so more
 * is refused when it is attached: in the folder it would seem not to be there.
 */
export const MAX_UPLOADED_BYTES = 128 * 1024 * 1024;
