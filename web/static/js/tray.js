// The selection opened: its moments in order, trimmed, moved, taken out, and exported together.
import { copyText } from "./clipboard.js";
import { getJson, postForFile } from "./http.js";
import { clock, hundredths, secondsOf } from "./time.js";

export function startTray(dialog, selection) {
  const tray = document.querySelector("[data-tray]");
  const opened = new Tray(dialog, selection);
  const show = () => {
    const count = selection.moments.length;
    tray.hidden = count === 0;
    tray.querySelector("[data-tray-count]").textContent = count;
    if (dialog.open) opened.show();
  };
  tray.querySelector("[data-tray-open]").addEventListener("click", () => opened.open());
  selection.addEventListener("change", show);
  show();
}

class Tray {
  constructor(dialog, selection) {
    this.dialog = dialog;
    this.selection = selection;
    this.list = this.at("list");
    this.form = this.at("form");
    this.rows = new Map();
    this.videos = null;
    this.form.addEventListener("submit", (event) => this.send(event));
    this.form.elements.title.addEventListener("change", (event) => selection.rename(event.target.value.trim()));
    this.form.elements.format.addEventListener("change", () => this.showForm());
    this.at("close").addEventListener("click", () => dialog.close());
    dialog.querySelector("[data-copy-links]").addEventListener("click", () => this.copyLinks());
    dialog.querySelector("[data-drop-gone]").addEventListener("click", () => selection.remove(...this.gone()));
    dialog.querySelector("[data-clear]").addEventListener("click", () => this.clear());
    this.list.addEventListener("click", (event) => this.press(event));
    this.list.addEventListener("change", (event) => this.trim(event.target));
    dialog.addEventListener("keydown", (event) => event.stopPropagation()); // the page under it has keys of its own
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  }

  at(name) {
    return this.dialog.querySelector(`[data-selection-${name}]`);
  }

  open() {
    this.tell("");
    this.fail("");
    this.form.elements.title.value = this.selection.title;
    this.show();
    this.dialog.showModal();
    this.look();
  }

  /** Ask which of the videos are there, and how long they are. */
  async look() {
    const ids = [...new Set(this.selection.moments.map((moment) => moment.video))];
    const query = new URLSearchParams({ video: ids.join(","), per_page: this.selection.most });
    try {
      const { videos } = await getJson(`${this.dialog.dataset.videos}?${query}`);
      this.videos = new Map(videos.map((video) => [video.video_id, video]));
      this.show();
    } catch (error) {
      this.fail(error.message);
    }
  }

  /** What is the matter with a moment, in a sentence; nothing where it is well or nobody knows yet. */
  trouble({ video, start }) {
    if (!this.videos) return "";
    const there = this.videos.get(video);
    if (!there) return "This video is no longer in the library.";
    if (there.duration && start >= there.duration) return `The video ends before this, at ${clock(there.duration)}.`;
    return there.playable ? "" : "Its file is not there just now, so it cannot be cut.";
  }

  gone() {
    return this.selection.moments.filter(({ video }) => this.videos && !this.videos.has(video)).map(({ key }) => key);
  }

  show() {
    const { moments } = this.selection;
    const wanted = moments.map((moment, at) => this.row(moment, at, moments.length));
    if (wanted.length !== this.list.children.length || wanted.some((row, at) => row !== this.list.children[at])) {
      const active = document.activeElement;
      this.list.replaceChildren(...wanted);
      if (this.list.contains(active)) focus(active);
    }
    const sum = moments.reduce((all, moment) => all + moment.end - moment.start, 0);
    this.at("sum").textContent = moments.length ? `${count(moments.length)}, ${clock(sum)} in all` : "";
    this.at("empty").hidden = moments.length > 0;
    this.form.hidden = moments.length === 0;
    this.dialog.querySelector("[data-drop-gone]").hidden = this.gone().length === 0;
    this.showForm();
  }

  showForm() {
    this.dialog.querySelector("[data-reel]").hidden = this.form.elements.format.value !== "mp4";
  }

  row(moment, at, all) {
    const { key, video, start, end, title, picture } = moment;
    let row = this.rows.get(key);
    if (!row) {
      row = this.dialog.querySelector("[data-selection-row]").content.cloneNode(true).firstElementChild;
      row.dataset.key = key;
      this.rows.set(key, row);
    }
    const address = `/videos/${video}?t=${start.toFixed(2)}&end=${end.toFixed(2)}`;
    for (const link of row.querySelectorAll("[data-link]")) link.href = address;
    const named = `${title}, ${clock(start)}`;
    row.querySelector("[data-name]").textContent = title;
    const image = row.querySelector("img");
    const source = picture || `/api/v1/videos/${video}/poster.jpg`;
    if (image && image.getAttribute("src") !== source) image.src = source;
    for (const [name, seconds] of Object.entries({ start, end })) {
      const field = row.querySelector(`[data-time="${name}"]`);
      field.setAttribute("aria-label", `${name === "start" ? "From" : "To"}: ${named}`);
      if (field === document.activeElement && field.hasAttribute("aria-invalid")) continue; // still being written
      field.value = hundredths(seconds);
      field.removeAttribute("aria-invalid");
    }
    row.querySelector("[data-length]").textContent = `${(end - start).toFixed(2)} s`;
    const [up, down] = row.querySelectorAll("[data-move]");
    for (const [button, what] of [[up, "Earlier"], [down, "Later"], [row.querySelector("[data-remove]"), "Take out"]]) {
      button.title = what;
      button.setAttribute("aria-label", `${what}: ${named}`);
    }
    up.disabled = at === 0;
    down.disabled = at === all - 1;
    complain(row, this.trouble(moment));
    return row;
  }

  press({ target }) {
    const button = target.closest("[data-move], [data-remove]");
    if (!button) return;
    const row = button.closest("li");
    if (button.dataset.move) {
      const place = this.selection.move(row.dataset.key, Number(button.dataset.move));
      this.tell(`Now at place ${place + 1} of ${this.selection.moments.length}.`);
      return;
    }
    const next = row.nextElementSibling ?? row.previousElementSibling;
    this.selection.remove(row.dataset.key);
    this.tell(`Taken out: ${count(this.selection.moments.length)} left.`);
    (next?.querySelector("[data-remove]") ?? this.at("close")).focus();
  }

  trim(field) {
    const row = field.closest("li");
    const moment = this.selection.moments.find(({ key }) => key === row.dataset.key);
    if (!moment) return;
    const [start, end] = ["start", "end"].map((name) => {
      const typed = row.querySelector(`[data-time="${name}"]`).value;
      return typed === hundredths(moment[name]) ? moment[name] : secondsOf(typed); // untouched: exact as it was
    });
    const duration = this.videos?.get(moment.video)?.duration || Infinity;
    const wrong = !(start < end) ? "Write times as 1:20.5, the first before the second."
      : start >= duration ? `The video ends before this, at ${clock(duration)}.` : "";
    for (const input of row.querySelectorAll("[data-time]")) input.toggleAttribute("aria-invalid", Boolean(wrong));
    if (wrong) complain(row, wrong);
    else this.selection.change(moment.key, { start, end: Math.min(end, duration) });
  }

  async send(event) {
    event.preventDefault();
    const { title, format, height } = this.form.elements;
    const button = this.at("send");
    const moments = this.selection.moments.map(({ video, start, end }) => ({ video_id: video, start, end }));
    const asked = { moments, format: format.value, title: title.value.trim() };
    if (format.value === "mp4") asked.height = Number(height.value);
    this.fail("");
    this.tell(format.value === "mp4" ? "Cutting; this takes a while." : "Writing.");
    button.disabled = true;
    try {
      const { blob, name } = await postForFile(this.dialog.dataset.export, asked);
      save(blob, name);
      this.tell(`Saved as ${name}`);
    } catch (error) {
      this.tell("");
      this.fail(error.message);
    }
    button.disabled = false;
    if (document.activeElement === document.body) button.focus(); // a button that is disabled loses it
  }

  async copyLinks() {
    const links = [...this.list.querySelectorAll("[data-name]")].map((link) => link.href);
    const field = this.dialog.querySelector("#selection-links");
    const copied = await copyText(links.join("\n"));
    this.tell(copied ? `Copied ${links.length} link${links.length === 1 ? "" : "s"}.` : "Copy the links from here:");
    for (const item of [field, ...field.labels]) item.hidden = copied;
    field.value = links.join("\n");
    if (!copied) field.select();
  }

  clear() {
    if (!window.confirm(`Take out all ${count(this.selection.moments.length)}?`)) return;
    this.selection.clear();
    this.at("close").focus();
  }

  tell(text) {
    this.at("told").textContent = text;
  }

  fail(text) {
    const told = this.at("problem");
    told.textContent = text;
    told.hidden = !text;
  }
}

function count(number) {
  return `${number} moment${number === 1 ? "" : "s"}`;
}

function complain(row, text) {
  const told = row.querySelector("[data-trouble]");
  told.textContent = text;
  told.hidden = !text;
}

/** Give a button that was moved with its row the focus back, or its neighbour where it can go no further. */
function focus(element) {
  (element.disabled ? element.parentElement.querySelector("[data-move]:not([disabled])") : element)?.focus();
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the browser may still be asking where to
}
