/**
 * News that many may wait for, such as that a connection was tried.
 *
 * All who wait get one promise, which the next news resolves. Without a waiting caller it costs
 * nothing.
 */
export class News {
  #next: Promise<void> | null = null;
  #resolve: () => void = () => {};

  /** Resolves with the next news. */
  next(): Promise<void> {
    this.#next ??= new Promise((resolve) => {
      this.#resolve = resolve;
    });
    return this.#next;
  }

  publish(): void {
    if (this.#next === null) return;
    this.#next = null;
    this.#resolve();
  }
}
