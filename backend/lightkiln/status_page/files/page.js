// SPDX-License-Identifier: GPL-3.0-or-later
// Fetches the page it stands in again and again, and changes only what has become different:
// what is open stays open, what has the focus keeps it. A hidden page asks nothing.
"use strict";

const EVERY = 1000, AFTER_A_FAILURE = 2000; // milliseconds
const page = document.getElementById("page");
const away = document.getElementById("away");
let tag = "";

async function look() {
  let wait = EVERY;
  if (!document.hidden) {
    try {
      const headers = tag ? { "If-None-Match": tag } : {};
      const answer = await fetch(location.href, { headers, cache: "no-store" });
      if (answer.status === 403) return location.reload();
      if (answer.ok) {
        tag = answer.headers.get("ETag") || "";
        show(new DOMParser().parseFromString(await answer.text(), "text/html"));
      } else if (answer.status !== 304 && answer.status !== 404) throw new Error(answer.statusText);
      away.hidden = true;
    } catch {
      away.hidden = false;
      wait = AFTER_A_FAILURE;
    }
  }
  setTimeout(look, wait);
}

function show(fresh) {
  document.title = fresh.title;
  become(page, fresh.getElementById("page"));
}

// Makes an element like a fresh one of the same name and id.
function become(old, fresh) {
  for (const { name } of [...old.attributes]) {
    if (name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  const wanted = [...fresh.childNodes];
  wanted.forEach((node, index) => {
    const there = old.childNodes[index];
    const same = alike(there, node) ? there : later(old, index, node);
    if (!same) {
      old.insertBefore(document.importNode(node, true), there || null);
    } else {
      if (same !== there) old.insertBefore(same, there);
      if (node.nodeType === Node.ELEMENT_NODE) become(same, node);
      else if (same.data !== node.data) same.data = node.data;
    }
  });
  while (old.childNodes.length > wanted.length) old.lastChild.remove();
}

// An element with that id further on: a job that has moved up.
function later(old, index, node) {
  return node.id && [...old.childNodes].slice(index).find((each) => alike(each, node));
}

function alike(one, other) {
  return one && one.nodeName === other.nodeName && (one.id || "") === (other.id || "");
}

setTimeout(look, EVERY);
