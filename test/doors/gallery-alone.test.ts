/**
 * What of the gallery needs the whole process, at every door.
 */
import { DOORS } from "./all-doors.js";
import { GALLERY, showGallery } from "./gallery.js";

showGallery(
  DOORS,
  GALLERY.filter(({ alone }) => alone === true),
);
