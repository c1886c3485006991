/**
 * Which seeds are worlds of FCM. Imports nothing: planted-hook reads it through the table of planted bugs, before the modules
 * are loaded that those bugs are planted into.
 */

/** Seeds above this are worlds of FCM. */
export const fcmSeeds = 1_000_000_000;
/** One seed in so many below it brings the world of FCM that is so much further along. */
export const fcmEvery = 8;
