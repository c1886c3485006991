/** The version of this package, the same as in package.json. Read when files of an installed peal are to fit this code. */
export const version = '0.1.0';
