/**
 * Koa 2 under the name by which the development dependencies install it beside Koa 3. The types of
 * 3 serve for what the tests use of it.
 */
declare module "koa2" {
  import Koa from "koa";

  export default Koa;
}
