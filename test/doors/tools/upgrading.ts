/**
 * Makes an upgrade of what is asked.
 */
import type { Asked } from "../door.js";

export function upgrading(asked: Asked): Asked {
  const fields = { connection: "upgrade", upgrade: "websocket", ...asked.fields };
  return { ...asked, fields };
}
