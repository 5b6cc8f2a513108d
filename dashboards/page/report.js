// A canvas does not see the page's style sheet: paint axes, titles and all that is named "ink" in the page's colours.
(() => {
  const text = ["axis_label_text_color", "major_label_text_color", "title_text_color"];
  const lines = ["major_tick_line_color", "grid_line_color"];
  const here = { sync: false }; // a server has no say in it
  const paint = () => {
    const style = getComputedStyle(document.documentElement);
    const [ink, soft, line] = ["--ink", "--soft", "--line"].map((name) => style.getPropertyValue(name).trim());
    for (const doc of Bokeh.documents) {
      for (const plot of doc.roots()) {
        for (const side of ["above", "below", "left", "right", "center"]) {
          for (const part of plot[side]) {
            const known = Object.keys(part.properties ?? {});
            const change = {};
            for (const key of text) if (known.includes(key)) change[key] = key.startsWith("title") ? ink : soft;
            for (const key of lines) if (known.includes(key) && part[key] !== null) change[key] = line;
            part.setv(change, here);
          }
        }
        // As many dates as fit: BokehJS does not ask for the width of a label.
        const dates = Math.max(3, Math.floor(plot.inner_width / 95));
        for (const axis of plot.below) if (axis.type === "DatetimeAxis") axis.ticker.setv({ desired_num_ticks: dates }, here);
        for (const drawn of plot.renderers) {
          if (drawn.name !== "ink") continue;
          const glyph = drawn.glyph, has = glyph.properties;
          if ("marker" in has) glyph.setv({ fill_color: ink }, here);
          else glyph.setv({ line_color: ink }, here);
        }
      }
    }
  };
  const ready = () => {
    if (!window.Bokeh || !Bokeh.documents.length || !Bokeh.documents[0].is_idle) return void setTimeout(ready, 30);
    paint();
    let later = 0;
    addEventListener("resize", () => {
      clearTimeout(later);
      later = setTimeout(paint, 200); // after the charts have taken their new width
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
    document.documentElement.dataset.painted = "yes";
  };
  ready();
})();
