/** Addresses of this machine, as tests want them: what it has decides which families are tried. */
import { syncBuiltinESMExports } from "node:module";
import os from "node:os";
import { vi } from "vitest";

/** Until `realAddresses`. */
export function ownAddresses(...addresses: readonly string[]): void {
  const internal = addresses.every((address) => address === "::1" || address.startsWith("127."));
  const list = addresses.map((address) => ({ address, internal, scopeid: 0 }) as never);
  vi.spyOn(os, "networkInterfaces").mockReturnValue({ eth0: list });
  syncBuiltinESMExports();
}

export function realAddresses(): void {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
}
