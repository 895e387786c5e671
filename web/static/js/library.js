// The library page: uploads with progress, and what is being indexed, live.
import { getJson, refresh, upload } from "./http.js";

const BUSY_MS = 1000;
const IDLE_MS = 5000;

export function startLibrary() {
  for (const form of document.querySelectorAll("form[data-confirm]")) {
    form.addEventListener("submit", (event) => {
      if (event.submitter?.matches(".danger") && !window.confirm(form.dataset.confirm)) event.preventDefault();
    });
  }
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-autosubmit]")) event.target.form.requestSubmit();
  });
  const live = document.querySelector("[data-live]");
  if (!live) return;
  const watcher = new Watcher(live.dataset.jobs);
  watcher.start();
  const drop = document.querySelector("[data-drop]");
  if (drop) startUploads(drop, watcher);
}

function startUploads(drop, watcher) {
  const input = drop.querySelector('input[type="file"]');
  const list = drop.querySelector("[data-uploads]");
  drop.querySelector("[data-plain]").hidden = true;
  const take = async (files) => {
    for (const file of files) await send(file, drop.dataset.api, list);
    input.value = "";
    watcher.look();
  };
  input.addEventListener("change", () => take([...input.files]));
  drop.addEventListener("submit", (event) => event.preventDefault());
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    take([...event.dataTransfer.files]);
  });
}

async function send(file, url, list) {
  const row = document.createElement("li");
  const name = document.createElement("span");
  const bar = document.createElement("progress");
  name.textContent = file.name;
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", file.name);
  row.append(name, bar);
  list.append(row);
  try {
    await upload(url, file, (fraction) => (bar.value = fraction));
    name.textContent = `${file.name}: uploaded, waiting to be indexed`;
  } catch (error) {
    name.textContent = `${file.name}: ${error.message}`;
    name.className = "reason";
  }
  bar.remove();
}

/** Asks for the jobs under way and keeps the list and, when one ends, the videos up to date. */
class Watcher {
  constructor(url) {
    this.url = url;
    this.known = new Set();
    this.list = document.querySelector("[data-job-list]");
    this.card = document.querySelector("[data-jobs-card]");
  }

  start() {
    for (const row of this.list.children) this.known.add(Number(row.dataset.job));
    this.look();
  }

  async look() {
    clearTimeout(this.timer);
    let pause = IDLE_MS;
    try {
      const { jobs } = await getJson(this.url);
      if (jobs.length) pause = BUSY_MS;
      this.show(jobs);
    } catch {
      // the server restarts or the session ended; the next look will tell
    }
    this.timer = setTimeout(() => (document.hidden ? this.rest() : this.look()), pause);
  }

  rest() {
    document.addEventListener("visibilitychange", () => this.look(), { once: true });
  }

  show(jobs) {
    const now = new Set(jobs.map((job) => job.job_id));
    const ended = [...this.known].some((id) => !now.has(id));
    const begun = jobs.some((job) => !this.known.has(job.job_id));
    this.known = now;
    this.card.hidden = jobs.length === 0;
    const rows = new Map([...this.list.children].map((row) => [Number(row.dataset.job), row]));
    this.list.replaceChildren(...jobs.map((job) => this.row(job, rows.get(job.job_id))));
    if (ended || begun) refresh(["[data-grid]", "[data-failed]", ".page-head"]);
  }

  row(job, old) {
    const row = old ?? newRow(job);
    row.querySelector("[data-stage]").textContent = job.state === "running" ? job.stage_name : "Waiting";
    row.querySelector("progress").value = job.fraction;
    return row;
  }
}

function newRow(job) {
  const row = document.createElement("li");
  row.dataset.job = job.job_id;
  const head = document.createElement("div");
  head.className = "row spread";
  const name = document.createElement("span");
  name.className = "grow";
  name.textContent = job.what;
  const stage = document.createElement("span");
  stage.className = "small muted";
  stage.dataset.stage = "";
  head.append(name, stage);
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.setAttribute("aria-label", job.what);
  row.append(head, bar);
  return row;
}
