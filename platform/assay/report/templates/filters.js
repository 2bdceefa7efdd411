// The filter of a dashboard tab: cards drawn for each value of a dimension, in one script per dimension that is loaded
// when it is first asked for. The choice is kept in the address: #city=Moscow.
"use strict";

const form = document.getElementById("filter");
const cards = document.getElementById("cards");
const said = form.querySelector("p");
const everyone = { cards: cards.innerHTML, said: said.textContent };
const loaded = new Map(); // dimension: {left, cards}

function assayFilter(found) {
  loaded.set(found.dimension, { left: found.left, cards: new Map(found.cards) });
  apply();
}

function asked() {
  const [[dimension, value] = []] = new URLSearchParams(location.hash.slice(1));
  const known = [...form.elements.dimension.options].some((each) => each.value === dimension);
  return { dimension: known ? dimension : "", value: location.hash.includes("=") ? value : undefined };
}

function load(dimension) {
  const script = document.createElement("script");
  script.src = `${form.dataset.src}${dimension}.js`;
  script.addEventListener("error", () => { said.textContent = `The numbers by ${dimension} are missing beside this page.`; });
  document.head.append(script);
}

function options(found, value) {
  form.elements.value.replaceChildren(...[...found.cards.keys()].map((each) => new Option(each, each, false, each === value)));
}

function everybody() {
  cards.innerHTML = everyone.cards;
  said.textContent = everyone.said;
}

function narrow(found, value) {
  const known = found.cards.has(value);
  cards.innerHTML = known ? found.cards.get(value) : everyone.cards;
  const left = found.left ? ` ${found.left} smaller values are left out.` : "";
  const name = form.elements.dimension.selectedOptions[0].textContent.replace("one ", "");
  said.textContent = known
    ? `The cards show ${name} = ${value}; what follows them shows everyone.${left}`
    : `No ${name} is called ${value}; the cards show everyone.${left}`;
}

function apply() {
  const { dimension, value } = asked();
  const found = loaded.get(dimension);
  form.elements.dimension.value = dimension;
  form.querySelector(".which").hidden = !found;
  form.querySelector("button").hidden = !dimension;
  if (!dimension) return everybody();
  if (!found) return load(dimension);
  const chosen = value ?? found.cards.keys().next().value;
  options(found, chosen);
  narrow(found, chosen);
}

function choose(dimension, value) {
  const hash = dimension ? `#${value === undefined ? dimension : new URLSearchParams({ [dimension]: value })}` : "";
  history.replaceState(null, "", location.pathname + location.search + hash);
  apply();
}

form.elements.dimension.addEventListener("change", () => choose(form.elements.dimension.value));
form.elements.value.addEventListener("change", () => choose(form.elements.dimension.value, form.elements.value.value));
form.addEventListener("reset", () => {
  choose("");
  form.elements.dimension.focus(); // the button that had the focus is gone
});
form.addEventListener("submit", (event) => event.preventDefault());
addEventListener("hashchange", apply);
form.hidden = false;
apply();
