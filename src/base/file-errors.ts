/**
 * Problems of reading and writing files, as the end of a sentence that begins with the name of the file. Pure; any
 * thread.
 */

const reading: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist: a part of its path is not a directory',
  EACCES: 'may not be read: permission denied',
  EPERM: 'may not be read: not permitted',
  EISDIR: 'is a directory, not a file',
  ELOOP: 'cannot be opened: too many symbolic links',
  ENAMETOOLONG: 'cannot be opened: its name is too long',
  EMFILE: 'cannot be opened: this process has too many files open',
  ENFILE: 'cannot be opened: the machine has too many files open',
  EIO: 'cannot be read: the device reports an error',
  ERR_ACCESS_DENIED: 'may not be read: Node runs with --permission; name it, or its directory, in --allow-fs-read',
  ETIMEDOUT: 'cannot be read: it is a pipe, and nothing comes out of it',
  ENXIO: 'cannot be opened by its path: it is a socket, or its device is not there; standard input is read as "-"',
};

const writing: Readonly<Record<string, string>> = {
  ENOSPC: 'cannot be written: the disk is full; free some space or choose another directory',
  EDQUOT: 'cannot be written: the quota of this user is used up',
  EFBIG: 'cannot be written: the file would be larger than this system allows',
  EACCES: 'may not be written: permission denied; choose another directory',
  EPERM: 'may not be written: not permitted; choose another directory',
  EROFS: 'may not be written: the file system is read-only; choose another directory',
  ENOENT: 'cannot be written: its directory does not exist',
  ENOTDIR: 'cannot be written: a part of its path is a file',
  EEXIST: 'cannot be written: another file or directory has its name',
  EISDIR: 'cannot be written: it is a directory',
  ERR_FS_EISDIR: 'cannot be written: it is a directory',
  ENAMETOOLONG: 'cannot be written: its name is too long',
  ELOOP: 'cannot be written: it is a symbolic link',
  ERR_ACCESS_DENIED:
    'may not be written: Node runs with --permission; name its directory in --allow-fs-read and --allow-fs-write',
  ERR_SYNC_REFUSED:
    'would not outlive a loss of power: Node runs with --permission, which refuses fsync, and this system has no O_DSYNC; ' +
    'run Node without --permission',
  EIO: 'cannot be written: the device reports an error',
};

/** Why a file could not be read, without a full stop: "does not exist". */
export function readProblem(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return reading[code ?? ''] ?? `cannot be read${code === undefined ? '' : ` (${code})`}`;
}

/** Why a file or directory could not be written, without a full stop. */
export function writeProblem(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return writing[code ?? ''] ?? `cannot be written${code === undefined ? '' : ` (${code})`}`;
}
