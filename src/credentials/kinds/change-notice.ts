/**
 * Who hears of changes in a store. Owned by a store, on the main thread. The store watches only while somebody listens.
 */
import type { CredentialListener } from './credential-store.js';
import type { CredentialPlace } from './place.js';

export class ChangeNotice {
  readonly #listeners = new Set<CredentialListener>();
  readonly #watch: () => () => void;
  #stop: (() => void) | null = null;

  /** @param watch begins to watch the store, and returns what ends that */
  constructor(watch: () => () => void) {
    this.#watch = watch;
  }

  subscribe(listener: CredentialListener): () => void {
    // Of its own, so that a listener that is given twice ends once.
    const own: CredentialListener = (changed) => listener(changed);
    this.#listeners.add(own);
    this.#stop ??= this.#watch();
    return () => {
      this.#listeners.delete(own);
      if (this.#listeners.size === 0) this.close();
    };
  }

  tell(changed: CredentialPlace | null): void {
    for (const listener of [...this.#listeners]) listener(changed);
  }

  close(): void {
    this.#listeners.clear();
    this.#stop?.();
    this.#stop = null;
  }
}
