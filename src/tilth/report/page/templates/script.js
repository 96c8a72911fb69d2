"use strict";
(() => {
  const root = document.documentElement, themes = ["auto", "light", "dark"];
  const store = { get: () => { try { return localStorage.getItem("tilth-theme"); } catch { return null; } },
    set: v => { try { localStorage.setItem("tilth-theme", v); } catch { /* not allowed here: the choice lasts for this visit */ } } };
  const show = v => { if (v === "auto") delete root.dataset.theme; else root.dataset.theme = v; button.textContent = "Theme: " + v; };
  const button = document.createElement("button");
  button.type = "button"; button.className = "theme";
  let now = root.dataset.theme || store.get() || "auto";
  if (!themes.includes(now)) now = "auto";
  button.addEventListener("click", () => { now = themes[(themes.indexOf(now) + 1) % 3]; store.set(now); show(now); });
  document.getElementById("tools").append(button);
  show(now);

  addEventListener("beforeprint", () => document.querySelectorAll("main details").forEach(d => { d.dataset.was = d.open ? "1" : ""; d.open = true; }));
  addEventListener("afterprint", () => document.querySelectorAll("main details").forEach(d => { d.open = d.dataset.was === "1"; }));

  const form = document.getElementById("filters");
  if (!form) return;
  const rows = [...document.querySelectorAll(".record")], said = document.getElementById("found");
  rows.forEach((row, at) => { row.at = at; row.words = row.textContent.toLowerCase(); });
  const value = name => form.elements[name] ? form.elements[name].value : "";
  const orders = { listed: (a, b) => a.at - b.at, long: (a, b) => b.dataset.size - a.dataset.size || a.at - b.at,
    short: (a, b) => a.dataset.size - b.dataset.size || a.at - b.at,
    label: (a, b) => (a.dataset.label < b.dataset.label ? -1 : a.dataset.label > b.dataset.label ? 1 : a.at - b.at) };
  const apply = () => {
    const state = value("state"), label = value("label"), why = value("why"), words = value("words").toLowerCase();
    let n = 0;
    for (const row of rows) {
      const fits = (!state || row.dataset.state === state) && (!label || row.dataset.label === label)
        && (!why || row.dataset.why.split("␟").includes(why)) && (!words || row.words.includes(words));
      row.hidden = !fits;
      n += fits;
    }
    document.querySelectorAll(".list").forEach(list => [...list.children].sort(orders[value("sort")] || orders.listed).forEach(row => list.append(row)));
    said.textContent = n + " of " + rows.length + " records shown";
  };
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", event => event.preventDefault());
  const open = () => { const row = location.hash.length > 1 && document.getElementById(location.hash.slice(1)); const inside = row && row.closest(".record");
    if (inside) { form.reset(); apply(); inside.querySelector("details").open = true; inside.scrollIntoView(); } };
  addEventListener("hashchange", open);
  open();
})();
