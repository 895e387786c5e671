// The search page: moments play beside the list, keys move through them, a dropped picture searches.

export function startSearch(player) {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-play], .moment a[data-seek]");
    if (!link || !player?.video || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    play(player, link);
  });
  document.addEventListener("keydown", (event) => keys(event, player));
  const box = document.querySelector("[data-searchbox]");
  if (box) acceptPictures(box);
  for (const radio of document.querySelectorAll(".modes input")) {
    radio.addEventListener("change", () => {
      const field = document.querySelector("#q");
      if (field.value.trim()) field.form.requestSubmit();
    });
  }
}

function play(player, link) {
  const owner = link.closest("[data-start]");
  const moment = link.closest(".moment");
  for (const other of document.querySelectorAll(".moment.active")) other.classList.remove("active");
  moment?.classList.add("active");
  player.open({
    videoId: owner.dataset.video,
    title: moment?.querySelector("a[data-title]")?.dataset.title ?? link.dataset.title ?? "",
    start: Number(link.dataset.seek ?? owner.dataset.start),
    moment,
  });
}

function keys(event, player) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches("input, textarea, select, video");
  if (event.key === "Escape" && player?.isOpen && !("fixed" in player.root.dataset)) {
    player.close();
  } else if (event.key === "/" && !typing) {
    const field = document.querySelector('input[type="search"]');
    if (!field) return;
    event.preventDefault();
    field.focus();
    field.select();
  } else if ((event.key === "j" || event.key === "k") && !typing) {
    step(event.key === "j" ? 1 : -1);
  } else if (event.key === "e" && !typing) {
    const why = document.activeElement?.closest(".moment")?.querySelector("details.why");
    if (why) why.open = !why.open;
  }
}

function step(by) {
  const links = [...document.querySelectorAll(".moment a[data-title]")].filter((link) => link.checkVisibility());
  if (!links.length) return;
  const at = links.indexOf(document.activeElement?.closest(".moment")?.querySelector("a[data-title]"));
  const next = at < 0 ? 0 : Math.min(links.length - 1, Math.max(0, at + by));
  links[next].focus();
}

function acceptPictures(box) {
  const input = document.querySelector("#image");
  const form = document.querySelector("[data-image-form]");
  input.addEventListener("change", () => input.files.length && form.requestSubmit());
  const picture = (event) => [...(event.dataTransfer?.items ?? [])].some((item) => item.type.startsWith("image/"));
  box.addEventListener("dragover", (event) => {
    if (!picture(event)) return;
    event.preventDefault();
    box.classList.add("dropping");
  });
  box.addEventListener("dragleave", () => box.classList.remove("dropping"));
  box.addEventListener("drop", (event) => {
    box.classList.remove("dropping");
    if (!picture(event)) return;
    event.preventDefault();
    input.files = event.dataTransfer.files;
    form.requestSubmit();
  });
}
