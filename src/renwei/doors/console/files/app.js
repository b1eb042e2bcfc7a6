// What pages do beyond links and forms. Everything also works without this file.
"use strict";
(() => {
  const me = document.currentScript;
  document.documentElement.classList.add("js");
  const said = (text, sort) => {
    const place = document.getElementById("told");
    if (!place) return;
    const line = document.createElement("p");
    line.className = "told " + sort;
    line.textContent = text;
    place.replaceChildren(line);
  };

  // For whoever listens instead of looking.
  const heard = (text) => {
    const place = document.getElementById("heard");
    if (!place) return;
    place.textContent = "";
    setTimeout(() => { place.textContent = text; }, 50);
  };

  // Copy: by the clipboard where it may be used, else by selecting the text.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy], [data-copy-from]");
    if (!button) return;
    const field = button.dataset.copyFrom && document.getElementById(button.dataset.copyFrom);
    const text = field ? field.value ?? field.textContent : button.dataset.copy;
    try {
      await navigator.clipboard.writeText(text);
      // Said where the eyes are: the top of a long list is out of sight.
      button.dataset.label ??= button.textContent;
      button.textContent = me.dataset.copied;
      heard(me.dataset.copied);
      clearTimeout(button.back);
      button.back = setTimeout(() => { button.textContent = button.dataset.label; }, 2500);
    } catch {
      if (field && field.select) field.select();
      said(me.dataset.failed, "amber");
    }
  });

  // Files go with how far they are; where the line is cut, the page stays and says so.
  const send = (form) => {
    const asked = new XMLHttpRequest();
    const end = (text) => {
      delete form.dataset.sent;
      form.reset();
      said(text, "bad");
    };
    asked.upload.onprogress = (event) => {
      const part = event.lengthComputable ? Math.floor((100 * event.loaded) / event.total) + " %" : "";
      said(form.dataset.sending + " " + part, "amber");
    };
    asked.onload = () => {
      if (asked.status < 400) return location.assign(asked.responseURL);
      const page = new DOMParser().parseFromString(asked.responseText, "text/html");
      end(page.querySelector("main .told.bad, main h1")?.textContent.trim() || me.dataset.offline);
    };
    asked.onerror = () => end(form.dataset.cut);
    asked.open("POST", form.action);
    asked.send(new FormData(form));
    said(form.dataset.sending, "amber");
  };

  // Ask before what cannot be taken back; a second click on a form that is on its way is nothing.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sure && !window.confirm(form.dataset.sure)) return event.preventDefault();
    const most = Number(form.dataset.most);
    const size = [...form.querySelectorAll("input[type=file]")].flatMap((one) => [...one.files]).reduce((sum, file) => sum + file.size, 0);
    if (most && size > most) {
      event.preventDefault();
      form.reset();
      return said(form.dataset.tooLarge, "bad");
    }
    if (form.method !== "post" || form.closest("[hx-post]") || form.matches("[hx-post], [data-hx-post]")) return;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "1";
    if (form.dataset.sending) {
      event.preventDefault();
      return send(form);
    }
    setTimeout(() => delete form.dataset.sent, 10000);
  });
  addEventListener("pageshow", () => document.querySelectorAll("[data-sent]").forEach((form) => delete form.dataset.sent));
  // A file that was chosen or dropped goes at once.
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-go]")) event.target.form.requestSubmit();
  });
  for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      const place = event.target.closest?.(".drop");
      if (!place) return;
      event.preventDefault();
      place.classList.toggle("over", kind === "dragenter" || kind === "dragover");
      if (kind !== "drop") return;
      const field = place.querySelector("input[type=file]");
      field.files = event.dataTransfer.files;
      field.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }

  // Keys: "/" to search, j and k through lines, and what a page names by data-key.
  // Keys of one letter can be switched off: speech input and restless hands press them unasked.
  const off = () => localStorage.getItem("keys") === "off";
  const switchOfKeys = document.querySelector("[data-keys]");
  const showSwitch = () => {
    if (!switchOfKeys) return;
    switchOfKeys.hidden = false;
    switchOfKeys.textContent = off() ? switchOfKeys.dataset.off : switchOfKeys.dataset.on;
    switchOfKeys.setAttribute("aria-pressed", String(!off()));
  };
  document.addEventListener("DOMContentLoaded", showSwitch);
  showSwitch();
  switchOfKeys?.addEventListener("click", () => {
    localStorage.setItem("keys", off() ? "on" : "off");
    showSwitch();
  });
  document.addEventListener("keydown", (event) => {
    if (off()) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input, textarea, select") && event.key !== "Escape") return;
    if (event.key === "Escape") {
      const line = event.target.closest("[data-line]");
      return line ? line.focus() : event.target.blur();
    }
    if (event.key === "j" || event.key === "k") {
      const lines = [...document.querySelectorAll("[data-line]")];
      const now = lines.indexOf(document.activeElement.closest?.("[data-line]"));
      const next = lines[Math.max(0, Math.min(lines.length - 1, now + (event.key === "j" ? 1 : -1)))];
      if (next) { next.focus(); next.scrollIntoView({ block: "nearest" }); }
      return;
    }
    const inside = document.activeElement.closest?.("[data-line]");
    const meant = (inside || document).querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (!meant) return;
    event.preventDefault();
    if (meant.matches("input, textarea, select")) meant.focus(); else meant.click();
  });

  // A line that was marked stays where the hand is; a text field is as high as its text.
  document.addEventListener("htmx:afterSwap", (event) => {
    const line = event.detail.elt;
    if (line?.matches?.("[data-line]") && document.activeElement === document.body) line.focus();
  });
  const grow = (root) => root.querySelectorAll("[data-grow]").forEach((field) => {
    field.style.height = "auto";
    field.style.height = field.scrollHeight + 2 + "px";
  });
  document.addEventListener("input", (event) => { if (event.target.matches("[data-grow]")) grow(event.target.parentNode); });
  document.addEventListener("DOMContentLoaded", () => grow(document));
  // On a phone the menu is wider than the screen: begin where one is.
  document.addEventListener("DOMContentLoaded", () => {
    const now = document.querySelector(".menu [aria-current]"), menu = now?.closest(".menu");
    if (menu) menu.scrollLeft = now.offsetLeft - menu.offsetLeft - 16;
  });
  document.addEventListener("htmx:afterSettle", (event) => grow(event.target.parentNode ?? document));
  // What comes by itself waits for whoever is typing: nothing typed gets lost.
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    const field = document.activeElement, answer = event.detail.xhr;
    const leaves = answer.getResponseHeader("HX-Refresh") || answer.getResponseHeader("HX-Redirect");
    if (leaves && field?.matches("input[type=search], textarea") && field.value) event.preventDefault();
  });
  // What the server refused is said where everything is said.
  document.addEventListener("htmx:responseError", (event) => {
    const answer = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
    said(answer.body.textContent.trim() || me.dataset.offline, "bad");
    document.getElementById("told")?.scrollIntoView({ block: "nearest" });
    // What was waited for will not come: no more asking, but a way to ask anew.
    const waiting = document.querySelector("[hx-get*='waiting=1']");
    if (waiting) {
      const again = waiting.querySelector("[data-again]");
      again.hidden = false;
      waiting.replaceWith(again);
      clearInterval(counted);
    }
  });
  let away = false;
  document.addEventListener("htmx:sendError", () => { away = true; said(me.dataset.offline, "bad"); });
  // Back again: what was said of it goes; a table that fills by itself stays short.
  document.addEventListener("htmx:afterRequest", (event) => {
    if (away && event.detail.xhr.status) { away = false; document.getElementById("told")?.replaceChildren(); }
    document.querySelectorAll("[data-most-rows]").forEach((table) => {
      while (table.rows.length > Number(table.dataset.mostRows)) table.rows[table.rows.length - 1].remove();
    });
  });

  // Charts are drawn when there are some; the tables beside them say the same.
  const draw = (root) => {
    const places = root.querySelectorAll(".chart[data-chart]:not([data-drawn])");
    if (!places.length || !me.dataset.echarts) return;
    const go = () => places.forEach((place) => {
      place.dataset.drawn = "";
      place.style.height = (place.dataset.height || 260) + "px";
      const style = getComputedStyle(document.documentElement);
      const colour = (name) => style.getPropertyValue(name).trim();
      const options = JSON.parse(place.dataset.chart);
      const chart = window.echarts.init(place, null, { renderer: "canvas" });
      // Axes and legend in the colours of the page, by day and by night.
      const dressed = (axis) => axis && { axisLabel: { color: colour("--quiet") }, axisLine: { lineStyle: { color: colour("--quiet") } }, splitLine: { lineStyle: { color: colour("--line") } }, ...axis };
      options.xAxis = dressed(options.xAxis);
      options.yAxis = dressed(options.yAxis);
      if (options.legend) options.legend = { textStyle: { color: colour("--ink") }, ...options.legend };
      const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
      chart.setOption({
        color: [colour("--accent"), "#3d7ea6", "#7a8f3a", "#b98a2c", "#8a5a83", "#5d6b74"],
        textStyle: { color: colour("--ink"), fontFamily: style.fontFamily }, animation: !still,
        grid: { left: 8, right: 12, top: 30, bottom: 8, containLabel: true }, tooltip: { trigger: "axis", confine: true }, ...options,
      });
      // A bar or band with an address leads to what it is made of.
      chart.on("click", (at) => {
        const to = at.data?.href ?? options.series?.[at.seriesIndex]?.href;
        if (to) location.assign(to);
      });
      new ResizeObserver(() => chart.resize()).observe(place);
      place.chart = chart;
    });
    if (window.echarts) return go();
    const script = document.createElement("script");
    script.src = me.dataset.echarts;
    script.onload = go;
    document.head.append(script);
  };
  document.addEventListener("DOMContentLoaded", () => draw(document));
  document.addEventListener("htmx:afterSettle", (event) => draw(event.target));
  document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers["X-CSRF-Token"] = document.querySelector("meta[name=csrf]")?.content || "";
  });

  // The report as a picture for the group chat: the server draws it, the canvas makes a PNG.
  document.addEventListener("click", (event) => {
    const asked = event.target.closest("[data-png]");
    if (!asked) return;
    event.preventDefault();
    const image = new Image();
    image.onload = () => {
      const canvas = document.createElement("canvas");
      canvas.width = image.naturalWidth * 2;
      canvas.height = image.naturalHeight * 2;
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      const link = document.createElement("a");
      link.href = canvas.toDataURL("image/png");
      link.download = asked.dataset.png;
      link.click();
    };
    image.onerror = () => location.assign(asked.href);
    image.src = asked.href;
  });

  // Another server takes the place of this one: go on as soon as it stands there.
  const over = document.querySelector("[data-handover]");
  if (over) {
    const began = Date.now();
    const asked = (path) => fetch(path, { cache: "no-store", signal: AbortSignal.timeout(5000) });
    const look = async () => {
      try {
        const other = (await asked(over.dataset.handover)).status === 204;
        if (other && (await asked("/v1/readyz")).ok) {
          const form = over.querySelector("form");
          return form.method === "get" ? location.replace(form.action) : form.submit();
        }
      } catch { /* it is between the two */ }
      if (Date.now() - began > 120000) over.querySelector("[role=status]").textContent = over.dataset.late;
      setTimeout(look, 400);
    };
    setTimeout(look, 1000);
  }

  // Whoever waits sees that time goes on.
  const counting = document.querySelector("[data-counting]");
  let counted = 0;
  if (counting) {
    const since = Date.now();
    counted = setInterval(() => { counting.textContent = counting.dataset.counting.replace("#", Math.round((Date.now() - since) / 1000)); }, 1000);
  }

  // A picture of a chart for the group chat.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-picture]");
    const place = button && document.getElementById(button.dataset.picture);
    if (!place || !place.chart) return;
    const link = document.createElement("a");
    const ground = getComputedStyle(document.body).backgroundColor;
    link.href = place.chart.getDataURL({ type: "png", pixelRatio: 2, backgroundColor: ground });
    link.download = (button.dataset.name || "chart") + ".png";
    link.click();
  });
})();
