// The report reads without this script. Its hook for later: live charts and evidence cards come here.
(() => {
  "use strict";
  // A box is a stop for the Tab key only while it has something to scroll.
  const boxes = document.querySelectorAll(".table-box, .chart-box");
  if ("ResizeObserver" in window) {
    const observer = new ResizeObserver((entries) => {
      for (const { target } of entries) {
        if (target.scrollWidth > target.clientWidth) target.setAttribute("tabindex", "0");
        else target.removeAttribute("tabindex");
      }
    });
    for (const box of boxes) observer.observe(box);
  }
  // Contents that follow the reader: mark the section in view, in the list at the side.
  const links = new Map();
  for (const link of document.querySelectorAll("#TOC a[href^='#']")) {
    links.set(decodeURIComponent(link.hash.slice(1)), link);
  }
  const headings = [...document.querySelectorAll("main section[id]")].filter((s) => links.has(s.id));
  if (!headings.length || !("IntersectionObserver" in window)) return;
  let current = null;
  const mark = () => {
    let next = null;
    for (const section of headings) {
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
})();
