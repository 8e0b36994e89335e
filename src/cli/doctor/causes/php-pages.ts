/**
 * What PHP writes into a page when a script ends with a fatal error (display_errors): the status of
 * such an answer is 200 as often as 500.
 */
import { fault } from "../../../diagnosis/diagnosis-finding.js";
import type { Finding } from "../../../diagnosis/diagnosis-report.js";
import { limitedScript } from "./pools.js";

const FATAL = /<b>Fatal error<\/b>: ([\s\S]{1,2000}?) in <b>([^<]+)<\/b> on line <b>(\d+)<\/b>/;

export function shownByPhp(path: string, status: number, body: string): Finding | null {
  const [, what = "", file, line] = FATAL.exec(body) ?? [];
  if (file === undefined) return null;
  const evidence = [`GET ${path}: ${status}`, `it says: ${what.trim()} in ${file}, line ${line}`];
  return (
    limitedScript(what, path, evidence) ??
    fault({
      cause: "application_answers_error",
      layer: "head",
      code: "received_server_error",
      blame: "upstream",
      title: `PHP ends ${path} with a fatal error, and shows it to all clients.`,
      evidence,
      fix: "Correct the line that it names; errors belong in the log, with status 500:",
      write: "php_admin_flag[display_errors] = off\nphp_admin_flag[log_errors] = on",
    })
  );
}
