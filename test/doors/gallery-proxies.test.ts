/**
 * The gallery of failures at every proxy.
 */
import { DOORS } from "./all-doors.js";
import { GALLERY, showGallery } from "./gallery.js";

showGallery(
  DOORS.filter(({ kind }) => kind === "proxy"),
  GALLERY.filter(({ alone }) => alone !== true),
);
