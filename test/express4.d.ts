/**
 * Express 4 under the name by which the development dependencies install it beside Express 5. The
 * types of 5 serve for what the tests use of it.
 */
declare module "express4" {
  import express from "express";

  export default express;
}
