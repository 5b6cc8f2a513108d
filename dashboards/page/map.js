// What the controls of a map choose: another hall, another limit, another outdoor temperature, in the same pictures.
(() => {
  const data = JSON.parse(document.getElementById("map-data").textContent);
  const control = (id) => document.getElementById(id);
  const model = (name) => Bokeh.documents.map((d) => d.get_model_by_name(name)).find((found) => found);
  const BRIGHT = 0.5, DARK = "#1d2733", LIGHT = "#ffffff";
  const watts = (mw) => (Math.abs(mw) >= 0.9995 ? `${mw.toFixed(2)} MW` : `${(1e3 * mw).toFixed(0)} kW`);
  const tightest = (row) =>
    row.reduce((best, value, h) => (value !== null && (best < 0 || value < row[best]) ? h : best), -1);

  // A cell of hall h at load i and outdoor temperature t; what: cooling, power or hall_power.
  const cell = (what, i, t, h) => {
    const value = h < 0 ? null : data[what][i][t][h];
    const kind = what === "hall_power" ? "cooling" : what;
    const band = data[`${what}_band`];
    const ends = band && value !== null ? ` (${band[0][i][t][h].toFixed(2)} to ${band[1][i][t][h].toFixed(2)})` : "";
    return {
      value,
      who: h < 0 ? "none" : data.halls[h],
      load: data.loads[i],
      outdoor: `${data.outdoor[t]} °C, wet bulb ${data.wet[t]} °C`,
      exact: value === null ? "not energised" : `${value.toFixed(2)} MW${ends}`,
      limit: h < 0 ? "" : data[`${kind}_limits`][data[`${kind}_limit`][i][t][h]],
      power: h < 0 ? "" : watts(data.hall_power[i][t][h]),
    };
  };

  const fill = (name, cells, digits, top, what) => {
    const source = model(`${name}-cells`), colours = model(`${name}-colours`);
    colours.setv({ low: 0, high: top });
    const made = { x: source.data.x, y: source.data.y };
    for (const key of ["who", "load", "outdoor", "exact", "limit", "power"]) made[key] = cells.map((c) => c[key]);
    const wrong = (c) => what !== "hall_power" && c.value !== null && c.value < 0;
    made.value = cells.map((c) => (c.value === null ? NaN : wrong(c) ? -1 : c.value));
    made.text = cells.map((c) => (c.value === null ? "" : `${wrong(c) ? "▲ " : ""}${c.value.toFixed(digits)}`));
    made.ink = cells.map((c) => (c.value !== null && !wrong(c) && c.value > BRIGHT * top ? DARK : LIGHT));
    source.data = made;
  };
  const largest = (what) => Math.max(0.1, ...data[what].flat(2).filter((v) => v !== null));

  const outdoor = () => {
    const hall = Number(control("map-hall").value), what = control("map-kind").value;
    const cells = data.loads.flatMap((_, i) =>
      data.outdoor.map((_, t) => cell(what, i, t, hall < 0 ? tightest(data[what][i][t]) : hall)));
    const top = Math.max(0.1, ...cells.map((c) => c.value ?? 0));
    fill("outdoor-0", cells, 2, top, what);
  };
  const halls = () => {
    const t = Number(control("map-outdoor").value), what = control("map-what").value;
    control("map-outdoor-value").textContent = `${data.outdoor[t]} °C`;
    const cells = data.halls.flatMap((_, h) => data.loads.map((_, i) => cell(what, i, t, h)));
    fill("halls-0", cells, 1, largest(what), what);
  };
  // Numbers only where they fit their cell; the colours, the hover and the tables stay.
  const fit = () => {
    for (const doc of Bokeh.documents) {
      for (const plot of doc.roots()) {
        const source = plot.renderers[0].data_source;
        const columns = Math.max(...source.data.x) + 0.5;
        const longest = Math.max(...Array.from(source.data.text, (text) => text.length));
        const room = plot.inner_width / columns;
        for (const drawn of plot.renderers) if (drawn.name === "numbers") drawn.visible = room > 7.2 * longest + 7;
        // As many names of columns as fit.
        for (const axis of plot.below) {
          if (axis.type !== "LinearAxis") continue;
          const names = [...axis.major_label_overrides.values()];
          const every = Math.ceil((7 * Math.max(...names.map((name) => name.length)) + 8) / room);
          axis.ticker.setv({ ticks: names.flatMap((_, i) => (i % every ? [] : [i + 0.5])) });
        }
      }
    }
  };

  const ready = () => {
    if (document.documentElement.dataset.painted !== "yes") return void setTimeout(ready, 30);
    const draw = (what) => () => (what(), fit());
    for (const id of ["map-hall", "map-kind"]) control(id).addEventListener("input", draw(outdoor));
    for (const id of ["map-outdoor", "map-what"]) control(id).addEventListener("input", draw(halls));
    outdoor();
    halls();
    fit();
    let later = 0;
    addEventListener("resize", () => {
      clearTimeout(later);
      later = setTimeout(fit, 250);
    });
    document.documentElement.dataset.mapped = "yes";
  };
  ready();
})();
