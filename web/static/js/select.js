// The controls that put a moment, or the stretch at hand of a video, into the selection.
import { Selection, moment, pictureAt } from "./selection.js";
import { startTray } from "./tray.js";

export function startSelecting() {
  const dialog = document.querySelector("[data-selection]");
  if (!dialog) return;
  const selection = new Selection(Number(dialog.dataset.most));
  startTray(dialog, selection);
  document.querySelector("[data-sign-out]")?.addEventListener("submit", () => selection.forget());
  const buttons = [...document.querySelectorAll("[data-select]")];
  const stretch = document.querySelector("[data-select-stretch]");
  if (!buttons.length && !stretch) return;
  document.querySelector("[data-tray-told]").hidden = false; // there before it says something, or nobody hears it
  const show = () => {
    for (const button of buttons) mark(button, selection.has(found(button).key));
  };
  for (const button of buttons) button.hidden = false;
  selection.addEventListener("change", show);
  show();
  document.addEventListener("click", (event) => {
    const one = event.target.closest("[data-select]");
    if (one) toggle(selection, found(one));
    if (stretch?.contains(event.target)) addStretch(selection, stretch);
  });
  startKey(stretch);
}

/** `b` is the button of the moment that has the focus or plays; on a video's page else that of the marked stretch. */
function startKey(stretch) {
  let focused = null;
  document.addEventListener("focusout", () => (focused = null));
  document.addEventListener("focusin", (event) => (focused = event.target.closest("[data-selectable]")));
  stretch?.form.addEventListener("input", () => (focused = null)); // marked just now: that is what is meant
  document.addEventListener("keydown", (event) => {
    if (event.key !== "b" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input, textarea, select")) return;
    const one = focused ?? (stretch ? null : document.querySelector(".moment.active"));
    (one?.querySelector("[data-select]") ?? stretch)?.click();
  });
}

function found(button) {
  const scope = button.closest("[data-selectable]");
  return moment({
    video: scope.dataset.video,
    start: Number(scope.dataset.start),
    end: Number(scope.dataset.end),
    title: button.dataset.title,
    picture: scope.querySelector(".thumb img")?.getAttribute("src") ?? "",
  });
}

function mark(button, selected) {
  button.classList.toggle("selected", selected);
  button.querySelector("[data-select-text]").textContent = selected ? "Selected" : "Add to selection";
  button.title = selected ? "Take it out of the selection (key b)" : "Keep it for an export with others (key b)";
}

function toggle(selection, one) {
  if (!selection.has(one.key)) return put(selection, one);
  selection.remove(one.key);
  tell(selection, "Taken out");
}

function addStretch(selection, button) {
  const { start, end } = button.form.elements;
  const from = Number(start.value);
  const to = Number(end.value);
  if (!(to > from)) return problem("The stretch is empty: set its beginning and its end.");
  const video = document.querySelector("[data-player]").dataset.video;
  put(selection, moment({ video, start: from, end: to, title: button.dataset.title }));
}

async function put(selection, one) {
  if (!selection.add(one)) return problem(`The selection is full: ${selection.most} moments can be exported at once.`);
  tell(selection, "Added");
  if (one.picture) return;
  const picture = await pictureAt(one.video, one.start);
  if (picture) selection.change(one.key, { picture });
}

function tell(selection, what) {
  const count = selection.moments.length;
  problem(selection.kept ? "" : "This browser keeps nothing for this page: the selection is gone when you leave it.");
  document.querySelector("[data-tray-told]").textContent = `${what}: ${count} moment${count === 1 ? "" : "s"} selected`;
}

function problem(text) {
  const told = document.querySelector("[data-tray-problem]");
  told.textContent = text;
  told.hidden = !text;
}
