// The report reads without this script. With it the contents follow the reader, a mark shows its evidence on the spot, and
// charts come alive: tooltips, files to save, their data as a table.
(() => {
  "use strict";

  const root = document.documentElement;
  const main = document.getElementById("main");
  const phone = matchMedia("(max-width: 740px)");
  root.classList.add("js");
  const make = (name, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };
  const tidy = (text) => text.replace(/\s+/g, " ").trim();
  const targetOf = (link) => document.getElementById(decodeURIComponent(link.hash.slice(1)));

  // ---------------------------------------------------------------- contents that follow the reader

  const bar = document.getElementById("contents-bar");
  const opener = bar.querySelector("button");
  const links = new Map([...bar.querySelectorAll("a")].map((link) => [targetOf(link), link]));
  const openBar = (open) => opener.setAttribute("aria-expanded", String(open));
  opener.addEventListener("click", () => openBar(opener.getAttribute("aria-expanded") !== "true"));
  bar.addEventListener("click", (event) => { if (event.target.closest("a")) openBar(false); });

  // A wide figure that would wait long for the end of the side column stands beside it, narrower.
  for (const figure of document.querySelectorAll(".fig.w166")) {
    let before = figure.previousElementSibling;
    while (before?.matches(".facts, .side-note, .w47")) before = before.previousElementSibling;
    figure.classList.toggle("beside", figure.offsetTop - before?.offsetTop - before?.offsetHeight > 160);
  }

  let current = null;
  function follow() {
    let next = null;
    for (const section of links.keys()) if (section && section.getBoundingClientRect().top <= 120) next = section;
    // On a narrow screen the bar comes when the bottom line has been reached, never before it.
    const first = links.keys().next().value;
    bar.classList.toggle("shown", Boolean(first) && first.getBoundingClientRect().top < -40);
    if (next === current) return;
    current = next;
    for (const link of links.values()) link.removeAttribute("aria-current");
    const link = links.get(next);
    if (link) link.setAttribute("aria-current", "true");
    bar.querySelector(".here").textContent = link ? link.textContent : "";
  }
  let waiting = false;
  addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; follow(); });
  }, { passive: true });
  follow();

  // ---------------------------------------------------------------- the card

  // As WCAG 1.4.13 asks, Escape dismisses it, the pointer may move onto it, and it stays until pointer and focus have left.
  // What it says is the description of its mark; nothing in it needs a Tab stop, since the mark itself leads to the entry.
  const card = make("div", { id: "card", hidden: true });
  card.setAttribute("role", "tooltip");
  const spoken = make("p", { className: "unseen" });
  spoken.setAttribute("role", "status");
  main.append(card, spoken);
  let owner = null; // the mark, or the part of a chart, whose card is shown
  let stepped = null; // the part of a chart that the arrow keys have reached
  let timer = 0;

  const marks = new Set(document.querySelectorAll("sup.ev a"));
  for (const link of marks) link.removeAttribute("title"); // the browser's own tooltip would cover the card

  /** The Vega item that an element of a live chart draws. */
  const itemOf = (node) => (Array.isArray(node?.__data__) ? node.__data__[0] : node?.__data__);

  function ownerOf(node) {
    if (!(node instanceof Element)) return null;
    const link = node.closest("a");
    if (link) return marks.has(link) ? link : null;
    return node.closest(".drawing") && pairsOf(itemOf(node)).length ? node : null;
  }

  /** What a mark's card says; all of it stands in the evidence already. */
  function evidenceOf(link) {
    const entry = targetOf(link);
    const copy = entry.cloneNode(true);
    const source = entry.closest("section");
    for (const extra of copy.querySelectorAll(".uses, .back, .entry-mark")) extra.remove();
    for (const part of copy.querySelectorAll("[id]")) part.removeAttribute("id");
    for (const inner of copy.querySelectorAll("a")) inner.replaceWith(...inner.childNodes);
    const name = make("p", { className: "name" }, make("b", {}, entry.querySelector(".entry-mark").textContent), " ");
    name.append(tidy(link.getAttribute("aria-label").replace(/^.*?Evidence \S+, /, "")));
    for (const further of [...copy.querySelectorAll("li")].slice(2)) further.remove(); // the entry has them all
    const reference = source.querySelector(":scope > p");
    const known = reference ? tidy(reference.textContent) : ""; // how a day was estimated is told in the Evidence
    const dated = known.length > 160 && /(published on|about) \d[^.,]*\d{4}/.exec(known);
    const whence = dated ? `Published ${dated[0].replace("published ", "")}.` : known;
    const lead = make("a", { href: link.hash, tabIndex: -1 }, "In the Evidence");
    lead.addEventListener("click", () => leave(link));
    const from = make("p", { className: "from" }, whence && `${whence} `, lead);
    return [name, make("div", { id: "card-words" }, ...copy.children), from];
  }

  // All marks of a section are one Tab stop, of which the arrow keys lead from mark to mark; a screen reader meets each.
  const groups = new Map();
  for (const section of main.querySelectorAll("section")) {
    const group = [...section.querySelectorAll("sup.ev a, .entry a")].filter((link) => link.closest("section") === section);
    group.forEach((link, index) => { link.tabIndex = index ? -1 : 0; groups.set(link, group); });
  }
  main.addEventListener("focusin", ({ target }) => {
    for (const link of groups.get(target) ?? []) link.tabIndex = link === target ? 0 : -1;
  });
  main.addEventListener("keydown", (event) => {
    const group = groups.get(event.target);
    const next = group?.[group.indexOf(event.target) + { ArrowRight: 1, ArrowLeft: -1 }[event.key]];
    if (!next || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    next.focus();
  });

  function tooltipOf(item) {
    const list = make("dl");
    for (const [title, text] of pairsOf(item)) list.append(make("dt", {}, title), make("dd", {}, text));
    return [list];
  }

  /** What the tooltip of an item says, as title and text; of a country without data nothing. */
  const pairsOf = (item) => (typeof item?.tooltip === "object"
    ? Object.entries(item.tooltip ?? {}).map(([k, v]) => [k, String(v ?? "")]).filter(([, v]) => !["", "null", "undefined"].includes(v))
    : item?.tooltip ? [["", String(item.tooltip)]] : []);

  function show(next, at, sheet = false) {
    clearTimeout(timer);
    if (owner !== next) {
      hide();
      const close = make("button", { type: "button", className: "close", tabIndex: -1 }, "×");
      close.setAttribute("aria-label", "Close");
      close.addEventListener("click", hide);
      card.replaceChildren(...(marks.has(next) ? [...evidenceOf(next), close] : tooltipOf(itemOf(next))));
      owner = next;
      if (marks.has(next)) next.setAttribute("aria-describedby", "card-words");
      if (!at && !sheet && groups.get(next)?.length > 1) card.append(make("p", { className: "from" }, "← → leads to the next mark"));
      card.classList.toggle("sheet", sheet);
      card.style.maxHeight = "";
      card.classList.remove("long");
      card.hidden = false;
    }
    if (!sheet) place(at);
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
    let box = owner.getBoundingClientRect();
    if (at && (box.width > 160 || box.height > 60)) box = new DOMRect(at.x, at.y - 8, 0, 16); // a bar, an area
    const frame = main.getBoundingClientRect();
    const origin = card.offsetParent === document.body || !card.offsetParent ? { left: -scrollX, top: -scrollY } : frame;
    Object.assign(card.style, { left: "0", top: "0", maxHeight: "" });
    card.classList.remove("long");
    const room = Math.max(root.clientHeight - box.bottom, box.top) - 14; // more words take a wider card
    if (card.offsetHeight > room) card.classList.add("long");
    card.style.maxHeight = `${room}px`;
    const { offsetWidth: width, offsetHeight: height } = card;
    const left = Math.max(8, Math.min(box.left - 24, root.clientWidth - width - 8));
    const below = box.bottom + 6 + height <= root.clientHeight || box.top < root.clientHeight - box.bottom;
    card.style.left = `${left - origin.left}px`;
    card.style.top = `${(below ? box.bottom + 6 : box.top - 6 - height) - origin.top}px`;
  }

  const later = (run, milliseconds) => { clearTimeout(timer); timer = setTimeout(run, milliseconds); };
  const held = () => owner && (document.activeElement === owner || owner === stepped || card.classList.contains("sheet"));

  document.addEventListener("pointerover", (event) => {
    if (event.pointerType === "touch") return;
    if (card.contains(event.target)) return clearTimeout(timer);
    const next = ownerOf(event.target);
    const at = { x: event.clientX, y: event.clientY };
    if (next && next === owner) clearTimeout(timer);
    else if (next) later(() => show(next, at), 120);
    else if (owner && !held()) later(hide, 300); // time to reach the card
    else if (!owner) clearTimeout(timer);
  });
  root.addEventListener("pointerleave", () => { if (owner && !held()) later(hide, 300); });
  document.addEventListener("focusin", (event) => {
    const next = ownerOf(event.target);
    if (next && next.matches(":focus-visible")) show(next);
  });
  document.addEventListener("focusout", (event) => {
    if (event.target === owner && !card.matches(":hover") && !card.classList.contains("sheet")) hide();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    hide();
    unstep();
    openBar(false);
  });
  // The first tap opens a sheet; its link, or a second tap, leads to the entry.
  document.addEventListener("click", (event) => {
    if (card.contains(event.target)) return;
    const next = ownerOf(event.target);
    const touch = event.pointerType === "touch";
    if (!next) return hide();
    if (touch && next !== owner) {
      event.preventDefault();
      show(next, { x: event.clientX, y: event.clientY }, marks.has(next));
    } else if (touch && next === owner && !card.classList.contains("sheet") && marks.has(next)) {
      event.preventDefault();
      hide();
      show(next, undefined, true);
    } else if (marks.has(next) && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      leave(next);
    }
  });
  addEventListener("resize", () => { if (owner && !card.classList.contains("sheet")) place(); });

  /** An entry that was reached through a mark leads back to that mark. */
  let left = 0;
  function leave(link) {
    hide();
    if (!link.id) link.id = `from-${++left}`;
    for (const old of document.querySelectorAll(".back")) old.remove();
    const back = make("a", { className: "back", href: `#${link.id}` }, "← Back to the text");
    back.addEventListener("click", () => setTimeout(() => { link.focus({ preventScroll: true }); back.remove(); }));
    targetOf(link).append(back);
  }

  // ---------------------------------------------------------------- live charts

  const idle = (run) => (window.requestIdleCallback ? requestIdleCallback(run, { timeout: 500 }) : setTimeout(run, 50));
  const stills = new Map(); // drawing -> its SVG as staged
  const views = new Map(); // drawing's form -> promise of its Vega view
  let charts = {};

  if (document.readyState === "loading") addEventListener("DOMContentLoaded", startCharts);
  else startCharts();

  function startCharts() {
    const block = document.getElementById("chart-data");
    if (block) charts = JSON.parse(block.textContent);
    const near = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) if (isIntersecting) idle(() => enliven(target));
    }, { rootMargin: "500px 0px" });
    const start = () => idle(() => {
      for (const drawing of document.querySelectorAll(".drawing")) if (charts[drawing.dataset.figure]) near.observe(drawing);
    });
    if (document.readyState === "complete") start();
    else addEventListener("load", start);
    phone.addEventListener("change", () => { for (const drawing of stills.keys()) enliven(drawing); });
  }

  for (const drawing of document.querySelectorAll(".drawing")) {
    stills.set(drawing, new XMLSerializer().serializeToString(drawing.querySelector("svg")));
  }

  /** Start Vega: its script lies in the page as text, so that it does not hold up the first view. */
  function startVega() {
    const bundle = document.getElementById("vega-bundle");
    if (!bundle) return;
    document.head.append(make("script", { textContent: bundle.textContent }));
    bundle.remove();
  }

  /** The SVG of a drawing for this width: the narrow form on a phone, where there is one. */
  const formOf = (drawing) => (phone.matches && drawing.querySelector(".narrow") ? "narrow" : "wide");
  const stillOf = (drawing) => (formOf(drawing) === "narrow" ? drawing.querySelector(".narrow") : drawing.querySelector("svg"));

  function enliven(drawing) {
    const key = `${drawing.dataset.figure} ${formOf(drawing)}`;
    if (!views.has(key)) views.set(key, draw(drawing));
    return views.get(key);
  }

  /** Draw a chart with Vega and let it take the place of the still one, which has the same size. */
  async function draw(drawing) {
    const still = stillOf(drawing);
    const chart = charts[drawing.dataset.figure];
    await Promise.all([400, 600].map((weight) => document.fonts.load(`${weight} 12px "Source Sans Pro"`)));
    startVega();
    const spec = (still.classList.contains("narrow") && chart.narrow) || chart.vega;
    const { view } = await vegaEmbed(make("div"), spec, {
      mode: "vega", renderer: "svg", actions: false, defaultStyle: false, hover: false, logLevel: 1,
      ast: true, // no unsafe-eval
      tooltip: () => {}, // the card is ours
    });
    const live = view.container().querySelector("svg");
    for (const name of live.getAttributeNames()) if (name !== "viewBox") live.removeAttribute(name);
    for (const name of still.getAttributeNames()) live.setAttribute(name, still.getAttribute(name));
    for (const part of live.querySelectorAll("*")) { // to a screen reader the chart is one image with one text
      for (const name of part.getAttributeNames()) if (name === "role" || name.startsWith("aria-")) part.removeAttribute(name);
    }
    still.replaceWith(live);
    live.dataset.live = "";
    if (partsOf(drawing).length && !drawing.hasAttribute("tabindex")) {
      drawing.tabIndex = 0;
      drawing.setAttribute("role", "group");
      drawing.setAttribute("aria-label", "Chart: arrow keys step through its parts");
      drawing.addEventListener("keydown", step);
      drawing.addEventListener("blur", unstep);
    }
    return view;
  }

  /** The parts of a chart that have a tooltip, in the order drawn; several shapes of one part count once. */
  function partsOf(drawing) {
    const found = new Map();
    for (const node of drawing.querySelectorAll("svg[data-live] :is(path, text, image)")) {
      if (pairsOf(itemOf(node)).length && node.getClientRects().length) found.set(JSON.stringify(itemOf(node).tooltip), node);
    }
    return [...found.values()];
  }

  function step(event) {
    const parts = partsOf(event.currentTarget);
    const last = parts.length - 1;
    const at = parts.indexOf(stepped);
    const next = Math.min(at + 1, last);
    const previous = at < 0 ? last : Math.max(at - 1, 0);
    const moves = { ArrowRight: next, ArrowDown: next, ArrowLeft: previous, ArrowUp: previous, Home: 0, End: last };
    if (!(event.key in moves) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    unstep();
    stepped = parts[moves[event.key]];
    stepped.classList.add("stepped");
    show(stepped);
    spoken.textContent = pairsOf(itemOf(stepped)).map(([title, text]) => (title ? `${title}: ${text}` : text)).join("; ");
  }

  function unstep() {
    if (!stepped) return;
    stepped.classList.remove("stepped");
    if (owner === stepped) hide();
    stepped = null;
    spoken.textContent = "";
  }

  // ---------------------------------------------------------------- files to save, data as a table

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button[data-save]");
    if (button) save(button.closest("figure"), button.dataset.save);
  });

  /** What a file says about itself: headline, source, licence, report. */
  function about(figure) {
    const text = (selector) => {
      const copy = figure.querySelector(selector)?.cloneNode(true);
      for (const mark of copy?.querySelectorAll("sup") ?? []) mark.remove();
      return copy ? tidy(copy.textContent) : "";
    };
    const licence = tidy(document.querySelector("#imprint .licence")?.textContent ?? "");
    const source = text(".source");
    const parts = [text(".headline"), source, source.includes(licence) ? "" : licence, document.title];
    return parts.filter(Boolean).map((part) => part.replace(/[.\s]*$/, ".")).join(" ");
  }

  async function save(figure, kind) {
    const drawing = figure.querySelector(".drawing");
    const makers = { svg: () => withLine(drawing, figure), png: () => picture(drawing, figure),
      csv: () => new Blob([sourced(charts[figure.id].csv, figure)], { type: "text/csv;charset=utf-8" }) };
    const link = make("a", { href: URL.createObjectURL(await makers[kind]()), download: `${figure.id}.${kind}` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  /** The data with a line about their source, where staging has not put one. */
  const sourced = (csv, figure) => (/^"?Source: /m.test(csv) ? csv : `${csv.replace(/\n*$/, "\n")}\n"${about(figure).replace(/"/g, '""')}"\n`);

  /** Words in lines of some letters at most. */
  const lines = (text, most) => text.match(new RegExp(`.{1,${Math.max(20, Math.floor(most))}}(?: |$)`, "g")) ?? [];

  /** The staged SVG with a line about its source beneath. */
  function withLine(drawing, figure) {
    const svg = new DOMParser().parseFromString(stills.get(drawing), "image/svg+xml").documentElement;
    const [x, y, width, height] = svg.getAttribute("viewBox").split(/[\s,]+/).map(Number);
    svg.removeAttribute("class");
    const words = lines(about(figure), width / 3.9);
    svg.setAttribute("viewBox", `${x} ${y} ${width} ${height + 10 * words.length + 6}`);
    svg.setAttribute("height", height + 10 * words.length + 6);
    words.forEach((line, index) => {
      const text = document.createElementNS("http://www.w3.org/2000/svg", "text");
      const places = { x: x + 2, y: y + height + 10 * (index + 1), "font-size": 8, "font-family": "Source Sans Pro, sans-serif", fill: "#55606E" };
      for (const [name, value] of Object.entries(places)) text.setAttribute(name, value);
      text.textContent = line.trim();
      svg.append(text);
    });
    return new Blob([new XMLSerializer().serializeToString(svg)], { type: "image/svg+xml" });
  }

  /** A picture of twice the size on white, with the same line. */
  async function picture(drawing, figure) {
    const drawn = await (await enliven(drawing)).toCanvas(2);
    const words = lines(about(figure), drawn.width / 7.8);
    const canvas = make("canvas", { width: drawn.width, height: drawn.height + 20 * words.length + 16 });
    const pen = canvas.getContext("2d");
    pen.fillStyle = "white";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(drawn, 0, 0);
    pen.fillStyle = "#55606E";
    pen.font = '16px "Source Sans Pro", sans-serif';
    words.forEach((line, index) => pen.fillText(line, 4, drawn.height + 20 * (index + 1), canvas.width - 8));
    return new Promise((resolve) => { canvas.toBlob(resolve, "image/png"); });
  }

  for (const details of document.querySelectorAll("details.data")) {
    details.addEventListener("toggle", () => {
      if (details.querySelector("table")) return;
      const rows = rowsOf((charts[details.closest("figure").id]?.csv ?? "").replace(/^\ufeff/, "")).filter(([first]) => !/^Source: /.test(first));
      const row = (cells, name) => make("tr", {}, ...cells.map((cell) => {
        const made = make(name, {}, cell);
        if (name === "th") made.scope = "col";
        return made;
      }));
      const [head = [], ...body] = rows;
      const table = make("table", {}, make("thead", {}, row(head, "th")), make("tbody", {}, ...body.map((r) => row(r, "td"))));
      const box = make("div", { className: "box", tabIndex: 0 }, table);
      const name = `Data of ${details.closest("figure").querySelector(".label").textContent.replace(".", "")}`;
      box.setAttribute("role", "group");
      for (const named of [box, table]) named.setAttribute("aria-label", name);
      details.append(box);
    });
  }

  function rowsOf(csv) {
    const rows = [];
    for (const line of csv.match(/(?:[^"\n]|"(?:[^"]|"")*")+/g) ?? []) {
      const cells = [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)];
      rows.push(cells.map(([, quoted, plain]) => (quoted === undefined ? plain : quoted.replace(/""/g, '"')).trim()));
    }
    return rows;
  }
})();
