// Keeps the page fresh: its own content is asked for again, and put in the old one's place.
"use strict";

const PERIOD = 2000;
const connection = document.getElementById("connection");

async function renew() {
  try {
    const answer = await fetch("/", { cache: "no-store", credentials: "omit" });
    if (!answer.ok) throw new Error(answer.status);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.querySelector("main").replaceWith(page.querySelector("main"));
    connection.textContent = "live";
    connection.className = "good";
  } catch {
    connection.textContent = "no answer from the service: what you see is old";
    connection.className = "bad";
  }
  setTimeout(renew, PERIOD);
}

renew();
