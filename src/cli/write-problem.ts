/**
 * What the file system says about writing, in words for people. Pure; called by the outputs of the commands.
 */

const words: Readonly<Record<string, string>> = {
  ENOSPC: 'cannot be written: the disk is full; free some space or choose another directory',
  EDQUOT: 'cannot be written: the quota of this user is used up',
  EFBIG: 'cannot be written: the file would be larger than this system allows',
  EACCES: 'may not be written: permission denied; choose another directory',
  EPERM: 'may not be written: not permitted; choose another directory',
  EROFS: 'may not be written: the file system is read-only; choose another directory',
  ENOENT: 'cannot be written: its directory does not exist',
  ENOTDIR: 'cannot be written: a part of its path is a file',
  EEXIST: 'cannot be written: something else has its name',
  EISDIR: 'cannot be written: it is a directory',
  ENAMETOOLONG: 'cannot be written: its name is too long',
  ELOOP: 'cannot be written: it is a symbolic link',
  EIO: 'cannot be written: the device reports an error',
};

/** The rest of a sentence that begins with the name of what could not be written, without its full stop. */
export function writeProblem(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return words[code ?? ''] ?? `cannot be written${code === undefined ? '' : ` (${code})`}`;
}
