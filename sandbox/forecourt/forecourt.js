/* Keeps the forecourt fresh: changed parts only, focus and open menus stay. Without it every button is a plain form. */
"use strict";

const EVERY_MS = 1500;
const seen = new Map();
let timer = 0;

const parts = (root) => root.querySelectorAll("[data-live]");
parts(document).forEach((part) => seen.set(part.dataset.live, part.outerHTML));

function swap(text) {
  const fresh = new DOMParser().parseFromString(text, "text/html");
  if (parts(fresh).length !== parts(document).length) { location.reload(); return; }
  for (const part of parts(fresh)) {
    const name = part.dataset.live, html = part.outerHTML;
    if (seen.get(name) === html) continue;
    const old = document.querySelector(`[data-live="${CSS.escape(name)}"]`);
    if (!old || old.querySelector("details[open]")) continue;
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    seen.set(name, html);
    old.replaceWith(part);
    if (focused) document.getElementById(focused)?.focus();
  }
}

async function look() {
  clearTimeout(timer);
  try {
    if (!document.hidden) {
      const answer = await fetch("/_sandbox/forecourt/live");
      if (answer.ok) swap(await answer.text());
      say("");
    }
  } catch { say("The sandbox does not answer. Start it again; this page goes on by itself."); }
  timer = setTimeout(look, EVERY_MS);
}

function say(words) {
  const toast = document.getElementById("toast");
  if (toast.dataset.sticky && !words) return;
  toast.textContent = words;
  toast.hidden = !words;
}

function complain(words) {
  const toast = document.getElementById("toast");
  toast.dataset.sticky = "1";
  toast.textContent = words;
  toast.hidden = false;
  setTimeout(() => { delete toast.dataset.sticky; say(""); }, 5000);
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  event.preventDefault();
  form.closest("details")?.removeAttribute("open");
  const body = new URLSearchParams(new FormData(form));
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" }, redirect: "manual" });
    if (answer.type !== "opaqueredirect" && !answer.ok) complain((await answer.json()).error.message);
  } catch { complain("The sandbox does not answer."); }
  if (form.action.endsWith("/faults") || form.action.endsWith("/reset")) { location.reload(); return; }
  look();
});

document.addEventListener("input", (event) => {
  const output = event.target.parentElement.querySelector("output");
  if (output) output.textContent = event.target.value;
});

document.addEventListener("click", (event) => {
  document.querySelectorAll("details[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") document.querySelectorAll("details[open]").forEach((menu) => { menu.open = false; });
});

timer = setTimeout(look, EVERY_MS);
