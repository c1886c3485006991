/**
 * What the file system says, in words for people. Pure; any thread.
 */

const words: Readonly<Record<string, string>> = {
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
};

/** The rest of a sentence that begins with the name of a file that could not be read: "does not exist". */
export function readProblem(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return words[code ?? ''] ?? `cannot be read${code === undefined ? '' : ` (${code})`}`;
}
