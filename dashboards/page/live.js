// Words of the server into the page, choices of the reader to the server; and never a page that looks alive and is not.
(() => {
  const RETRY_MS = 2000;
  // How often the server is asked whether it still answers, and how long that may take.
  const BEAT_MS = 5000, ANSWER_MS = 20000;
  // How often a slider that is being moved is heard, and how long after it stays where the hand has left it.
  const SCRUB_MS = 150, SETTLED_MS = 600;
  // No line ends between a number and its unit.
  const UNIT = /(\d) (?=(?:[kMG]?W|°C|%|min|[sh]|[kMG]?\/s)(?!\w))/g;
  const cell = (kind, text) => {
    const made = document.createElement(kind);
    made.textContent = text;
    return made;
  };
  let ask = () => {};
  let count = 0;
  let asked = 0, answered = 0, gone = false;
  let dragged = null;

  const pickable = (table, text) => {
    const head = cell("th", table.dataset.pick ? "" : text);
    head.scope = "row";
    if (table.dataset.pick) {
      const button = cell("button", text);
      button.type = "button";
      button.addEventListener("click", () => ask(table.dataset.pick, text));
      head.append(button);
    }
    return head;
  };
  const filled = (row, rest) => {
    rest.forEach((text, k) => {
      const there = row.cells[k + 1] ?? row.insertCell();
      if (there.textContent !== text) there.textContent = text;
    });
    while (row.cells.length > rest.length + 1) row.deleteCell(-1);
    return row;
  };
  // A row goes by its head. The one with the focus stays where it is in the document and the others move round it: what
  // is moved loses the focus. Where it is gone, the box of the table takes it.
  const rows = (table, all) => {
    const body = table.tBodies[0], focused = body.contains(document.activeElement);
    const held = focused ? document.activeElement.closest("tr") : null;
    const before = new Map([...body.rows].map((row) => [row.cells[0].textContent, row]));
    const now = all.map(([first, ...rest]) => {
      const known = before.get(first), row = known ?? document.createElement("tr");
      before.delete(first);
      if (known === undefined) row.append(pickable(table, first));
      return filled(row, rest);
    });
    const kept = new Set(now);
    for (const row of [...body.rows]) if (!kept.has(row)) row.remove();
    const middle = Math.max(now.indexOf(held), 0);
    if (now.length && now[middle] !== held && body.firstChild !== now[0]) body.prepend(now[0]);
    for (let i = middle - 1; i >= 0; i--) if (now[i + 1].previousSibling !== now[i]) now[i + 1].before(now[i]);
    for (let i = middle + 1; i < now.length; i++) if (now[i - 1].nextSibling !== now[i]) now[i - 1].after(now[i]);
    if (focused && !kept.has(held)) table.closest("[tabindex]")?.focus();
  };
  const head = (table, [texts]) => {
    table.tHead.rows[0].replaceChildren(...texts.map((text) => Object.assign(cell("th", text), { scope: "col" })));
  };
  const options = (select, all) => {
    const chosen = select.value;
    select.replaceChildren(...all.map(([value, text]) => new Option(text, value)));
    select.value = chosen;
  };
  const whole = { rows, head, options };

  const apply = (words) => {
    for (const [key, word] of Object.entries(words)) {
      if (key === "beat") {
        answered = performance.now();
        continue;
      }
      const [, id, kind, name] = /^(.+?)(?:(@|--|#)(.+))?$/.exec(key.includes("--") ? key.replace("--", "@--") : key);
      const element = document.getElementById(id);
      if (element === null) continue;
      if (kind === undefined) element.textContent = element.matches(".finding, .under") ? word.replace(UNIT, "$1\u00a0") : word;
      else if (kind === "#") whole[name](element, word);
      else if (name.startsWith("--")) element.style.setProperty(name, word);
      else if (id === "main" && name.startsWith("data-")) remember(name.slice(5), word);
      else if (name === "value") {
        if (dragged !== element) element.value = word;
      } else if (word === null) element.removeAttribute(name);
      else element.setAttribute(name, word);
    }
  };

  // The choice stands in the address: a reload keeps it, a link shares it.
  const remember = (what, value) => {
    const address = new URL(location.href);
    if (value) address.searchParams.set(what, value);
    else address.searchParams.delete(what);
    history.replaceState(null, "", address);
  };

  const lost = () => {
    if (gone) return;
    gone = true;
    document.body.classList.add("lost");
    apply({ "mode@data-mode": "LOST", "mode-shape": "✕", "mode-name": "NO CONNECTION", "note@hidden": null,
      note: "✕ The server does not answer: all numbers are as they were last seen. Trying again." });
    const again = async () => {
      try {
        if ((await fetch("healthz", { cache: "no-store" })).ok) return location.reload();
      } catch { /* not there yet */ }
      setTimeout(again, RETRY_MS);
    };
    setTimeout(again, RETRY_MS);
  };

  // A connection may hang without an end: no page stands as if it lived that gets no answer.
  const beat = () => {
    const now = performance.now();
    if (asked <= answered) {
      asked = now;
      ask("alive", String(now));
    } else if (now - asked > ANSWER_MS) lost();
  };

  // A slider that is moved goes where the hand is, not where the server last saw it, and takes the picture along.
  const drag = (control) => {
    let due = 0;
    const send = () => {
      due = 0;
      ask(control.dataset.ask, String(control.value / control.max)); // one step is an interval
    };
    const release = () => {
      if (dragged === control) dragged = null;
    };
    control.addEventListener("input", () => {
      dragged = control;
      due ||= setTimeout(send, SCRUB_MS);
    });
    control.addEventListener("change", () => {
      clearTimeout(due);
      send();
      setTimeout(release, SETTLED_MS);
    });
    control.addEventListener("blur", release);
  };

  const paint = () => {
    const style = getComputedStyle(document.documentElement);
    const [panel, soft, sim] = ["--panel", "--soft", "--sim"].map((name) => style.getPropertyValue(name).trim());
    for (const doc of Bokeh.documents) {
      const colours = doc.get_model_by_name("heat-colours");
      if (colours) colours.setv({ low_color: panel }, { sync: false });
      const names = doc.get_model_by_name("heat-names");
      if (names) names.glyph.setv({ text_color: soft }, { sync: false });
      const simulated = doc.get_model_by_name("trend-simulated");
      if (simulated) simulated.glyph.setv({ line_color: sim }, { sync: false });
      const seams = doc.get_model_by_name("heat-seams");
      if (seams) seams.glyph.setv({ line_color: panel }, { sync: false });
    }
  };

  const start = () => {
    if (!window.Bokeh || !Bokeh.documents.length || !Bokeh.documents[0].is_idle) return void setTimeout(start, 20);
    const doc = Bokeh.documents[0], state = doc.get_model_by_name("state");
    ask = (what, value) => {
      state.setv({ tags: [what, value, ++count] });
    };
    state.properties.text.change.connect(() => apply(JSON.parse(state.text)));
    apply(JSON.parse(state.text));
    beat();
    setInterval(beat, BEAT_MS);
    document.addEventListener("visibilitychange", beat);
    document.querySelectorAll("[data-ask]").forEach((control) => {
      if (control.type === "range") return void drag(control);
      control.addEventListener(control.dataset.on ?? "change", () => ask(control.dataset.ask, control.dataset.value ?? control.value));
    });
    document.querySelectorAll("details[data-key]").forEach((details) => {
      details.addEventListener("toggle", () => ask(details.open ? "open" : "close", details.dataset.key));
    });
    // A picture is no stop of the keyboard: its table is.
    for (const { canvas_view: canvas } of Bokeh.index) if (canvas) canvas.events_el.tabIndex = -1;
    doc.on_event("connection_lost", lost);
    paint();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
    document.documentElement.dataset.alive = "yes";
  };
  start();
})();
