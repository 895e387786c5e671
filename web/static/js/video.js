// The page of one video: everything with a time seeks, and the transcript follows.
import { startCut } from "./cut.js";

export function startVideo(player) {
  if (!player || !("fixed" in player.root.dataset)) return;
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-seek]");
    if (!link || !player.video || event.ctrlKey || event.metaKey || event.button !== 0) return;
    event.preventDefault();
    const seconds = Number(link.dataset.seek);
    player.seek(seconds, true);
    const url = new URL(location.href);
    url.searchParams.set("t", seconds.toFixed(2));
    history.replaceState(null, "", url);
  });
  startCut(player);
  player.draw();
  player.weigh();
  const box = document.querySelector("[data-lines]");
  const lines = [...document.querySelectorAll("[data-lines] a")];
  const chapters = [...document.querySelectorAll("[data-chapter]")];
  const keepUp = (now) => {
    follow(box, lines, now);
    current(chapters, chapters.findLast((chapter) => Number(chapter.dataset.start) <= now));
  };
  player.root.addEventListener("player:time", ({ detail }) => keepUp(detail));
  if (player.video) keepUp(player.video.currentTime); // a link's second may be reached before this runs
}

function current(all, one) {
  for (const item of all) {
    if (item === one) item.setAttribute("aria-current", "true");
    else item.removeAttribute("aria-current");
  }
}

function follow(box, lines, now) {
  const line = lines.findLast((item) => Number(item.dataset.seek) <= now + 0.05 && now < Number(item.dataset.until));
  if (!line || line.hasAttribute("aria-current")) return;
  current(lines, line);
  if (box.matches(":hover") || box.contains(document.activeElement)) return; // somebody is reading
  const top = line.offsetTop - box.offsetTop;
  if (top < box.scrollTop || top > box.scrollTop + box.clientHeight * 0.8) box.scrollTop = top - box.clientHeight / 3;
}
