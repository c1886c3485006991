/**
 * A Lua script that Redis runs as one step, known to the server by its digest. Scripts are constants of peal: what
 * varies is given as keys and arguments, and is never part of the text. Called by everything that changes shared state;
 * any thread.
 */
import { createHash } from 'node:crypto';
import { type RedisClient, redisCommand } from './redis-client.js';

type ScriptArgument = string | number | Buffer;

export class RedisScript {
  readonly #lua: string;
  readonly #digest: string;

  constructor(lua: string) {
    this.#lua = lua;
    this.#digest = createHash('sha1').update(lua).digest('hex');
  }

  /**
   * Resolves with the script's reply.
   *
   * @throws PealError ERR_PEAL_STORE; an error of the connection leaves open whether the script has run
   */
  run(redis: RedisClient, keys: readonly string[], args: readonly ScriptArgument[]): Promise<unknown> {
    return this.#run(redis, (command, script) => redis.call(command, script, keys.length, ...keys, ...args));
  }

  /** The same, with texts in the reply as bytes. */
  runForBytes(redis: RedisClient, keys: readonly string[], args: readonly ScriptArgument[]): Promise<unknown> {
    return this.#run(redis, (command, script) => redis.callBuffer(command, script, keys.length, ...keys, ...args));
  }

  #run(redis: RedisClient, call: (command: string, script: string) => Promise<unknown>): Promise<unknown> {
    return redisCommand(redis, async () => {
      try {
        return await call('EVALSHA', this.#digest);
      } catch (error) {
        // A server that was restarted has forgotten it.
        if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
        return await call('EVAL', this.#lua);
      }
    });
  }
}
