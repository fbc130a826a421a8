// Before anything is drawn: the colours that this person chose, where they chose any.
"use strict";
try {
  const chosen = localStorage.getItem("netwright-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch { /* a browser that keeps nothing: the system's colours */ }
