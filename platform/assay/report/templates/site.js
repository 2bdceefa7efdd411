// Search in the catalogue and copy buttons. Every page reads completely without this file.
"use strict";

function search(field, table, nothing) {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of table.tBodies[0].rows) {
    row.hidden = !words.every((word) => row.dataset.search.includes(word));
    shown += row.hidden ? 0 : 1;
  }
  nothing.hidden = shown > 0;
}

function select(node) {
  const range = document.createRange();
  range.selectNodeContents(node);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
}

async function copy(button) {
  const code = button.closest("section").querySelector("code");
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
  } catch {
    select(code); // pages opened from disk may not write to the clipboard: leave the text selected
    button.textContent = "Selected";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
}

const field = document.getElementById("search");
if (field) {
  const table = document.getElementById("catalogue");
  field.addEventListener("input", () => search(field, table, document.getElementById("nothing")));
}
for (const button of document.querySelectorAll("button.copy")) {
  button.addEventListener("click", () => copy(button));
}
// What scrolls can be reached and moved by the keyboard.
const wide = new ResizeObserver((seen) => {
  for (const { target } of seen) {
    const more = target.scrollWidth > target.clientWidth || target.scrollHeight > target.clientHeight;
    target.tabIndex = more ? 0 : -1;
  }
});
for (const each of document.querySelectorAll(".scroll, .snug, .roomy, pre")) wide.observe(each);
document.documentElement.dataset.ready = "yes";
