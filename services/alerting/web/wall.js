// The newest alerts, live. Everything an alert carries is set as text, never as markup.
"use strict";

const SHOWN_MAX = 60;
const LATENCIES_MAX = 500;
const SILENCE_MS_MAX = 25000; // the server sends a heartbeat each 10 s
const PICTURE_RETRIES_MAX = 3;

const byId = (id) => document.getElementById(id);
const known = new Set();
const times = [];
const latencies = [];
let source = null;
let heardAt = Date.now();

function connect() {
  source = new EventSource("/events");
  source.addEventListener("open", () => status("live", "live"));
  source.addEventListener("error", () => status("lost", "reconnecting"));
  source.addEventListener("heartbeat", heard);
  source.addEventListener("alert", (event) => {
    heard();
    if (!known.has(event.lastEventId)) {
      known.add(event.lastEventId);
      show(JSON.parse(event.data));
    }
  });
}

function heard() {
  heardAt = Date.now();
  status("live", "live");
}

function status(state, text) {
  const line = byId("status");
  line.dataset.state = state;
  line.textContent = text;
}

function show(alert) {
  const wall = byId("wall");
  wall.prepend(card(alert));
  while (wall.children.length > SHOWN_MAX) wall.lastElementChild.remove();
  byId("empty").hidden = true;
  times.push(Date.parse(alert.alert_time));
  latencies.push(alert.ms);
  if (latencies.length > LATENCIES_MAX) latencies.shift();
  count();
}

function card(alert) {
  const node = byId("card").content.firstElementChild.cloneNode(true);
  const { label, score, place, camera } = alert.match;
  const part = (selector, text) => { node.querySelector(selector).textContent = text ?? ""; };
  node.dataset.severity = alert.severity;
  node.title = alert.summary;
  if (Date.now() - Date.parse(alert.alert_time) < 5000) node.classList.add("fresh");
  part(".label strong", label ?? alert.summary);
  part(".score", typeof score === "number" ? Math.round(score * 100) + " %" : "");
  part(".place", place ?? (label === undefined ? alert.rule : alert.summary));
  part(".camera", camera ?? alert.event_source);
  part("time", new Date(alert.event_time).toLocaleTimeString([], { hour12: false }));
  node.querySelector("time").dateTime = alert.event_time;
  part(".ms", milliseconds(alert.ms) + " ms");
  picture(node, alert, 0);
  return node;
}

function picture(node, alert, tries) {
  const image = node.querySelector(".picture");
  image.alt = alert.summary;
  image.onload = () => image.classList.add("there");
  image.onerror = () => {
    if (tries < PICTURE_RETRIES_MAX && node.isConnected) {
      setTimeout(picture, 2000 * (tries + 1), node, alert, tries + 1);
    } else {
      image.hidden = true;
      node.querySelector(".gone").hidden = false;
    }
  };
  image.src = "/alerts/" + encodeURIComponent(alert.id) + "/image" + (tries ? "?try=" + tries : "");
}

function milliseconds(ms) {
  return ms < 100 ? ms.toFixed(1) : Math.round(ms).toLocaleString("en");
}

function quantile(sorted, q) {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}

function count() {
  const since = Date.now() - 60000;
  while (times.length && times[0] < since) times.shift();
  byId("count").textContent = known.size.toLocaleString("en");
  byId("minute").textContent = times.length;
  if (latencies.length) {
    const sorted = [...latencies].sort((a, b) => a - b);
    byId("p50").textContent = milliseconds(quantile(sorted, 0.5));
    byId("p99").textContent = milliseconds(quantile(sorted, 0.99));
  }
}

setInterval(() => {
  count();
  if (Date.now() - heardAt > SILENCE_MS_MAX || source.readyState === EventSource.CLOSED) {
    status("lost", "reconnecting");
    heardAt = Date.now();
    source.close();
    connect();
  }
}, 1000);

connect();
