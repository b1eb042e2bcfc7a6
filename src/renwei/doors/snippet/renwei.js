// Renwei (人味): what a shop's pages tell, and what they show in return. Apache-2.0.
// Plain ES2018, no dependency. It must never throw into the page and never hold it up.
(() => {
  "use strict";
  const me = document.currentScript || document.querySelector("script[data-key]");
  const early = window.renwei;
  if (!me || (early && early.version)) return;
  const told = me.dataset;
  const KEY = told.key || "";
  const HOST = (told.host || new URL(me.src, location.href).origin).replace(/\/+$/, "");
  const PREFIX = "renwei." + KEY.slice(-8) + ".";
  const MINUTE = 60000, HALF_HOUR = 30 * MINUTE;
  const MOST_EVENTS = 500, MOST_BYTES = 256 * 1024, LARGEST = 32 * 1024;
  const BATCH = 100, LEAVING_BYTES = 50 * 1024, NAMES_HELD = 200;
  // As the shop's server counts; it is not always what Intl thinks of a currency.
  const EXPONENTS = { JPY: 0, KRW: 0, VND: 0, CLP: 0, ISK: 0, KWD: 3, BHD: 3, TND: 3 };
  const WORDS = {
    en: {
      label: "Recommended for you", no: "Not interested",
      others: "Show me others", gone: "Removed. You will not be shown it again.",
      none: "Nothing else to show right now.",
    },
    zh: {
      label: "为你推荐", no: "不感兴趣",
      others: "换一换", gone: "已移除，不再向你展示。", none: "暂时没有更多了。",
    },
  };

  const warned = {};
  const warn = (what) => {
    if (warned[what]) return;
    warned[what] = 1;
    if (window.console) console.warn("renwei: " + what);
  };
  const safe = (work) => (...given) => {
    try {
      const answer = work(...given);
      return answer && answer.catch ? answer.catch((fault) => warn(String(fault))) : answer;
    } catch (fault) {
      warn(String(fault));
    }
  };
  const on = (place, name, work, how) => place.addEventListener(name, safe(work), how);
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const hidden = () => document.visibilityState === "hidden";
  const id = () =>
    Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => (byte + 256).toString(16).slice(1)).join("");
  const bytes = (text) => new TextEncoder().encode(text).length;

  // Storage: the shop's own localStorage; memory where that is blocked or full.
  const memory = new Map();
  let disk = null;
  try {
    disk = window.localStorage;
    disk.getItem(PREFIX);
  } catch (fault) {
    disk = null;
  }
  const get = (name) => {
    if (memory.has(name)) return memory.get(name);
    try {
      return disk && disk.getItem(PREFIX + name);
    } catch (fault) {
      return null;
    }
  };
  const set = (name, text) => {
    try {
      if (disk) {
        disk.setItem(PREFIX + name, text);
        memory.delete(name);
        return;
      }
    } catch (fault) {
      // Full: this page remembers it, the next one will not.
    }
    memory.set(name, text);
  };
  const drop = (name) => {
    memory.delete(name);
    try {
      if (disk) disk.removeItem(PREFIX + name);
    } catch (fault) {
      // Blocked since.
    }
  };
  const names = (start) => {
    const found = new Set(memory.keys());
    try {
      for (const key of disk ? Object.keys(disk) : []) if (key.startsWith(PREFIX)) found.add(key.slice(PREFIX.length));
    } catch (fault) {
      // Blocked since.
    }
    return Array.from(found).filter((name) => name.startsWith(start)).sort();
  };
  const read = (name) => {
    try {
      return JSON.parse(get(name));
    } catch (fault) {
      return null;
    }
  };
  const write = (name, value) => set(name, JSON.stringify(value));

  // Consent: a visitor's own word first, then the shop's setting and the browser's signal.
  const required = told.consent === "required";
  const objects =
    told.dnt !== "ignore" && (navigator.globalPrivacyControl === true || navigator.doNotTrack === "1");
  const allowed = () => {
    const said = get("consent");
    return !!KEY && (said === "1" || (said !== "0" && !required && !objects));
  };

  // Who and when.
  const anonymous = () => {
    let name = get("anonymous");
    if (!name) set("anonymous", (name = id()));
    return name;
  };
  const session = (more) => {
    const now = Date.now();
    let held = read("session");
    if (!held || !held.from || Math.abs(now - held.at) > HALF_HOUR) held = { id: id(), hidden: [], from: {} };
    held = { ...held, ...more, at: now };
    write("session", held);
    return held;
  };
  const net = () => (navigator.connection && navigator.connection.effectiveType) || "";
  const bare = (address) => {
    try {
      const url = new URL(address);
      return url.origin + url.pathname;
    } catch (fault) {
      return "";
    }
  };
  const campaign = () => {
    const found = {};
    new URLSearchParams(location.search).forEach((value, name) => {
      if (name.startsWith("utm_")) found[name === "utm_campaign" ? "name" : name.slice(4)] = value.slice(0, 100);
    });
    return Object.keys(found).length ? { campaign: found } : null;
  };
  const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

  // Events. Each lies under a name of its own, so that tabs never overwrite one another.
  let made = 0;
  const sizes = new Map();
  const mine = new Set(), going = new Set();
  const slot = () => "q." + Date.now().toString(36).padStart(9, "0") + (1e4 + made++) + id().slice(0, 6);
  const eventOf = (type, more) => {
    const user = get("user"), effectiveType = net();
    return {
      type, messageId: id(), originalTimestamp: new Date().toISOString(), anonymousId: anonymous(),
      ...(user && { userId: user }),
      context: {
        sessionId: session().id, page: { path: location.pathname },
        ...(effectiveType && { network: { effectiveType } }), ...campaign(),
      },
      ...more,
    };
  };
  const lose = (count) => write("lost", { count: ((read("lost") || {}).count || 0) + count, id: id() });
  const size = (name) => {
    if (!sizes.has(name)) sizes.set(name, bytes(get(name) || ""));
    return sizes.get(name);
  };
  const forget = (name) => {
    drop(name);
    for (const some of [sizes, mine, going]) some.delete(name);
  };
  const keep = (name, event, until) => {
    if (!allowed()) return;
    const text = JSON.stringify(until ? { ...event, until } : event);
    if (bytes(text) > LARGEST) return lose(1);
    set(name, text);
    sizes.delete(name);
    mine.add(name);
    const all = names("q.");
    let total = all.reduce((sum, one) => sum + size(one), 0), gone = 0;
    while (all.length > MOST_EVENTS || total > MOST_BYTES) {
      total -= size(all[0]);
      forget(all.shift());
      gone++;
    }
    if (gone) lose(gone);
  };
  const note = (type, more) => {
    if (!allowed()) return;
    keep(slot(), eventOf(type, more));
    soon();
  };

  // Sending.
  let timer = 0, busy = null, fails = 0, most = BATCH, breaking = null;
  const later = (ms) => {
    clearTimeout(timer);
    timer = setTimeout(flush, ms);
  };
  const soon = () => fails || later(200);
  const waiting = () => Math.max(0, Math.min((+get("wait") || 0) - Date.now(), 24 * 60 * MINUTE));
  const ready = () => {
    const found = [];
    for (const name of names("q.")) {
      const event = going.has(name) ? 0 : read(name);
      if (event === null) forget(name);
      else if (event && !(event.until > Date.now())) found.push([name, event]);
    }
    return found;
  };
  const wire = (events) => {
    const always = { userAgent: navigator.userAgent, locale: navigator.language, timezone: zone() };
    const batch = events.map((event) => ({ ...event, until: undefined, context: { ...event.context, ...always } }));
    return JSON.stringify({ writeKey: KEY, sentAt: new Date().toISOString(), batch });
  };
  const post = async (path, body, ms, more) => {
    const stop = new AbortController();
    const clock = setTimeout(() => stop.abort(), ms);
    breaking = stop;
    try {
      return await fetch(HOST + path, { method: "POST", credentials: "omit", body, signal: stop.signal, ...more });
    } finally {
      clearTimeout(clock);
    }
  };
  // A text body needs no preflight; the server looks at bytes, not at the type.
  const sendOne = async () => {
    const batch = waiting() ? [] : ready().slice(0, most);
    if (!batch.length) return false;
    const events = batch.map((one) => one[1]);
    const lost = most > 1 && read("lost");
    if (lost) {
      const { count, id } = lost;
      events.push(eventOf("track", { event: "Events Dropped", properties: { count }, messageId: id }));
    }
    let status = 0;
    try {
      const answer = await post("/v1/batch", wire(events), 10000);
      status = answer.status;
      const after = answer.headers.get("retry-after");
      const until = after && (/^\d+$/.test(after) ? Date.now() + after * 1000 : Date.parse(after));
      if (until) set("wait", String(until));
    } catch (fault) {
      // Nobody there: later.
    }
    if (!allowed()) return false; // withdrawn meanwhile
    if (status >= 200 && status < 300) {
      batch.forEach((one) => forget(one[0]));
      if (lost) settle(lost.count);
      fails = 0;
      most = Math.min(BATCH, most * 2);
      return true;
    }
    if ([400, 413, 415, 422].includes(status)) {
      // One of them is at fault: halve until it stands alone, drop that one, go on with the rest.
      most = batch.length >> 1;
      if (!most) {
        forget(batch[0][0]);
        lose(1);
        most = BATCH;
      }
      return true;
    }
    if (status === 401 || status === 403) {
      warn("the key is refused; see data-key");
      fails = Math.max(fails, 6);
    }
    fails++;
    return false;
  };
  const settle = (count) => {
    const left = ((read("lost") || {}).count || 0) - count;
    if (left > 0) write("lost", { count: left, id: id() });
    else drop("lost");
  };
  // One tab sends at a time. Where there are no locks (plain http) a lease in storage does.
  const TAB = id();
  const alone = async (work) => {
    if (navigator.locks) {
      let began = false;
      try {
        return await navigator.locks.request(PREFIX + "send", { ifAvailable: true }, (lock) => {
          began = true;
          return lock ? work() : false;
        });
      } catch (fault) {
        if (began) throw fault;
      }
    }
    const held = read("lease"), now = Date.now();
    if (held && held.tab !== TAB && held.until > now && held.until < now + 20000) return false;
    write("lease", { tab: TAB, until: now + 15000 });
    await pause(30 + Math.random() * 50);
    if ((read("lease") || {}).tab !== TAB) return false;
    try {
      return await work();
    } finally {
      if ((read("lease") || {}).tab === TAB) drop("lease");
    }
  };
  const flush = () => {
    if (!busy && allowed()) busy = sendAll().catch((fault) => warn(String(fault))).then(() => (busy = null));
    return busy;
  };
  const sendAll = async () => {
    while (await alone(sendOne));
    if (allowed() && ready().length) {
      const wait = Math.max(waiting(), fails ? Math.min(5 * MINUTE, 1000 * Math.pow(2, fails)) : 3000);
      later(wait * (1 + Math.random() / 2));
    }
  };
  // What is sent while leaving stays in the queue until an answer is heard, here or by the next
  // page: message ids make twice once.
  const leave = () => {
    if (!allowed() || waiting() || navigator.onLine === false) return;
    const chosen = [];
    let room = LEAVING_BYTES;
    for (const [name, event] of ready().reverse()) {
      if (mine.has(name) && (room -= size(name) + 300) > 0) chosen.unshift([name, event]);
    }
    if (!chosen.length) return;
    const body = wire(chosen.map((one) => one[1]));
    if (!("keepalive" in Request.prototype)) return navigator.sendBeacon(HOST + "/v1/batch", body);
    chosen.forEach((one) => going.add(one[0]));
    fetch(HOST + "/v1/batch", { method: "POST", credentials: "omit", body, keepalive: true })
      .then((answer) => answer.ok && chosen.forEach((one) => forget(one[0])))
      .catch(() => 0)
      .then(() => {
        chosen.forEach((one) => going.delete(one[0]));
        if (ready().length) later(3000);
      });
  };

  // What pages tell.
  const product = (item, more) => {
    const told = item !== null && typeof item === "object" ? item : { id: item };
    const { id = told.product_id, ...rest } = told;
    const code = id === undefined ? {} : { product_id: String(id) };
    // What follows a click on a recommendation says which decision it follows.
    return { ...rest, ...code, ...(allowed() && session().from[code.product_id]), ...more };
  };
  const track = (event, properties) => note("track", { event: String(event), properties: properties || {} });
  const page = (name, properties) => {
    endView();
    last.viewed = null;
    const about = { path: location.pathname, title: document.title, referrer: bare(document.referrer) };
    note("page", { properties: { ...about, ...properties }, ...(name && { name: String(name) }) });
  };
  const identify = (user, traits) => {
    if (user !== null && typeof user === "object") [user, traits] = ["", user];
    last.identify = allowed() ? null : [user, traits];
    if (!allowed()) return;
    const named = user === undefined || user === null ? "" : String(user), before = get("user") || "";
    // Somebody else at the same device is somebody else.
    if (named && before && named !== before) reset();
    if (named) set("user", named);
    if (traits || named !== before) note("identify", traits ? { traits } : {});
  };
  const search = (query, more) => track("Products Searched", { query: String(query), ...more });
  const cart = (item, more) => track("Product Added", product(item, more));
  const uncart = (item, more) => track("Product Removed", product(item, more));
  const order = (told) => {
    const { id, items, ...rest } = told;
    if (!id) return warn("order() needs an id");
    const properties = { ...rest, order_id: String(id), products: (items || []).map((item) => product(item)) };
    note("track", { event: "Order Completed", properties, messageId: "order-" + id });
  };
  const reset = () => {
    endView();
    ["anonymous", "user", "session", "no"].forEach(drop);
  };

  // A look at an item: the clock runs while the page can be seen.
  const last = {};
  let view = null;
  const tick = () => {
    if (!view) return;
    if (view.since !== null) view.ms += performance.now() - view.since;
    view.since = hidden() ? null : performance.now();
    view.event.properties.dwell_ms = Math.round(Math.min(view.ms, HALF_HOUR));
  };
  // Kept, not sent: whoever kills the page without a word leaves it to the next one.
  const keepView = () => view && keep(view.name, view.event, Date.now() + HALF_HOUR);
  const endView = () => {
    if (!view) return;
    tick();
    keep(view.name, view.event);
    view = null;
    soon();
  };
  const viewed = (item, more) => {
    endView();
    last.viewed = [item, more];
    if (!allowed()) return;
    const properties = product(item);
    if (!session().landing) session({ landing: properties.product_id });
    const { dwell, ...rest } = more || {};
    Object.assign(properties, rest);
    if (dwell !== undefined) {
      if (dwell !== false) properties.dwell_ms = Math.round(dwell * 1000);
      return track("Product Viewed", properties);
    }
    const event = eventOf("track", { event: "Product Viewed", properties });
    view = { name: slot(), event, ms: 0, since: hidden() ? null : performance.now() };
    keepView();
  };

  // Impressions: half of an item, for a second, on a page that can be seen.
  const timers = new Map();
  const counted = new WeakSet();
  const about = (card, more) => {
    const { renweiItem, renweiPosition, renweiDecision, renweiList } = card.dataset;
    const found = { product_id: renweiItem };
    if (renweiDecision) found.decision_id = renweiDecision;
    if (renweiList) found.list = renweiList;
    if (+renweiPosition) found.position = +renweiPosition;
    return { ...found, ...more };
  };
  const shown = (card) => {
    timers.delete(card);
    if (!allowed() || !card.isConnected) return;
    watch.unobserve(card);
    counted.add(card);
    track("Product Impression", about(card));
  };
  const watch = window.IntersectionObserver
    ? new IntersectionObserver(
        safe((entries) => {
          for (const { target, intersectionRatio } of entries) {
            clearTimeout(timers.get(target));
            const seen = intersectionRatio >= 0.5 && !hidden();
            timers.set(target, seen ? setTimeout(safe(shown), 1000, target) : 0);
          }
        }),
        { threshold: 0.5 },
      )
    : { observe() {}, unobserve() {} };
  const rewatch = () => {
    for (const [card, clock] of Array.from(timers)) {
      clearTimeout(clock);
      watch.unobserve(card);
      if (!hidden() && card.isConnected) watch.observe(card);
      else if (!card.isConnected) timers.delete(card);
    }
  };
  const clicked = (event) => {
    const link = event.button < 2 && event.target.closest && event.target.closest("a[href]");
    const card = link && link.closest("[data-renwei-item]");
    if (!card || !allowed()) return;
    const found = about(card);
    track("Product Clicked", found);
    if (!found.decision_id) return;
    const { product_id, ...rest } = found, { from } = session();
    Object.keys(from).slice(0, -19).forEach((one) => delete from[one]);
    session({ from: { ...from, [product_id]: rest } });
  };

  // Recommendation blocks: text as text, addresses only http and https, no style, no markup.
  const blocks = new Map();
  const tongue = (place) => {
    const spoken = place.closest("[lang]");
    const tag = ((spoken && spoken.lang) || navigator.language).replace(/_/g, "-");
    return /^[\w-]{2,35}$/.test(tag) ? tag : "en";
  };
  const address = (text) => {
    try {
      const url = new URL(text, document.baseURI);
      return /^https?:$/.test(url.protocol) ? url.href : "";
    } catch (fault) {
      return "";
    }
  };
  const price = (item, language) => {
    if (!(item.price_minor > 0) || !item.currency) return "";
    const places = item.currency in EXPONENTS ? EXPONENTS[item.currency] : 2;
    try {
      const amount = item.price_minor / Math.pow(10, places);
      return new Intl.NumberFormat(language, { style: "currency", currency: item.currency }).format(amount);
    } catch (fault) {
      return "";
    }
  };
  const make = (tag, name, ...inside) => {
    const one = document.createElement(tag);
    if (name) one.className = "renwei-" + name;
    one.append(...inside);
    return one;
  };
  const plain = () => {
    const field = (tag, name, ...inside) => {
      const one = make(tag, name, ...inside);
      one.dataset.field = name;
      return one;
    };
    const link = field("a", "link", field("img", "image"), field("span", "title"));
    return make("li", "item", link, field("span", "reason"), field("span", "price"), field("button", "no"));
  };
  const fillers = {
    link: (place, item) => {
      const to = address(item.url);
      place.removeAttribute("href");
      if (item.url && to) place.setAttribute("href", to);
      return true;
    },
    image: (place, item) => {
      const from = item.image && address(item.image);
      if (!from) return false;
      place.loading = "lazy";
      // The title stands beside it as text.
      if (!place.hasAttribute("alt")) place.alt = "";
      on(place, "error", () => place.remove());
      place.src = from;
      return true;
    },
    no: (place, item, words) => {
      place.type = "button";
      if (!place.childNodes.length) place.textContent = words.no;
      place.setAttribute("aria-label", words.no + ": " + (item.title || item.id));
      return true;
    },
  };
  const fill = (card, item, words, language) => {
    const texts = {
      title: item.title || item.id, price: price(item, language), reason: item.reason && item.reason.text,
      brand: item.brand, category: item.category,
    };
    for (const place of [card, ...card.querySelectorAll("[data-field]")]) {
      const field = place.dataset.field;
      if (!field) continue;
      const filler = fillers[field];
      if (!filler) place.textContent = texts[field] || "";
      if (filler ? !filler(place, item, words) : !texts[field]) place.remove();
    }
  };
  const draw = (block, answer) => {
    const state = blocks.get(block), { language, words } = state;
    const template = block.querySelector("template");
    const list = make("ul", "list");
    list.setAttribute("role", "list");
    answer.items.forEach((item, index) => {
      const first = template && template.content.firstElementChild;
      const card = first ? document.importNode(first, true) : plain();
      card.dataset.renweiItem = item.id;
      card.dataset.renweiPosition = index + 1;
      card.dataset.renweiList = answer.surface || state.surface;
      if (answer.decision_id) card.dataset.renweiDecision = answer.decision_id;
      fill(card, item, words, language);
      list.append(card.localName === "li" ? card : make("li", "", card));
      state.shown.add(String(item.id));
      watch.observe(card);
    });
    state.status = make("p", "status");
    state.status.setAttribute("role", "status");
    const others = make("button", "others", words.others);
    others.type = "button";
    for (const child of Array.from(block.childNodes)) if (child !== template) child.remove();
    block.append(list, ...(block.dataset.others === "off" ? [] : [others]), state.status);
    if (!block.hasAttribute("role")) block.setAttribute("role", "region");
    if (!block.hasAttribute("aria-label") && !block.hasAttribute("aria-labelledby")) {
      block.setAttribute("aria-label", words.label);
    }
    state.drawn = true;
    const detail = { decision_id: answer.decision_id, n: answer.items.length };
    block.dispatchEvent(new CustomEvent("renwei:drawn", { bubbles: true, detail }));
  };
  const ask = async (block, without) => {
    const state = blocks.get(block), now = session(), data = block.dataset;
    const context = { session_id: now.id, hour: new Date().getHours() };
    if (data.item) context.item_id = data.item;
    if (data.cart) context.cart = data.cart.split(",").map((one) => one.trim()).filter(Boolean);
    if (data.query) context.query = data.query;
    if (now.landing) context.landing_item_id = now.landing;
    if (net()) context.net = net();
    const body = { surface: state.surface, n: Math.max(1, Math.min(parseInt(data.n, 10) || 6, 100)), context };
    const user = get("user");
    if (user) body.user_id = user;
    body.anonymous_id = anonymous();
    for (const name of ["mode", "filter"]) if (data[name]) body[name] = data[name];
    const excluded = [...(read("no") || []), ...now.hidden, ...without].slice(-NAMES_HELD);
    if (excluded.length) body.exclude_ids = Array.from(new Set(excluded));
    const headers = {
      authorization: "Bearer " + KEY, "content-type": "application/json", "accept-language": state.language,
    };
    block.setAttribute("aria-busy", "true");
    try {
      const answer = await post("/v1/recommend", JSON.stringify(body), 5000, { headers });
      if (answer.status === 401 || answer.status === 403) warn("the key may not ask for recommendations");
      const told = answer.ok ? await answer.json() : {};
      told.items = (Array.isArray(told.items) ? told.items : []).filter((item) => item && item.id);
      return allowed() ? told : { items: [] };
    } finally {
      block.removeAttribute("aria-busy");
    }
  };
  const open = async (block, sent) => {
    const language = tongue(block), words = /^zh/i.test(language) ? WORDS.zh : WORDS.en;
    const surface = block.dataset.renwei || "home";
    blocks.set(block, { language, words, surface, shown: new Set(), drawn: false });
    // What was seen on the page before shall count: let it arrive first, but wait for nobody.
    await Promise.race([sent, pause(400)]);
    try {
      const answer = await ask(block, []);
      if (answer.items.length) draw(block, answer);
    } catch (fault) {
      // No answer: what the shop put into the block stays.
    }
  };
  const pressed = (event) => {
    const button = event.target.closest && event.target.closest("[data-field=no], .renwei-others");
    const block = button && button.closest("[data-renwei]"), state = block && blocks.get(block);
    if (!state || !state.drawn) return;
    event.preventDefault();
    return button.dataset.field ? unwanted(block, state, button) : refreshed(block, state, button);
  };
  const unwanted = (block, state, button) => {
    const card = button.closest("[data-renwei-item]");
    if (!allowed() || !card) return;
    track("Product Disliked", about(card, { why: "not_interested" }));
    const no = (read("no") || []).filter((one) => one !== card.dataset.renweiItem);
    write("no", [...no, card.dataset.renweiItem].slice(-NAMES_HELD));
    const row = card.closest("li"), next = row.nextElementSibling || row.previousElementSibling;
    row.remove();
    state.status.textContent = state.words.gone;
    const to = (next && next.querySelector("[data-field=no]")) || block.querySelector(".renwei-others");
    if (to) to.focus();
    if (!next) return refreshed(block, state, null);
  };
  const refreshed = async (block, state, button) => {
    if (!allowed() || state.busy) return;
    const rejected = Array.from(state.shown);
    const first = block.querySelector("[data-renwei-item]");
    const decision = first && first.dataset.renweiDecision;
    if (button) {
      track("Recommendations Refreshed", { list: state.surface, ...(decision && { decision_id: decision }) });
    }
    state.busy = true;
    try {
      const answer = await ask(block, rejected);
      if (!answer.items.length) return void (state.status.textContent = state.words.none);
      // Held for the session, on the pages that follow too.
      session({ hidden: [...session().hidden, ...rejected].slice(-NAMES_HELD) });
      draw(block, answer);
      const to = button && block.querySelector(".renwei-others");
      if (to) to.focus();
    } finally {
      state.busy = false;
    }
  };

  const scan = () => {
    if (!allowed()) return;
    const looked = document.querySelector("[data-renwei-viewed]");
    if (looked && !last.viewed) viewed(looked.dataset.renweiViewed);
    document.querySelectorAll("[data-renwei-item]").forEach((card) => counted.has(card) || watch.observe(card));
    const sent = flush();
    document.querySelectorAll("[data-renwei]").forEach((block) => {
      if (!blocks.has(block)) safe(open)(block, sent);
    });
  };
  const start = () => {
    if (!allowed()) return;
    const { viewed: look, identify: who } = last;
    if (told.page !== "off") page();
    if (who) identify(...who);
    if (look) viewed(...look);
    if (document.readyState === "loading") on(document, "DOMContentLoaded", scan, { once: true });
    else scan();
  };
  const consent = (given) => {
    if (given === undefined) return allowed();
    if (given) {
      const before = allowed();
      set("consent", "1");
      if (!before) start();
      return;
    }
    view = null;
    clearTimeout(timer);
    if (breaking) breaking.abort();
    names("").forEach(forget);
    // To remember a "no" needs one letter in storage; where consent is required silence is a no.
    if (!required) set("consent", "0");
  };

  const api = {
    version: "1", page, track, identify, viewed, search, cart, uncart, order, consent, reset, flush, scan,
    anonymousId: () => (allowed() ? anonymous() : ""),
    push: (...calls) => calls.forEach(safe((call) => {
      if (typeof call === "function") call(api);
      else if (api[call[0]]) api[call[0]](...Array.from(call).slice(1));
      else warn("no such call: " + call[0]);
    })),
  };
  for (const name of Object.keys(api)) if (name !== "version") api[name] = safe(api[name]);

  const boot = () => {
    window.renwei = api;
    start();
    if (Array.isArray(early)) early.forEach((call) => api.push(call));
  };
  on(window, "online", () => {
    fails = 0;
    later(Math.random() * 500);
    for (const [block, state] of Array.from(blocks)) if (!state.drawn) blocks.delete(block);
    scan();
  });
  on(document, "visibilitychange", () => {
    tick();
    rewatch();
    if (!hidden()) return;
    keepView();
    leave();
  });
  // Another tab may have written before it heard of the no.
  on(window, "storage", ({ key }) => {
    if (key && key.startsWith(PREFIX) && !allowed()) names("").forEach((name) => name === "consent" || forget(name));
  });
  on(window, "pagehide", () => {
    endView();
    leave();
  });
  // Back by the browser's own cache: nothing ran again, so this page begins again.
  on(window, "pageshow", (event) => event.persisted && start());
  on(document, "click", clicked, true);
  on(document, "auxclick", clicked, true);
  on(document, "click", pressed);
  if (!KEY) warn("data-key is missing");
  if (document.prerendering) on(document, "prerenderingchange", boot, { once: true });
  else safe(boot)();
})();
