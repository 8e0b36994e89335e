/**
 * The gallery of failures at every door for upgrades.
 */
import { DOORS } from "./all-doors.js";
import { GALLERY, showGallery } from "./gallery.js";

showGallery(
  DOORS.filter(({ kind }) => kind === "upgrade"),
  GALLERY.filter(({ alone }) => alone !== true),
);
