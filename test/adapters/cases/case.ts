/**
 * A case of the table that runs through every server adapter.
 */
import type { ProxyServer } from "../servers.js";

/** By name, which is the guarantee; what is guaranteed is shown with the server that is given. */
export type Cases = Readonly<Record<string, (serve: ProxyServer) => Promise<void>>>;
