// The player: play and pause, back and on, and what is being said now.
export const clock = (ms) => {
  const seconds = Math.floor(ms / 1000);
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (number) => String(number).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
};

export const stamp = (ms) => {
  const two = (number) => String(number).padStart(2, "0");
  const seconds = Math.floor(ms / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map(two);
  return `${parts.join(":")}.${String(ms % 1000).padStart(3, "0")}`;
};

// "1:02:03.5", "62:03" or "75" as milliseconds; null where it is no time.
export const milliseconds = (text) => {
  const found = /^(?:(?:(\d{1,2}):)?(\d{1,3}):)?(\d{1,6}(?:\.\d{1,3})?)$/.exec(text.trim());
  if (!found || (found[2] && Number(found[3]) >= 60)) {
    return null;
  }
  return Math.round((Number(found[1] ?? 0) * 3600 + Number(found[2] ?? 0) * 60 + Number(found[3])) * 1000);
};

export class Sound {
  constructor(audio, button, onTime) {
    this.audio = audio;
    this.wanted = null;
    const show = () => {
      button.textContent = audio.paused ? "Play" : "Pause";
    };
    ["play", "pause", "ended"].forEach((name) => audio.addEventListener(name, show));
    audio.addEventListener("timeupdate", () => onTime(this.now));
    audio.addEventListener("seeked", () => onTime(this.now));
  }

  get now() {
    return Math.round(this.audio.currentTime * 1000);
  }

  get isPlaying() {
    return !this.audio.paused;
  }

  open(url) {
    this.audio.src = url;
  }

  seek(ms) {
    this.audio.currentTime = Math.max(0, ms / 1000);
  }

  move(ms) {
    this.seek(this.now + ms);
  }

  toggle() {
    if (this.audio.paused) {
      this.play();
    } else {
      this.audio.pause();
    }
  }

  playFrom(ms) {
    this.seek(ms);
    this.play();
  }

  play() {
    this.audio.play().catch((error) => {
      if (error.name !== "AbortError") { // that is a pause before the sound began: whoever types goes on typing
        this.audio.focus(); // the browser wants one more press: the player is where to make it
      }
    });
  }
}
