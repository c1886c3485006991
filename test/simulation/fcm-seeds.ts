/**
 * Which seeds are worlds of FCM. Imports nothing, so that the table of planted bugs loads none of the code under test.
 */

/** Seeds above this are worlds of FCM. */
export const fcmSeeds = 1_000_000_000;
/** One seed in so many below it brings the world of FCM that is so much further along. */
export const fcmEvery = 8;
