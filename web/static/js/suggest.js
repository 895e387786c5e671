// Completions under the search box: a combobox as the ARIA Authoring Practices describe it. Without this it is a plain input.
import { getJson } from "./http.js";

const PAUSE = 120;
const KINDS = {
  word: "word",
  phrase: "phrase",
  title: "video",
  chapter: "chapter",
  object: "object",
  speaker: "speaker",
  tag: "tag",
  field: "field",
  spelling: "did you mean",
};

export function startSuggestions() {
  const input = document.querySelector("input[data-suggest]");
  const list = document.querySelector("#suggestions");
  if (input && list) new Suggestions(input, list);
}

class Suggestions {
  constructor(input, list) {
    this.input = input;
    this.list = list;
    this.count = document.querySelector("[data-suggest-count]");
    this.found = [];
    this.active = -1;
    this.asked = 0;
    for (const [name, value] of Object.entries({
      role: "combobox",
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": list.id,
    })) {
      input.setAttribute(name, value);
    }
    input.addEventListener("input", () => this.later());
    input.addEventListener("keydown", (event) => this.key(event));
    input.addEventListener("blur", () => this.close());
    // the mouse must not take the focus away before the click is known
    list.addEventListener("mousedown", (event) => event.preventDefault());
    list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.take([...list.children].indexOf(option));
    });
  }

  get isOpen() {
    return !this.list.hidden;
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), PAUSE);
  }

  async ask() {
    const text = this.input.value;
    const number = ++this.asked;
    if (!text.trim()) return this.close();
    const query = new URLSearchParams({ q: text });
    const library = this.input.form.elements.library?.value;
    if (library) query.set("library", library);
    let found = [];
    try {
      found = (await getJson(`${this.input.dataset.suggest}?${query}`)).suggestions;
    } catch {
      // searching works without completions
    }
    if (number === this.asked && document.activeElement === this.input) this.show(found);
  }

  show(found) {
    this.found = found;
    this.list.replaceChildren(...found.map((item, at) => option(item, at)));
    this.list.hidden = !found.length;
    this.input.setAttribute("aria-expanded", String(this.isOpen));
    this.count.textContent = found.length ? `${found.length} suggestions` : "";
    this.mark(-1);
  }

  close() {
    clearTimeout(this.timer);
    this.asked += 1;
    this.show([]);
  }

  mark(at) {
    this.active = at;
    for (const [number, element] of [...this.list.children].entries()) {
      element.setAttribute("aria-selected", String(number === at));
    }
    const element = this.list.children[at];
    if (element) {
      this.input.setAttribute("aria-activedescendant", element.id);
      element.scrollIntoView({ block: "nearest" });
    } else {
      this.input.removeAttribute("aria-activedescendant");
    }
  }

  key(event) {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const { key } = event;
    if (key === "ArrowDown" || key === "ArrowUp") {
      if (!this.isOpen) {
        if (key === "ArrowDown") this.ask();
        return;
      }
      event.preventDefault();
      const count = this.found.length + 1; // one place more: nothing chosen, what was typed
      this.mark(((this.active + 1 + (key === "ArrowDown" ? 1 : -1) + count) % count) - 1);
    } else if (key === "Escape" && this.isOpen) {
      event.preventDefault();
      event.stopPropagation();
      this.close();
    } else if (key === "Enter" && this.isOpen && this.active >= 0) {
      event.preventDefault();
      this.take(this.active);
    }
  }

  take(at) {
    const item = this.found[at];
    if (!item) return;
    this.input.value = item.text;
    this.close();
    if (item.kind === "field") this.ask();
    else this.input.form.requestSubmit();
  }
}

function option(item, at) {
  const element = document.createElement("li");
  element.id = `suggestion-${at}`;
  element.setAttribute("role", "option");
  const text = document.createElement("span");
  text.className = "text";
  text.textContent = item.text;
  const kind = document.createElement("span");
  kind.className = "kind";
  kind.textContent = KINDS[item.kind] ?? "";
  element.append(text, kind);
  return element;
}
