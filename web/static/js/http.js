// Talking to our own API. A problem+json answer becomes an Error with its sentence.

export function problemText(problem, status) {
  const text = [problem?.detail, problem?.hint].filter(Boolean).join(" ");
  return text || `The server answered ${status}.`;
}

export async function getJson(url) {
  const response = await fetch(url, { headers: { Accept: "application/json" } });
  const body = await response.json().catch(() => null);
  if (!response.ok) throw new Error(problemText(body, response.status));
  return body;
}

/** Post JSON for a file; resolves to its bytes and its name. */
export async function postForFile(url, asked) {
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(asked) });
  if (!response.ok) throw new Error(problemText(await response.json().catch(() => null), response.status));
  return { blob: await response.blob(), name: nameIn(response.headers.get("Content-Disposition") ?? "") };
}

/** The name of an attachment (RFC 6266), its form for every alphabet first. */
function nameIn(disposition) {
  const coded = disposition.match(/filename\*=UTF-8''([^;]+)/i);
  return coded ? decodeURIComponent(coded[1]) : (disposition.match(/filename="?([^";]+)"?/)?.[1] ?? "selection");
}

/** Upload one file with progress; resolves to the parsed answer. */
export function upload(url, file, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.responseType = "json";
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    });
    request.addEventListener("load", () => {
      if (request.status < 300) resolve(request.response);
      else reject(new Error(problemText(request.response, request.status)));
    });
    request.addEventListener("error", () => reject(new Error("The connection was lost.")));
    const form = new FormData();
    form.append("file", file);
    request.send(form);
  });
}

/** Fetch a page of ours and put its elements in place of those here, selector by selector. */
export async function refresh(selectors) {
  const response = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const selector of selectors) {
    const here = document.querySelector(selector);
    const there = page.querySelector(selector);
    if (here && there && !here.contains(document.activeElement)) here.replaceWith(there);
  }
}
