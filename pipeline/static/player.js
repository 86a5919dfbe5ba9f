// Times on the page move the player; buttons copy text. Every page works without this script; nothing is stored.
"use strict";

(() => {
  const audio = document.querySelector("audio");

  const secondsIn = (hash) => {
    const found = /^#t=(\d{1,6}(?:\.\d{1,3})?)$/.exec(hash);
    return found ? Number(found[1]) : null;
  };

  const seekTo = (seconds) => {
    if (audio.preload === "none") {
      audio.preload = "metadata";
    }
    audio.currentTime = seconds; // before the sound has loaded this is where it will start
  };

  const seekToAddress = () => {
    const seconds = secondsIn(window.location.hash);
    if (seconds !== null) {
      seekTo(seconds);
      audio.scrollIntoView({ block: "center" });
    }
  };

  if (audio) {
    document.addEventListener("click", (event) => {
      const link = event.target.closest("a[data-start]");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) {
        return;
      }
      event.preventDefault();
      window.history.replaceState(null, "", link.hash);
      seekTo(Number(link.dataset.start));
      audio.play().catch(() => audio.focus()); // the browser wants one more press: the player is where to make it
    });
    window.addEventListener("hashchange", seekToAddress);
    seekToAddress();
  }

  const copy = async (button) => {
    const source = document.getElementById(button.dataset.copy);
    const text = source.value ?? source.textContent;
    const status = document.getElementById("copied");
    try {
      await navigator.clipboard.writeText(text);
      status.textContent = "Copied.";
    } catch {
      if (source.select) {
        source.select();
      } else {
        window.getSelection().selectAllChildren(source);
      }
      status.textContent = "Selected: press Ctrl and C, or Command and C, to copy.";
    }
  };

  document.querySelectorAll("button[data-copy]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  });
})();
