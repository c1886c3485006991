/**
 * The version of this package, the same as in package.json. An installed peal has to be of this version to fit this
 * code.
 */
export const version = '0.1.0';
