/** Runs once when the server starts: the place for a log of what fails. */
export async function register() {
  if (process.env.NEXT_RUNTIME !== "nodejs") return;
  await import("./lib/gateway.js");
  globalThis.gateway.on("call:end", ({ upstream, code, blame }) => {
    if (code !== null) console.error(upstream, code, blame);
  });
}
