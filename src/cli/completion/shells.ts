/** What the commands and the scripts of completion agree on. Used by command-line and by this folder. */

export const shells = ['bash', 'zsh', 'fish', 'powershell'] as const;
export type Shell = (typeof shells)[number];

/** Added up in the last line of an answer, as the scripts of \@bomb.sh/tab read it. */
export const directives = { noFiles: 4, foldersOnly: 16 } as const;
