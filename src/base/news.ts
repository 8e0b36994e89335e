/**
 * News that many may wait for, such as that a connection was tried.
 *
 * All who wait get one promise, which the next news resolves. With nobody waiting it costs nothing.
 */
export class News {
  #next: Promise<void> | null = null;
  #tell: () => void = () => {};

  /** Resolves with the next news. */
  next(): Promise<void> {
    this.#next ??= new Promise((resolve) => {
      this.#tell = resolve;
    });
    return this.#next;
  }

  tell(): void {
    if (this.#next === null) return;
    this.#next = null;
    this.#tell();
  }
}
