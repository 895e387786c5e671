// The one player of a page: a native <video>, its tracks, and a strip of chapters and moments under it.
import { getJson } from "./http.js";
import { clock } from "./time.js";

const API = "/api/v1/videos/";
const SVG = "http://www.w3.org/2000/svg";

export class Player {
  constructor(root) {
    this.root = root;
    this.video = root.querySelector("video");
    this.strip = root.querySelector("[data-timeline]");
    this.error = root.querySelector("[data-player-error]");
    this.videoId = root.dataset.video ?? "";
    this.duration = Number(root.dataset.duration ?? 0);
    this.chapters = [];
    this.pending = null;
    this.active = null;
    this.saliency = null;
    if (!this.video) return;
    this.video.addEventListener("timeupdate", () => this.moved());
    this.video.addEventListener("loadedmetadata", () => this.ready());
    this.video.addEventListener("error", () => this.failed());
    root.querySelector("[data-player-close]")?.addEventListener("click", () => this.close());
  }

  /** Play a video from `start`; `title` describes it, `moment` is the element of the moment that it belongs to. */
  async open({ videoId, title, start, moment = null }) {
    this.root.hidden = false;
    document.querySelector("[data-found]")?.classList.add("playing");
    if (videoId !== this.videoId) {
      this.videoId = videoId;
      this.load(videoId);
      this.weigh();
    }
    const heading = this.root.querySelector("[data-player-title]");
    if (heading) heading.textContent = title;
    const page = this.root.querySelector("[data-player-page]");
    const until = moment ? `&end=${Number(moment.dataset.end).toFixed(2)}` : "";
    if (page) page.href = `/videos/${videoId}?t=${start.toFixed(2)}${until}`;
    this.video.setAttribute("aria-label", title);
    this.active = moment;
    this.seek(start, true);
    this.draw();
  }

  load(videoId) {
    this.error.hidden = true;
    this.chapters = [];
    this.duration = 0;
    this.video.replaceChildren(
      track("captions", `${API}${videoId}/transcript.vtt`, "Transcript"),
      track("chapters", `${API}${videoId}/chapters.vtt`, "Chapters"),
    );
    this.video.poster = "";
    this.video.src = `${API}${videoId}/media`;
    getJson(API + videoId).then((detail) => {
      if (videoId !== this.videoId) return;
      this.chapters = detail.chapters;
      this.duration ||= detail.duration;
      this.draw();
    }, () => {}); // the strip then shows the moments alone; the player itself tells what is wrong
  }

  /** Ask how much each part of the video has to do with the query at hand, and draw it behind the moments. */
  async weigh() {
    const query = document.querySelector("input[name=q]")?.value.trim();
    const videoId = this.videoId;
    this.saliency = null;
    if (!query || !videoId || !this.strip) return;
    try {
      const found = await getJson(`${API}${videoId}/saliency?${new URLSearchParams({ q: query })}`);
      if (videoId !== this.videoId) return;
      this.saliency = found;
      this.draw();
    } catch {
      // the strip then shows chapters and moments alone
    }
  }

  seek(seconds, play = false) {
    if (!this.video) return;
    if (this.video.readyState >= HTMLMediaElement.HAVE_METADATA) {
      this.video.currentTime = seconds;
    } else {
      this.pending = seconds;
      this.video.preload = "auto";
    }
    // a browser may refuse to start by itself; then the picture stands at the right second
    if (play) this.video.play().catch(() => {});
  }

  ready() {
    this.duration = Number.isFinite(this.video.duration) ? this.video.duration : this.duration;
    if (this.pending !== null) {
      this.video.currentTime = this.pending;
      this.pending = null;
    }
    this.draw();
  }

  failed() {
    if (!this.video.getAttribute("src")) return;
    const code = this.video.error?.code;
    this.error.textContent = code === MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED || code === MediaError.MEDIA_ERR_DECODE
      ? "This browser cannot play the file: it is offline, or of a format that browsers do not know."
      : "The video could not be loaded.";
    this.error.hidden = false;
  }

  close() {
    this.video.pause();
    this.root.hidden = true;
    document.querySelector("[data-found]")?.classList.remove("playing");
    document.querySelector(".moment.active a[data-title]")?.focus();
  }

  get isOpen() {
    return !this.root.hidden;
  }

  moved() {
    const now = this.root.querySelector("[data-player-now]");
    if (now) now.textContent = this.duration ? `${clock(this.video.currentTime)} of ${clock(this.duration)}` : "";
    if (this.needle && this.duration) this.needle.style.left = `${(100 * this.video.currentTime) / this.duration}%`;
    this.root.dispatchEvent(new CustomEvent("player:time", { detail: this.video.currentTime }));
  }

  /** Put chapters and the moments of this video that the page lists on the strip. */
  draw() {
    if (!this.strip || !this.duration) return;
    const marks = [];
    const listed = [...document.querySelectorAll("[data-chapter]")].map(range);
    for (const chapter of this.chapters.length ? this.chapters : listed) {
      marks.push(this.mark("chapter", chapter, `Chapter ${chapter.title}, ${clock(chapter.start)}`));
    }
    for (const item of document.querySelectorAll(`.moment[data-video="${CSS.escape(this.videoId)}"]`)) {
      const moment = range(item);
      const mark = this.mark("moment-mark", moment, `Moment at ${clock(moment.start)}`);
      const active = this.active === item;
      mark.classList.toggle("active", active);
      item.classList.toggle("active", active);
      marks.push(mark);
    }
    this.needle = document.createElement("div");
    this.needle.className = "needle";
    this.strip.replaceChildren(...curve(this.saliency, this.duration), ...marks, this.needle);
    this.root.dispatchEvent(new CustomEvent("player:drawn"));
    this.moved();
  }

  mark(kind, { start, end }, label) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = kind;
    button.title = label;
    button.setAttribute("aria-label", label);
    button.style.left = `${(100 * start) / this.duration}%`;
    button.style.width = `${(100 * Math.max(0, end - start)) / this.duration}%`;
    button.addEventListener("click", () => this.seek(start, true));
    return button;
  }
}

/** The scores as one filled line over the length of the video. */
function curve(saliency, duration) {
  if (!saliency?.scores.some((score) => score > 0)) return [];
  const { step, scores } = saliency;
  const points = scores.map((score, at) => `L${at * step} ${1 - score} L${Math.min(duration, (at + 1) * step)} ${1 - score}`);
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("class", "saliency");
  picture.setAttribute("viewBox", `0 0 ${duration} 1`);
  picture.setAttribute("preserveAspectRatio", "none");
  picture.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", `M0 1 ${points.join(" ")} L${duration} 1 Z`);
  picture.append(path);
  return [picture];
}

function range(element) {
  const title = element.querySelector("span:last-child")?.textContent ?? "";
  return { start: Number(element.dataset.start), end: Number(element.dataset.end), title };
}

function track(kind, src, label) {
  const element = document.createElement("track");
  Object.assign(element, { kind, src, label, srclang: "und" });
  return element;
}

export function startPlayer() {
  const root = document.querySelector("[data-player]");
  return root ? new Player(root) : null;
}
