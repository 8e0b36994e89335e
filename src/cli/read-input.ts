/**
 * Reads standard input, bounded: of a long log the end is what matters, and a program that never
 * stops writing must not fill the memory.
 */

/** A day's log is no question; this is some thousand lines. */
const INPUT_CHARACTERS_MAX = 1_000_000;

export async function readInput(
  stdin: AsyncIterable<Uint8Array | string>,
): Promise<{ readonly text: string; readonly cut: boolean }> {
  const decoder = new TextDecoder();
  let text = "";
  let cut = false;
  for await (const part of stdin) {
    text += typeof part === "string" ? part : decoder.decode(part, { stream: true });
    if (text.length <= INPUT_CHARACTERS_MAX * 2) continue;
    text = text.slice(-INPUT_CHARACTERS_MAX);
    cut = true;
  }
  return { text, cut };
}
