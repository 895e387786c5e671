// Starts what the page at hand has; every page also works without any of it.
import { startLibrary } from "./library.js";
import { startPlayer } from "./player.js";
import { startSearch } from "./search.js";
import { startSelecting } from "./select.js";
import { startSuggestions } from "./suggest.js";
import { startVideo } from "./video.js";

const player = startPlayer();
startSearch(player);
startSuggestions();
startVideo(player);
startSelecting();
startLibrary();

// A poster that cannot be had leaves the icon under it; also for posters that come with a later refresh.
document.addEventListener(
  "error",
  (event) => {
    if (event.target.matches?.("img[data-optional]")) event.target.remove();
  },
  true,
);
for (const image of document.querySelectorAll("img[data-optional]")) {
  if (image.complete && image.naturalWidth === 0) image.remove();
}
