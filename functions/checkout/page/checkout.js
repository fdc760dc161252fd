// The checkout page, alive: shows the order as it is now, hears of changes over a socket, and looks by itself without one.
(() => {
  "use strict";

  const QUICK = 1500; // milliseconds between two looks at first
  const SLOW = 10000; // …and after some minutes
  const BESIDE_SOCKET = 20000; // a pushed message may get lost on its way
  const TICKET_LIFE = 50000;
  const SAY_TROUBLE = 2; // looks in a row that failed
  const RETURN_AFTER = 1500;
  const LAST_MINUTE = 60000; // of a link to WeChat, in which a fresh one takes its place
  const SAY_UNPAID = 8000;
  const BETWEEN_OPENINGS = 3000; // where nobody says when to come again
  const TO_BE_COPIED = ["phone", "wechat", "outside", "identify", "refused", "refused_here", "into_wechat", "bridgeless"];
  const REFUSED = { native: "refused", jsapi: "refused_here", h5: "into_wechat" };
  const BRIDGE_WITHIN = 3000; // in which WeChat's own browser has its bridge

  const part = (id) => document.getElementById(id);
  const main = part("checkout");
  if (!main.dataset.view) {
    // The order could not be shown.
    if (main.dataset.state === "down") setTimeout(() => location.reload(), 5000);
    return;
  }
  const words = JSON.parse(main.dataset.words);
  const scene = main.dataset.scene;

  let view;
  let seenAt; // when the view came, by this device's clock
  let ahead; // milliseconds that the server's clock is ahead of this device's
  let state;
  let returned = new URLSearchParams(location.search).has("returned"); // from WeChat, which proves nothing

  // ---- what is shown ----

  function stateOf({ status, kind, method, paymentParams, h5Url, qrCode, returnUrl }) {
    if (status === "paid" && returnUrl) return "returning";
    if (kind && status !== "waiting") return stateOfCheckout(view);
    if (status !== "waiting") return status;
    if (paymentParams) return bridgeless ? "bridgeless" : "cashier";
    if (h5Url) return returned ? "returned" : "leave";
    if (method === "h5" && scene !== "phone") return scene === "wechat" ? "outside" : "handheld";
    if (!qrCode) return kind ? "opening" : "renewing";
    if (method === "jsapi") return "elsewhere";
    return scene === "desktop" ? "scan" : scene;
  }

  // One that is no order: it opens one for the device that is here.
  function stateOfCheckout({ status, kind, refused, takeOver }) {
    if (status === "identify") return mayIdentify() ? "opening" : "identify";
    if (status === "ready" && (refused === kind || barred)) return REFUSED[kind];
    if (status === "ready") return hadOne ? "again" : "opening";
    if (status === "elsewhere") return takeOver && !barred ? "held" : "left_there";
    return status === "closing" && takeOver ? "handing" : status;
  }

  function text(id, value) {
    const element = part(id);
    if (element.textContent !== value) element.textContent = value; // what has not changed is not read out again
  }

  function draw() {
    const { qrCode, paymentParams, h5Url, refundedAmount, returnUrl } = view;
    state = stateOf(view);
    main.dataset.state = state;
    const [title, detail] = words[state];
    text("title", title);
    text("detail", detail);
    document.title = title;
    if (qrCode && part("code").getAttribute("src") !== qrCode) part("code").src = qrCode;
    part("code").hidden = !qrCode;
    part("pay").hidden = !paymentParams;
    if (h5Url) part("leave").href = h5Url;
    part("leave").hidden = !h5Url;
    part("asked").hidden = state !== "returned";
    part("copy").hidden = uncopied || !TO_BE_COPIED.includes(state);
    text("act", words.acts[state] ?? "");
    part("act").hidden = !words.acts[state];
    part("left").hidden = view.status !== "waiting";
    text("refunded", refundedAmount ?? "");
    part("refund").hidden = !refundedAmount;
    text("order", view.outTradeNo ?? view.checkoutId ?? "");
    part("number").hidden = !part("order").textContent;
    if (returnUrl) part("back").href = returnUrl;
    part("back").hidden = !returnUrl;
    if (state === "returning") setTimeout(() => location.replace(returnUrl), RETURN_AFTER);
    if (state === "cashier") openCashierOnce();
    if (state === "opening" && view.status === "identify") identify();
  }

  function take(news) {
    if (view && news.version < view.version) return;
    const was = state;
    view = news;
    if (view.kind && (view.codeUrl || view.h5Url || view.paymentParams)) hadOne = true;
    seenAt = Date.now();
    ahead = Date.parse(view.now) - seenAt;
    if (was !== "returning") draw();
  }

  function tick() {
    part("act").disabled = opening || Date.now() < openAt;
    if (view.status !== "waiting") return;
    const seconds = Math.max(0, Math.ceil((Date.parse(view.expiresAt) - Date.now() - ahead) / 1000));
    const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
    text("countdown", parts.map((each) => String(each).padStart(2, "0")).join(":").replace(/^0(0:)?/, ""));
    if (seconds === 0 && Date.now() - seenAt > QUICK) look();
    if (linkEnds()) renewLink();
  }

  // One that ends with its order is the last there is.
  function linkEnds() {
    if (!view.h5Url || view.codeExpiresAt === view.expiresAt) return false;
    return Date.parse(view.codeExpiresAt) - Date.now() - ahead < LAST_MINUTE;
  }

  function renewLink() {
    view.h5Url = undefined;
    draw();
    look();
  }

  // ---- looking, while somebody can see it ----

  let timer;
  let looking = false;
  let failures = 0;
  let since = Date.now(); // since when the page has looked without a pause
  let asking = false; // the buyer says to have paid: WeChat Pay is to be asked
  let unpaidUntil = 0; // until when its no is shown

  async function look() {
    if (looking || document.hidden) return;
    looking = true;
    clearTimeout(timer);
    const patience = new AbortController(); // AbortSignal.timeout is too young for some of WeChat's browsers
    const end = setTimeout(() => patience.abort(), 10000);
    const asked = asking;
    const address = new URL(location.href);
    if (asked) address.searchParams.set("asked", "1");
    try {
      const answer = await fetch(address, {
        headers: { Accept: "application/json" },
        cache: "no-store",
        signal: patience.signal,
      });
      if (answer.status === 404) return location.reload(); // the address has ended, and says so itself
      if (!answer.ok) throw new Error(String(answer.status));
      take(await answer.json());
      failures = 0;
      if (asked) {
        asking = false;
        unpaidUntil = Date.now() + SAY_UNPAID;
      }
    } catch {
      failures += 1;
    } finally {
      clearTimeout(end);
      looking = false;
    }
    const unpaid = view.status === "waiting" && Date.now() < unpaidUntil ? words.unpaid : "";
    text("trouble", failures >= SAY_TROUBLE ? words.trouble : unpaid);
    part("asked").disabled = asking;
    if (asking && !asked) look();
    else again();
  }

  function again() {
    clearTimeout(timer);
    if (document.hidden || view.status === "refunded" || state === "returning") return;
    connect();
    if (wantsOpening()) {
      timer = setTimeout(() => openHere(false), Math.max(0, openAt - Date.now()));
      return;
    }
    const patience = Math.min(SLOW, Math.max(QUICK, (Date.now() - since) / 24));
    timer = setTimeout(look, open ? BESIDE_SOCKET : patience);
  }

  function resume() {
    since = Date.now();
    if (document.hidden) clearTimeout(timer);
    else look();
  }

  // ---- hearing ----

  let socket;
  let open = false;
  let refusals = 0;
  let connectAt = 0;

  function connect() {
    const now = Date.now();
    if (socket || !view.live || now < connectAt || now - seenAt > TICKET_LIFE) return;
    const { url, ticket } = view.live;
    view.live = undefined; // a ticket is good for one line; the next look brings another
    try {
      socket = new WebSocket(url, ["live", ticket]);
    } catch {
      return;
    }
    const mine = socket;
    mine.onopen = () => {
      open = true;
      refusals = 0;
      look(); // what happened before the line was open
    };
    mine.onmessage = ({ data }) => {
      let news;
      try {
        news = JSON.parse(data);
      } catch {
        return;
      }
      if (news.version > view.version) hear(news.version);
    };
    mine.onclose = () => {
      if (!open) refusals += 1;
      open = false;
      socket = undefined;
      connectAt = Date.now() + Math.min(30000, 500 * 2 ** refusals);
      look();
    };
  }

  // The message says that there is something new; the order itself says what.
  async function hear(version) {
    await look();
    if (view.version < version) setTimeout(look, 200); // a look was under way already
  }

  // ---- paying within WeChat ----

  let opened = false;
  let bridgeless = false; // a browser that only calls itself WeChat's

  function openCashierOnce() {
    if (opened) return;
    opened = true;
    openCashier();
  }

  function openCashier() {
    if (!view.paymentParams) return; // it was opened elsewhere before the bridge was there
    if (window.WeixinJSBridge) {
      sayBridge(true);
      WeixinJSBridge.invoke("getBrandWCPayRequest", view.paymentParams, look);
      return;
    }
    document.addEventListener("WeixinJSBridgeReady", openCashier, { once: true });
    setTimeout(() => sayBridge(Boolean(window.WeixinJSBridge)), BRIDGE_WITHIN);
  }

  function sayBridge(there) {
    if (bridgeless === !there || !view.paymentParams) return;
    bridgeless = !there;
    draw();
  }

  // ---- a checkout: an order for this device ----

  let opening = false;
  let openAt = 0; // when the next try may be
  let barred = false; // this way here is none of the stack's own
  let hadOne = false; // an order was open here, and has not been left for another device by a tap since

  // By itself only where nothing is open for anybody else, and once: another device may be taking over, and a page that stays open
  // for days would use up the attempts. A page that nobody sees opens nothing.
  function wantsOpening() {
    if (!view.kind || barred || document.hidden) return false;
    if (view.status === "ready") return !hadOne && view.refused !== view.kind;
    return view.status === "waiting" && !view.codeUrl && !view.h5Url && !view.paymentParams;
  }

  async function openHere(takeOver) {
    if (opening || document.hidden) return;
    opening = part("act").disabled = true;
    const anew = view.status !== "waiting";
    clearTimeout(timer);
    const patience = new AbortController();
    const end = setTimeout(() => patience.abort(), 20000);
    let seconds = 0;
    let told = false;
    try {
      const answer = await fetch(location.pathname + "/open", {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "application/json" },
        body: JSON.stringify({ takeOver }),
        cache: "no-store",
        signal: patience.signal,
      });
      if (answer.status === 404) return location.reload();
      seconds = Number(answer.headers.get("Retry-After"));
      barred = answer.status === 403;
      if (answer.ok) {
        const news = await answer.json();
        seconds = news.retryAfter;
        if (anew) comeBack(false); // nobody has left for this one yet
        take(news);
        told = true;
      }
      failures = answer.status >= 500 && answer.status !== 502 ? failures + 1 : 0;
    } catch {
      failures += 1;
    } finally {
      clearTimeout(end);
      opening = false;
      openAt = Date.now() + (seconds * 1000 || BETWEEN_OPENINGS);
    }
    // Otherwise it is looked at: to take over is a tap's to repeat, not this page's.
    if (told) again();
    else look();
  }

  // By itself once, for a way that leads back to where it began would never end.
  function mayIdentify() {
    try {
      return !sessionStorage.getItem(location.pathname);
    } catch {
      return false;
    }
  }

  function identify() {
    try {
      sessionStorage.setItem(location.pathname, "asked");
    } catch {
      return;
    }
    location.replace(view.identifyUrl);
  }

  part("act").addEventListener("click", () => {
    if (state === "identify") location.assign(view.identifyUrl);
    else {
      hadOne = false;
      openHere(state === "held" || state === "handing");
    }
  });

  // ---- paying in a phone's browser ----

  part("leave").addEventListener("click", (tap) => {
    if (linkEnds()) {
      tap.preventDefault();
      renewLink();
      return;
    }
    comeBack(true); // whichever way
    setTimeout(draw, QUICK);
  });

  function comeBack(asks) {
    returned = asks;
    const address = new URL(location.href);
    if (asks) address.searchParams.set("returned", "1");
    else address.searchParams.delete("returned");
    history.replaceState(null, "", address);
  }

  part("asked").addEventListener("click", () => {
    asking = part("asked").disabled = true;
    look();
  });

  part("pay").addEventListener("click", openCashier);

  let uncopied = false; // then the browser's own way of sharing is left

  part("copy").addEventListener("click", async () => {
    if (await copied(location.origin + location.pathname)) {
      text("copy", words.copied);
      return;
    }
    uncopied = true;
    draw();
  });

  // Not every browser of WeChat's has a clipboard for pages.
  async function copied(link) {
    try {
      await navigator.clipboard.writeText(link);
      return true;
    } catch {
      const field = document.createElement("textarea");
      field.value = link;
      main.append(field);
      field.select();
      try {
        return document.execCommand("copy");
      } catch {
        return false;
      } finally {
        field.remove();
      }
    }
  }

  take(JSON.parse(main.dataset.view));
  setInterval(tick, 250);
  document.addEventListener("visibilitychange", resume);
  window.addEventListener("online", resume);
  window.addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
  again();
})();
