// The report reads without this script. With it the contents follow the reader, a linked number shows its evidence on
// the spot, and the charts come alive: tooltips, a country to highlight, files to save.
(() => {
  "use strict";

  const root = document.documentElement;
  const main = document.getElementById("main");
  root.classList.add("js"); // shows what works only with the script; its room is kept without it
  const idle = (run) => (window.requestIdleCallback ? requestIdleCallback(run, { timeout: 500 }) : setTimeout(run, 50));
  const element = (name, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };

  // ---------------------------------------------------------------- boxes that scroll

  // A box is a stop for the Tab key only while it has something to scroll, or marks to step through.
  if ("ResizeObserver" in window) {
    const observer = new ResizeObserver((entries) => {
      for (const { target } of entries) {
        const scrolls = target.scrollWidth > target.clientWidth || target.scrollHeight > target.clientHeight;
        if (scrolls || "marks" in target.dataset) target.tabIndex = 0;
        else target.removeAttribute("tabindex");
      }
    });
    for (const box of document.querySelectorAll(".table-box, .chart-box")) observer.observe(box);
  }

  // ---------------------------------------------------------------- contents that follow the reader

  followReader();

  function followReader() {
    const links = new Map();
    for (const link of document.querySelectorAll("#TOC a[href^='#']")) {
      links.set(decodeURIComponent(link.hash.slice(1)), link);
    }
    const sections = [...document.querySelectorAll("main section[id]")].filter((section) => links.has(section.id));
    if (!sections.length) return;
    let current = null;
    const mark = () => {
      let next = null;
      for (const section of sections) {
        if (section.getBoundingClientRect().top <= 120) next = section;
      }
      if (next === current) return;
      current = next;
      for (const link of links.values()) link.removeAttribute("aria-current");
      const link = next && links.get(next.id);
      if (!link) return;
      link.setAttribute("aria-current", "true");
      const nav = document.getElementById("TOC");
      const box = link.getBoundingClientRect();
      const frame = nav.getBoundingClientRect();
      if (box.top < frame.top || box.bottom > frame.bottom) nav.scrollTop += box.top - frame.top - frame.height / 3;
    };
    let waiting = false;
    addEventListener("scroll", () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => { waiting = false; mark(); });
    }, { passive: true });
    mark();
  }

  // ---------------------------------------------------------------- the card

  // One card serves linked numbers and marks of charts. As WCAG 1.4.13 asks, Escape dismisses it, the pointer may move
  // onto it, and it stays until pointer and focus have left. It holds text only, so that nothing in it needs a Tab stop;
  // what it says is the description of the link that has it.
  const card = element("div", { id: "card", hidden: true });
  card.setAttribute("role", "tooltip");
  const spoken = element("p", { className: "unseen" });
  spoken.setAttribute("role", "status");
  main.append(card, spoken);
  let owner = null; // the link or mark whose card is shown
  let timer = 0;

  const isEvidence = (link) => /^#(ev|calc|ref)-./.test(link.hash) && Boolean(targetOf(link));
  const targetOf = (link) => document.getElementById(decodeURIComponent(link.hash.slice(1)));
  const evidence = new Set([...document.querySelectorAll("main a[href^='#']")].filter(isEvidence));
  for (const link of evidence) link.removeAttribute("title"); // the browser's own tooltip would cover the card

  /** The Vega item that an element of a live chart draws. */
  function itemOf(node) {
    const bound = node && node.__data__;
    return Array.isArray(bound) ? bound[0] : bound;
  }

  function ownerOf(node) {
    if (!(node instanceof Element)) return null;
    const link = node.closest("a");
    if (link) return evidence.has(link) ? link : null;
    return itemOf(node)?.tooltip ? node : null;
  }

  function show(next, at) {
    clearTimeout(timer);
    if (owner !== next) {
      hide();
      const content = evidence.has(next) ? evidenceOf(next) : marksOf(itemOf(next));
      card.replaceChildren(...content);
      owner = next;
      if (evidence.has(next)) next.setAttribute("aria-describedby", "card");
      card.hidden = false;
    }
    place(at);
  }

  function hide() {
    clearTimeout(timer);
    if (!owner) return;
    owner.removeAttribute("aria-describedby");
    owner = null;
    card.hidden = true;
  }

  /** Put the card under its owner, or above where there is more room; `at` is the pointer, if it was one. */
  function place(at) {
    const gap = 6;
    const lines = [...owner.getClientRects()];
    let box = lines[0] || owner.getBoundingClientRect();
    if (at) {
      box = lines.find((line) => line.top <= at.y + 1 && line.bottom >= at.y - 1) || box;
      if (box.width > 160 || box.height > 60) box = new DOMRect(at.x, at.y - 8, 0, 16); // a bar, an area
    }
    card.style.left = "0";
    card.style.top = "0";
    const width = card.offsetWidth;
    const height = card.offsetHeight;
    const left = Math.max(8, Math.min(box.left, root.clientWidth - width - 8));
    const below = box.bottom + gap + height <= root.clientHeight || box.top - gap < height;
    card.style.left = `${left + scrollX}px`;
    card.style.top = `${(below ? box.bottom + gap : box.top - gap - height) + scrollY}px`;
  }

  function later(run, milliseconds) {
    clearTimeout(timer);
    timer = setTimeout(run, milliseconds);
  }

  const hasFocus = () => owner && (document.activeElement === owner || owner === stepped);

  document.addEventListener("pointerover", (event) => {
    if (event.pointerType === "touch") return;
    if (card.contains(event.target)) return clearTimeout(timer);
    const next = ownerOf(event.target);
    const at = { x: event.clientX, y: event.clientY };
    if (next && next === owner) clearTimeout(timer);
    else if (next) later(() => show(next, at), owner ? 80 : 150);
    else if (owner && !hasFocus()) later(hide, 300); // time to reach the card
    else if (!owner) clearTimeout(timer);
  });
  root.addEventListener("pointerleave", () => { if (!hasFocus()) later(hide, 300); });
  document.addEventListener("focusin", (event) => {
    const next = ownerOf(event.target);
    if (next && next.matches(":focus-visible")) show(next);
  });
  document.addEventListener("focusout", (event) => {
    if (event.target === owner && !card.matches(":hover")) hide();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
  });

  // A first tap shows the card, a second one follows the link.
  let shownAtTap = null;
  document.addEventListener("pointerdown", (event) => { shownAtTap = event.pointerType === "touch" ? owner : null; });
  document.addEventListener("click", (event) => {
    if (card.contains(event.target)) return;
    const next = ownerOf(event.target);
    const tapped = event.pointerType === "touch";
    if (!next) return hide();
    if (tapped && next !== shownAtTap) {
      event.preventDefault();
      show(next, { x: event.clientX, y: event.clientY });
      if (evidence.has(next)) card.append(element("p", { className: "hint" }, "Tap again for the entry in the annex."));
      place({ x: event.clientX, y: event.clientY });
    } else if (evidence.has(next)) {
      hide();
      if (!event.ctrlKey && !event.metaKey && !event.shiftKey) wayBack(next);
    }
  });
  addEventListener("resize", () => { if (owner) place(); });

  // ---------------------------------------------------------------- evidence on the spot

  const entryOf = (target) => target.closest("p, li, .csl-entry") || target;

  /** What the card of a linked number says; all of it stands in the annexes already. */
  function evidenceOf(link) {
    const target = targetOf(link);
    const entry = entryOf(target);
    if (entry.matches(".csl-entry")) return [element("p", { className: "source" }, tidy(copied(entry).textContent))];
    const copy = copied(entry);
    withoutUses(copy);
    const sources = new Set();
    for (const cited of copy.querySelectorAll(".citation")) {
      for (const each of cited.querySelectorAll("a[href^='#ref-']")) {
        const reference = targetOf(each);
        if (reference) sources.add(tidy(copied(reference).textContent));
      }
      cited.remove();
    }
    const quoted = target.id.startsWith("ev-");
    const value = copy.querySelector(`[id="${CSS.escape(target.id)}"]`);
    const shown = quoted || !value ? [] : [element("strong", {}, tidy(value.textContent)), " "];
    value?.remove(); // of a quotation, the reader is looking at it
    const text = tidy(copy.textContent).replace(/\s+([.;,])/g, "$1").replace(/([.”])\.$/, "$1");
    return [
      element("p", { className: quoted ? "quotation" : "statement" }, ...shown, text),
      ...[...sources].map((source) => element("p", { className: "source" }, source)),
    ];
  }

  const tidy = (text) => text.replace(/\s+/g, " ").trim();

  /** A copy of an entry, without the way back that it may have. */
  function copied(entry) {
    const copy = entry.cloneNode(true);
    for (const back of copy.querySelectorAll(".back")) back.remove();
    return copy;
  }

  /** Take “Used in Section 3 …” off the end of an entry. */
  function withoutUses(entry) {
    for (const node of [...entry.childNodes]) {
      if (node.nodeType !== Node.TEXT_NODE || !/\bUsed in\s*$/.test(node.data)) continue;
      node.data = node.data.replace(/\s*Used in\s*$/, "");
      while (node.nextSibling) node.nextSibling.remove();
      return;
    }
  }

  /** An entry that was reached through a link leads back to that link, not just to its section. */
  let marked = 0;
  function wayBack(link) {
    if (!link.id) link.id = `from-${++marked}`;
    for (const old of document.querySelectorAll(".back")) old.remove();
    const back = element("a", { className: "back", href: `#${link.id}` }, "← Back to the text");
    back.addEventListener("click", () => setTimeout(() => { link.focus({ preventScroll: true }); back.remove(); }));
    entryOf(targetOf(link)).append(" ", back);
  }

  // ---------------------------------------------------------------- live charts

  let stepped = null; // the mark that the arrow keys have reached
  const views = new Map(); // label of a chart -> promise of its Vega view
  let charts = {};
  let country = "";

  // What follows this script in the page must be there: the charts' data and Vega.
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", startCharts);
  else startCharts();

  function startCharts() {
    const block = document.getElementById("chart-data");
    if (!block) return;
    charts = JSON.parse(block.textContent);
    const near = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        near.unobserve(target);
        idle(() => enliven(target.dataset.figure));
      }
    }, { rootMargin: "600px 0px" });
    const start = () => idle(() => {
      for (const label of Object.keys(charts)) near.observe(drawingOf(label));
    });
    if (document.readyState === "complete") start();
    else addEventListener("load", start);
    const choice = document.getElementById("country");
    if (choice) choice.addEventListener("change", () => choose(choice));
    document.addEventListener("click", (event) => {
      const button = event.target.closest?.("button[data-save]");
      if (button) save(button.closest("[data-chart]").dataset.chart, button.dataset.save);
    });
  }

  const drawingOf = (label) => document.querySelector(`svg.chart[data-figure="${CSS.escape(label)}"]`);

  /** Start Vega: its script lies in the page as text, so that it does not hold up the first view. */
  function startVega() {
    const bundle = document.getElementById("vega-bundle");
    if (!bundle) return;
    document.head.append(element("script", { textContent: bundle.textContent }));
    bundle.remove();
  }

  function enliven(label) {
    if (!views.has(label)) views.set(label, draw(label));
    return views.get(label);
  }

  /** Draw a chart with Vega and let it take the place of the still drawing, which has the same size. */
  async function draw(label) {
    const still = drawingOf(label);
    await Promise.all([400, 600].map((weight) => document.fonts.load(`${weight} 12px "Source Sans Pro"`)));
    startVega();
    const { view } = await vegaEmbed(element("div"), charts[label].vega, {
      mode: "vega", renderer: "svg", actions: false, defaultStyle: false, hover: false, logLevel: 1,
      ast: true, // no unsafe-eval
      tooltip: () => {}, // the card is ours
    });
    const drawing = view.container().querySelector("svg");
    for (const name of ["class", "role", "aria-label", "data-figure", "width", "height"]) {
      drawing.setAttribute(name, still.getAttribute(name));
    }
    for (const part of drawing.querySelectorAll("*")) { // to a screen reader the chart is one image with one text
      for (const name of part.getAttributeNames()) {
        if (name === "role" || name.startsWith("aria-")) part.removeAttribute(name);
      }
    }
    const box = still.closest(".chart-box");
    still.replaceWith(drawing);
    drawing.dataset.live = "";
    if (marksIn(drawing).length) {
      box.dataset.marks = "";
      box.tabIndex = 0;
      box.addEventListener("keydown", step);
      box.addEventListener("blur", leaveMarks);
      box.addEventListener("scroll", () => { if (!stepped) hide(); }, { passive: true });
    }
    highlight(drawing);
    return view;
  }

  // ---------------------------------------------------------------- tooltips

  /** The parts of a mark's tooltip, as pairs of title and text. */
  function partsOf(item) {
    const { tooltip } = item;
    if (typeof tooltip !== "object") return [["", String(tooltip)]];
    return Object.entries(tooltip).filter(([, text]) => text !== "" && text !== null).map(([k, v]) => [k, String(v)]);
  }

  function marksOf(item) {
    const list = element("dl");
    for (const [title, text] of partsOf(item)) list.append(element("dt", {}, title), element("dd", {}, text));
    return [list];
  }

  /** The marks of a chart that have a tooltip, in the order drawn; several parts of one mark count once. */
  function marksIn(drawing) {
    const found = new Map();
    for (const node of drawing.querySelectorAll("path, text, image")) {
      const item = itemOf(node);
      if (item?.tooltip) found.set(JSON.stringify(item.tooltip), node);
    }
    return [...found.values()];
  }

  function step(event) {
    const marks = marksIn(event.currentTarget);
    const last = marks.length - 1;
    const at = marks.indexOf(stepped);
    const next = Math.min(at + 1, last);
    const previous = at < 0 ? last : Math.max(at - 1, 0);
    const moves = { ArrowRight: next, ArrowDown: next, ArrowLeft: previous, ArrowUp: previous, Home: 0, End: last };
    if (!(event.key in moves) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    leaveMarks();
    stepped = marks[moves[event.key]];
    stepped.classList.add("stepped");
    stepped.scrollIntoView({ block: "nearest", inline: "nearest" });
    show(stepped);
    spoken.textContent = partsOf(itemOf(stepped)).map(([title, text]) => (title ? `${title}: ${text}` : text)).join("; ");
  }

  function leaveMarks() {
    if (!stepped) return;
    stepped.classList.remove("stepped");
    if (owner === stepped) hide();
    stepped = null;
    spoken.textContent = "";
  }

  // ---------------------------------------------------------------- a country in all charts

  function choose(choice) {
    const [option] = choice.selectedOptions;
    country = option.value;
    const labels = (option.dataset.charts || "").split(" ").filter(Boolean);
    const where = document.getElementById("country-where");
    const links = labels.flatMap((label, index) => {
      const name = tidy(document.querySelector(`[id="${CSS.escape(label)}"] .label`).textContent).replace(/:$/, "");
      const link = element("a", { href: `#${label}` }, name);
      return index ? [index === labels.length - 1 ? " and " : ", ", link] : [link];
    });
    where.replaceChildren(...(links.length ? ["Shown in ", ...links, "."] : []));
    for (const label of Object.keys(charts)) highlight(drawingOf(label));
  }

  /** Whether a datum, or the properties of a shape, names one of these countries. */
  const names = (datum, countries, depth = 1) => Object.values(datum ?? {}).some((value) => (
    value && typeof value === "object" ? depth && !Array.isArray(value) && names(value, countries, depth - 1)
      : countries.has(value)
  ));

  /** Let the marks of the chosen country stand out in a live chart: the others step back. */
  function highlight(drawing) {
    const chosen = new Set(country ? [country] : []);
    const all = new Set([...document.querySelectorAll("#country option[data-charts]")].map((option) => option.value));
    const parts = [...drawing.querySelectorAll("path, text, line, image")].map((node) => [node, itemOf(node)]);
    const marks = parts.filter(([, item]) => item?.mark?.role === "mark");
    const any = marks.some(([, item]) => names(item.datum, chosen));
    // A legend drawn with marks of its own names no country and stays; the shapes beneath a map do not.
    const about = new Set(marks.filter(([, item]) => names(item.datum, all)).map(([, item]) => item.mark));
    for (const [node, item] of parts) {
      const role = item?.mark?.role;
      const hit = (role === "mark" || role === "axis-label") && names(item.datum, chosen);
      node.classList.toggle("hit", hit);
      const back = role === "mark" && (about.has(item.mark) || item.mark.marktype === "shape");
      node.classList.toggle("dim", any && !hit && back);
    }
  }

  // ---------------------------------------------------------------- files to save

  async function save(label, kind) {
    const types = { svg: "image/svg+xml", csv: "text/csv;charset=utf-8" };
    const blob = kind === "png" ? await picture(label) : new Blob([charts[label][kind]], { type: types[kind] });
    const link = element("a", { href: URL.createObjectURL(blob), download: `${label}.${kind}` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  /** A picture of twice the size on white, like the one in the edition's folder. */
  async function picture(label) {
    const drawn = await (await enliven(label)).toCanvas(2);
    const canvas = element("canvas", { width: drawn.width, height: drawn.height });
    const pen = canvas.getContext("2d");
    pen.fillStyle = "white";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(drawn, 0, 0);
    return new Promise((resolve) => { canvas.toBlob(resolve, "image/png"); });
  }
})();
