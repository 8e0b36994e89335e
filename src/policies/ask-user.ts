/**
 * Asks a function of the application for its word in a decision.
 *
 * Guarantee: what it throws is a warning and harms nothing else; a promise is no word.
 */
/** What it returns; null where it has thrown, or has returned a promise. */
export function askUser(name: string, ask: () => unknown): unknown {
  try {
    const word = ask();
    if (!(word instanceof Promise)) return word;
    word.catch(ignore);
    throw new TypeError("a promise is not waited for");
  } catch (error) {
    const code = "GOOD_GATEWAY_HOOK";
    process.emitWarning(`${name} threw`, { code, detail: String(error) });
    return null;
  }
}

function ignore(): void {}
