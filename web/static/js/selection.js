// Moments that a person gathers over many searches and videos: kept in this browser alone, the same in all its tabs.
import { getJson } from "./http.js";

const KEY = "reelseek.selection";
const VIDEOS = "/api/v1/videos/";

export class Selection extends EventTarget {
  constructor(most) {
    super();
    this.most = most;
    this.moments = [];
    this.title = "";
    this.kept = true;
    this.read();
    window.addEventListener("storage", (event) => {
      if (event.key !== KEY && event.key !== null) return;
      this.read();
      this.dispatchEvent(new Event("change"));
    });
  }

  /** Take what the browser keeps; of something else that lies there only what is a moment. */
  read() {
    if (!this.kept) return; // nothing is kept: what is in this page is all there is
    let found = null;
    try {
      found = JSON.parse(localStorage.getItem(KEY) ?? "null");
    } catch {
      // no storage here, or somebody else's text
    }
    this.moments = (Array.isArray(found?.moments) ? found.moments : []).filter(isMoment).slice(0, this.most);
    this.title = typeof found?.title === "string" ? found.title : "";
  }

  write(change) {
    this.read(); // another tab may have written since
    change();
    try {
      localStorage.setItem(KEY, JSON.stringify({ moments: this.moments, title: this.title }));
    } catch {
      this.kept = false;
    }
    this.dispatchEvent(new Event("change"));
  }

  has(key) {
    return this.moments.some((moment) => moment.key === key);
  }

  /** Whether there was room for it. */
  add(moment) {
    this.read();
    if (this.moments.length >= this.most) return false;
    if (!this.has(moment.key)) this.write(() => this.moments.push(moment));
    return true;
  }

  remove(...keys) {
    this.write(() => (this.moments = this.moments.filter((moment) => !keys.includes(moment.key))));
  }

  change(key, fields) {
    this.write(() => Object.assign(this.moments.find((moment) => moment.key === key) ?? {}, fields));
  }

  /** Put a moment `by` places on; its new place, from 0. */
  move(key, by) {
    this.write(() => {
      const at = this.moments.findIndex((moment) => moment.key === key);
      if (at >= 0) this.moments.splice(Math.max(0, at + by), 0, ...this.moments.splice(at, 1));
    });
    return this.moments.findIndex((moment) => moment.key === key);
  }

  rename(title) {
    this.write(() => (this.title = title));
  }

  clear() {
    this.write(() => (this.moments = []));
  }

  /** Leave nothing in the browser, not even for the next person who signs in here. */
  forget() {
    localStorage.removeItem(KEY);
  }
}

/** A moment as it is kept; its key stays what it was found as when it is trimmed. */
export function moment({ video, start, end, title, picture = "" }) {
  const last = end > start ? end : start + 1; // a single picture counts as a second
  return { key: `${video}@${start.toFixed(2)}-${last.toFixed(2)}`, video, start, end: last, title, picture };
}

/** The address of the picture of a second of a video, or nothing. */
export async function pictureAt(video, second) {
  try {
    const { segment_list: segments } = await getJson(VIDEOS + video);
    return segments.findLast((segment) => segment.start <= second)?.thumbnail ?? "";
  } catch {
    return ""; // the video's own picture does
  }
}

function isMoment(value) {
  const { key, video, start, end, title, picture } = value ?? {};
  return (
    typeof key === "string" && /^[0-9a-f]{32}$/.test(video) && typeof title === "string"
    && Number.isFinite(start) && Number.isFinite(end) && start >= 0 && end > start
    && typeof picture === "string" && (picture === "" || picture.startsWith(VIDEOS))
  );
}
