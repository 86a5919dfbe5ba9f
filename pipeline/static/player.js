// Times on the page move the player, the words being said are marked, buttons copy text. Every page works without this
// script; nothing is stored.
"use strict";

(() => {
  const audios = [...document.querySelectorAll("audio")];
  const audio = audios[0];

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
      if (!document.getElementById(window.location.hash.slice(1))) {
        audio.scrollIntoView({ block: "center" });
      }
    }
  };

  const isEmbedded = document.body.classList.contains("cln-embed"); // there the address says whether it is dark

  const isHere = (link) => link.href.split("#")[0] === window.location.href.split("#")[0];

  const follow = () => {
    document.addEventListener("click", (event) => {
      const link = event.target.closest('a[data-start], a[href*="#t="]');
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey || !isHere(link)) {
        return;
      }
      const seconds = Number(link.dataset.start ?? secondsIn(link.hash) ?? NaN);
      if (Number.isNaN(seconds)) {
        return;
      }
      event.preventDefault();
      if (!isEmbedded) {
        window.history.replaceState(null, "", link.hash);
      }
      seekTo(seconds);
      audio.play().catch((error) => {
        if (error.name !== "AbortError") { // that is a pause before the sound began
          audio.focus(); // the browser wants one more press: the player is where to make it
        }
      });
    });
    window.addEventListener("hashchange", seekToAddress);
    seekToAddress();
  };

  // Marks the paragraph that is being said. The page stays where the reader has it.
  const mark = () => {
    const words = [...document.querySelectorAll(".cln-turn__words")];
    const starts = words.map((each) => Number(each.querySelector("[data-start]").dataset.start));
    let marked = null;
    audio.addEventListener("timeupdate", () => {
      const now = audio.currentTime;
      let low = 0;
      let high = starts.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (starts[middle] <= now) {
          low = middle + 1;
        } else {
          high = middle;
        }
      }
      const wanted = audio.paused && now === 0 ? null : words[low - 1] ?? null;
      if (wanted !== marked) {
        marked?.removeAttribute("data-now");
        wanted?.setAttribute("data-now", "");
        marked = wanted;
      }
    });
  };

  const status = document.getElementById("copied");

  // Says beside the button what became of it, where whoever pressed it looks.
  const say = (button, text) => {
    status.textContent = "";
    button.after(status);
    window.setTimeout(() => {
      status.textContent = text;
    }, 50); // a screen reader hears only what changes once the place is there
  };

  const copyText = async (button, text, otherwise) => {
    try {
      await navigator.clipboard.writeText(text);
      say(button, "Copied.");
    } catch {
      otherwise();
    }
  };

  const copyFrom = (button) => {
    const source = document.getElementById(button.dataset.copy);
    return copyText(button, source.value ?? source.textContent, () => {
      if (source.select) {
        source.select();
      } else {
        window.getSelection().selectAllChildren(source);
      }
      say(button, "Selected: press Ctrl and C, or Command and C, to copy.");
    });
  };

  const copyMoment = (button) => {
    const moment = `${window.location.href.split("#")[0]}#t=${Math.floor(audio.currentTime)}`;
    return copyText(button, moment, () => say(button, `Copy this: ${moment}`));
  };

  if (audio) {
    follow();
    mark();
    audios.forEach((each) => {
      each.addEventListener("play", () => audios.forEach((other) => other !== each && other.pause()));
    });
  }
  // In a frame that may open no window, as WordPress makes them, the transcript opens in the frame itself.
  if (isEmbedded && window.origin === "null") {
    document.querySelectorAll("a[data-in-frame]").forEach((link) => {
      link.href = link.dataset.inFrame;
      link.removeAttribute("target");
      link.textContent = "Transcript";
    });
  }
  document.querySelectorAll("button[data-copy]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => copyFrom(button));
  });
  document.querySelectorAll("button[data-copy-moment]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => copyMoment(button));
  });
})();
