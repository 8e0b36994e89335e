/**
 * The gallery of failures at every door for applications.
 */
import { DOORS } from "./all-doors.js";
import { GALLERY, showGallery } from "./gallery.js";

showGallery(
  DOORS.filter(({ kind }) => kind === "caller"),
  GALLERY.filter(({ alone }) => alone !== true),
);
