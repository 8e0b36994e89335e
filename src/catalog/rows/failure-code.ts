/**
 * The names of all failures, as a type: for what stands below the table, such as options whose
 * functions are given a name.
 */
import type { ADMISSION_ROWS } from "./admission.js";
import type { BODY_ROWS } from "./body.js";
import type { CONNECT_ROWS } from "./connect.js";
import type { EXCHANGE_ROWS } from "./exchange.js";
import type { OWN_ROWS } from "./own.js";
import type { RECEIVED_ROWS } from "./received.js";

/** The name of a failure. */
export type FailureCode =
  | keyof typeof CONNECT_ROWS
  | keyof typeof ADMISSION_ROWS
  | keyof typeof OWN_ROWS
  | keyof typeof EXCHANGE_ROWS
  | keyof typeof BODY_ROWS
  | keyof typeof RECEIVED_ROWS;
