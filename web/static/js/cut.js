// Marking a stretch of the video at hand: keys, its place on the strip, and what leaves the page of it.
import { copyText } from "./clipboard.js";
import { clock, exactly } from "./time.js";

export function startCut(player) {
  const form = document.querySelector("[data-clip]");
  if (!form || !player.video) return;
  const { start, end } = form.elements;
  const band = document.createElement("div");
  band.className = "cut";
  const stretch = () => ({ from: Number(start.value), to: Number(end.value) });

  const shown = document.querySelector("[data-stretch]");

  const draw = () => {
    const { from, to } = stretch();
    shown.textContent = `Stretch ${clock(from)} – ${clock(to)}`;
    const open = form.closest("details").open && from < to && player.duration > 0;
    band.hidden = !open;
    if (open) {
      band.style.left = `${(100 * from) / player.duration}%`;
      band.style.width = `${(100 * (to - from)) / player.duration}%`;
    }
    if (!band.isConnected) player.strip.append(band);
    for (const link of form.querySelectorAll("[data-cut-format]")) {
      const query = new URLSearchParams({ format: link.dataset.cutFormat, ranges: `${from.toFixed(3)}-${to.toFixed(3)}` });
      link.href = `${link.dataset.href}?${query}`;
    }
  };
  const mark = (field) => {
    field.value = player.video.currentTime.toFixed(2);
    const { from, to } = stretch();
    if (from >= to) (field === start ? end : start).value = field.value; // the other end follows
    form.closest("details").open = true;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };

  for (const button of document.querySelectorAll("[data-clip-now]")) {
    button.addEventListener("click", () => mark(form.elements[button.dataset.clipNow]));
  }
  for (const hidden of document.querySelectorAll("[data-scripted]")) hidden.hidden = false;
  form.querySelector("[data-copy-time]").addEventListener("click", () => copy(form, exactly(player.video.currentTime)));
  form.querySelector("[data-copy-link]").addEventListener("click", () => {
    const { from, to } = stretch();
    copy(form, `${location.origin}${location.pathname}?t=${from.toFixed(2)}${to > from ? `&end=${to.toFixed(2)}` : ""}`);
  });
  form.addEventListener("input", draw);
  form.closest("details").addEventListener("toggle", draw);
  player.root.addEventListener("player:drawn", draw);

  const step = 1 / (Number(form.dataset.fps) || 25);
  const keys = {
    i: () => mark(start),
    o: () => mark(end),
    ",": () => nudge(player, -step),
    ".": () => nudge(player, step),
    c: () => copy(form, exactly(player.video.currentTime)),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
    keys[event.key]?.();
  });
}

function nudge(player, seconds) {
  player.video.pause();
  player.seek(Math.max(0, player.video.currentTime + seconds));
}

async function copy(form, text) {
  const told = form.querySelector("[data-copied]");
  form.closest("details").open = true;
  told.textContent = (await copyText(text)) ? `Copied ${text}` : text;
}
