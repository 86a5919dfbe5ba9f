// The page on which a person corrects what was drafted of an episode's words: loading, saving, keys.
import { Chapters } from "./proof-chapters.js";
import { Cues, tidy } from "./proof-cues.js";
import { Sound, stamp } from "./proof-sound.js";

const LOOK_EVERY_MS = 10000;
const ANYBODY = /^(?:speaker|voice|participant|person|unknown)(?: ?\d{1,3}| [a-z])?$/i;
const PARTS = ["transcript", "chapters"];
const at = (id) => document.getElementById(id);

const state = { words: null, key: "", saved: {}, saving: false, conflict: null };

const say = (text) => {
  const status = at("status");
  status.textContent = "";
  window.requestAnimationFrame(() => {
    status.textContent = text;
  });
};

const trouble = (text) => {
  at("trouble").textContent = text;
};

// Comparing everything takes a moment where there are thousands of cues: it is done when the fingers rest.
const changed = () => {
  at("undo").disabled = !cues.undone.length;
  window.clearTimeout(state.later);
  state.later = window.setTimeout(() => {
    at("dirty").textContent = isDirty() ? "Not saved yet." : "";
    showVoices();
  }, 300);
};

const here = () => cues.current?.start ?? sound.now;
const sound = new Sound(at("sound"), at("play"), (ms) => cues.follow(ms, at("follow").checked));
const cues = new Cues(at("cues"), at("tools"), { sound, say, changed });
const undone = (step) => cues.undone.push(step);
const chapters = new Chapters(at("chapters"), { sound, say, changed, here, undone });

const written = () => ({ transcript: JSON.stringify(cues.rows), chapters: JSON.stringify(chapters.rows) });
const ticked = () => PARTS.filter((part) => at(`reviewed-${part}`).checked && !at(`reviewed-${part}-line`).hidden);
const isDirty = () => {
  const now = written();
  return state.words !== null && (PARTS.some((part) => now[part] !== state.saved[part]) || ticked().length > 0 || chapters.typed.length > 0);
};

const showVoices = () => {
  const counts = cues.voices();
  const known = new Set(state.words.voices);
  const names = [...counts.keys()].filter(Boolean).sort();
  const items = names.map((name) => {
    const item = document.createElement("li");
    item.textContent = `${name}: ${counts.get(name)} ${counts.get(name) === 1 ? "cue" : "cues"}`;
    if (!known.has(name)) {
      const warning = document.createElement("p");
      warning.className = "cln-warning";
      warning.textContent = ANYBODY.test(name) ? "Nobody in particular yet: rename it to a role." : blocked(name);
      item.append(warning);
    }
    return item;
  });
  if (counts.get("")) {
    const item = document.createElement("li");
    item.textContent = `Nobody named: ${counts.get("")}`;
    items.push(item);
  }
  at("voices-list").replaceChildren(...items);
  const list = JSON.stringify([names, state.words.voices]);
  if (list === state.listed) {
    return; // thousands of fields offer these: they are not told for nothing
  }
  state.listed = list;
  const options = (values) => values.map((value) => Object.assign(document.createElement("option"), { value, textContent: value }));
  const chosen = at("rename-from").value;
  at("rename-from").replaceChildren(...options(names));
  if (names.includes(chosen)) {
    at("rename-from").value = chosen;
  }
  at("voices").replaceChildren(...options([...new Set([...state.words.voices, ...names])]));
};

const blocked = (name) =>
  `“${name}” is not in [[speakers]] of episode.toml: publishing will be blocked. Use a role that stands there, or add it; a name needs that person’s recorded consent.`;

const countDoubts = () => {
  const [total, doubtful] = [cues.cues.length, cues.doubtful];
  const of = `${total} ${total === 1 ? "cue" : "cues"}`;
  at("count").textContent = doubtful ? `${of}, ${doubtful} doubtful ${doubtful === 1 ? "word" : "words"}.` : `${of}, no word is marked as doubtful.`;
};

const place = () => {
  const cue = cues.current;
  const field = cue && [cue.words, cue.who].find((each) => each === document.activeElement);
  const index = cues.spoken.indexOf(cue);
  return field ? { index, start: cue.start, isWords: field === cue.words, caret: field.selectionStart } : null;
};

const putBack = (kept) => {
  const twin = kept && cues.cues[kept.index];
  const cue = twin?.start === kept?.start ? twin : cues.cues[cues.indexAt(kept.start)];
  if (cue) {
    const field = kept.isWords ? cue.words : cue.who;
    field.focus({ preventScroll: true });
    field.setSelectionRange(kept.caret, kept.caret);
  }
};

// Takes what the server says stands in the files. Where it is what the page shows, nothing on the page is touched.
const take = (words, { isFresh }) => {
  state.words = words;
  if (isFresh || !cues.agree(words.cues)) {
    const [kept, scrolled] = [place(), window.scrollY];
    cues.load(words.cues, words.heard);
    window.scrollTo(0, scrolled);
    putBack(kept);
  }
  if (isFresh || !chapters.agree(words.chapters)) {
    chapters.load(words.chapters);
  }
  state.saved = written();
  state.versions = words.versions;
  PARTS.forEach((part) => {
    at(`reviewed-${part}`).checked = false;
    at(`reviewed-${part}-line`).hidden = !words.drafts[part];
  });
  countDoubts();
  showVoices();
  changed();
};

const ask = async (path, options = {}) => {
  const answer = await fetch(path, { cache: "no-store", credentials: "same-origin", ...options });
  const isJson = (answer.headers.get("Content-Type") ?? "").startsWith("application/json");
  return { status: answer.status, body: isJson ? await answer.json() : { message: await answer.text() } };
};

const showFindings = async () => {
  const { status, body } = await ask("/findings.json");
  if (status === 200 && !PARTS.some((part) => part === "transcript" && written()[part] !== state.saved[part])) {
    cues.find(body);
  }
};

const load = async () => {
  const { status, body } = await ask("/words.json");
  if (status !== 200) {
    trouble(body.message);
    return false;
  }
  state.key = body.key;
  document.title = `Correct the words: ${body.title}`;
  at("title").textContent = body.title;
  at("title").lang = at("cues").lang = at("chapters").lang = body.language;
  at("words-remark").textContent = body.remark;
  at("words-remark").hidden = !body.remark;
  take(body, { isFresh: true });
  if (!sound.audio.src) {
    sound.audio.hidden = !body.sound;
    at("no-sound").hidden = body.sound;
    ["play", "back", "on"].forEach((id) => {
      at(id).disabled = !body.sound;
    });
    if (body.sound) {
      sound.open("/sound.mp3");
    }
  }
  await showFindings();
  return true;
};

const lost = (isLost) => {
  if (isLost && at("lost").hidden) {
    trouble("The connection to cln-media is lost. Nothing is gone from this page; it cannot be saved at the moment.");
  } else if (!isLost && !at("lost").hidden) {
    trouble("");
    say("The connection is back.");
  }
  at("lost").hidden = !isLost;
};

const conflict = (message, versions) => {
  state.conflict = versions;
  at("conflict-text").textContent = message;
  at("conflict").hidden = false;
  at("conflict").focus();
};

const save = async () => {
  if (state.saving || state.words === null || !chapters.commit()) {
    return;
  }
  if (!isDirty()) {
    say("There is nothing new to save.");
    return;
  }
  const sent = written();
  const reviewed = ticked();
  const rows = { transcript: cues.rows, chapters: chapters.rows };
  const part = (name) => (sent[name] === state.saved[name] ? null : rows[name]);
  const wish = { cues: part("transcript"), chapters: part("chapters"), reviewed, versions: state.versions };
  state.saving = true;
  say("Saving …");
  try {
    const headers = { "Content-Type": "application/json", "X-Proof-Key": state.key };
    const { status, body } = await ask("/save", { method: "POST", headers, body: JSON.stringify(wish) });
    lost(status === 403); // cln-media was started anew: another page belongs to it
    finish(status, body, sent, reviewed);
  } catch {
    lost(true);
    say("Not saved.");
  } finally {
    state.saving = false;
  }
};

const finish = (status, body, sent, reviewed) => {
  (body.saved ?? []).forEach((name) => {
    state.saved[name] = sent[name];
    state.versions[name] = body.versions?.[name] ?? state.versions[name];
  });
  if (status === 409) {
    conflict(body.message, body.versions);
    say("Not saved.");
  } else if (status !== 200 || !body.words) {
    if (status !== 403) {
      trouble(`Not saved: ${body.message}`);
    }
    say("Not saved.");
    changed();
  } else {
    trouble("");
    at("conflict").hidden = true;
    const now = written();
    if (PARTS.every((name) => now[name] === sent[name]) && ticked().join() === reviewed.join()) {
      take(body.words, { isFresh: false });
      showFindings().catch(() => lost(true));
    } else { // something was typed while it was saved; of a part that was not, the page still shows an earlier version
      changed();
    }
    say(["Saved.", ...body.said].join(" "));
  }
};

const download = (name, text) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(link.href), 60000);
};

const escaped = (text) => tidy(text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;"));

const downloadWords = () => {
  const mark = state.words.drafts.transcript ? ["NOTE draft: delete this line when the transcript has been reviewed"] : [];
  const blocks = cues.cues.filter((cue) => cue.text.trim()).map((cue) => {
    const voice = cue.speaker.trim() ? `<v ${escaped(cue.speaker)}>${escaped(cue.text)}</v>` : escaped(cue.text);
    return `${stamp(cue.start)} --> ${stamp(cue.end)}\n${voice}`;
  });
  download("transcript.vtt", `${["WEBVTT", ...mark, ...blocks].join("\n\n")}\n`);
};

const downloadChapters = () => {
  const mark = state.words.drafts.chapters ? "# draft: delete this line when the chapters have been reviewed\n" : "";
  const tables = chapters.rows.map(({ start, title, url, image }) => {
    const extra = [["url", url], ["image", image]].filter(([, value]) => value).map(([name, value]) => `${name} = ${JSON.stringify(value)}\n`);
    return `\n[[chapters]]\nstart = "${stamp(start)}"\ntitle = ${JSON.stringify(title)}\n${extra.join("")}`;
  });
  download("chapters.toml", mark + tables.join(""));
};

const look = async () => {
  if (state.words === null || state.saving) {
    return;
  }
  try {
    const { status, body } = await ask("/versions.json");
    lost(status === 403);
    if (status === 200 && !state.saving && PARTS.some((part) => body[part] !== state.versions[part])) {
      trouble("A file was changed by somebody else since this page was opened: saving will ask you which to keep.");
    }
  } catch {
    lost(true);
  }
};

const keys = (event) => {
  const control = event.ctrlKey || event.metaKey;
  const name = `${control ? "Control+" : ""}${event.altKey ? "Alt+" : ""}${event.shiftKey ? "Shift+" : ""}${event.key === " " ? "Space" : event.key}`;
  const acts = {
    F2: () => sound.toggle(),
    "Control+Space": () => sound.toggle(),
    F3: () => sound.move(-3000),
    F4: () => sound.move(3000),
    F8: () => cues.nextDoubt(1),
    "Shift+F8": () => cues.nextDoubt(-1),
    F9: () => sound.playFrom(cues.current ? cues.timeAtCursor() : sound.now),
    "Alt+ArrowUp": () => cues.step(-1),
    "Alt+ArrowDown": () => cues.step(1),
    "Control+Enter": () => cues.current && cues.use("split"),
    "Control+Shift+Enter": () => cues.current && cues.use("join"),
    "Control+s": () => save(),
    "Control+S": () => save(),
  };
  const isNewLine = event.key === "Enter" && !control && event.target.matches?.(".cln-cue__words");
  if (acts[name]) {
    event.preventDefault();
    acts[name]();
  } else if (isNewLine) { // a cue is one line: lines are broken when it is written
    event.preventDefault();
  }
};

const rename = (event) => {
  event.preventDefault();
  const [from, to] = [at("rename-from").value, at("rename-to").value.trim()];
  if (!from || !to || from === to) {
    say("Choose a voice, and write another label for it.");
    return;
  }
  const count = cues.rename(from, to);
  showVoices();
  at("rename-to").value = "";
  at("rename-warning").textContent = state.words.voices.includes(to) || ANYBODY.test(to) ? "" : blocked(to);
  say(`Renamed in ${count} ${count === 1 ? "cue" : "cues"}.`);
};

document.addEventListener("keydown", keys);
window.addEventListener("beforeunload", (event) => {
  if (isDirty()) {
    event.preventDefault();
    event.returnValue = "";
  }
});
at("play").addEventListener("click", () => sound.toggle());
at("back").addEventListener("click", () => sound.move(-3000));
at("on").addEventListener("click", () => sound.move(3000));
at("speed").addEventListener("change", () => {
  sound.audio.playbackRate = Number(at("speed").value);
});
at("next-doubt").addEventListener("click", () => cues.nextDoubt(1));
at("undo").addEventListener("click", () => cues.undo());
at("save").addEventListener("click", save);
at("add-chapter").addEventListener("click", () => chapters.add());
at("rename").addEventListener("submit", rename);
PARTS.forEach((part) => at(`reviewed-${part}`).addEventListener("change", changed));
document.querySelectorAll("[data-download]").forEach((button) => {
  button.addEventListener("click", button.dataset.download === "transcript" ? downloadWords : downloadChapters);
});
at("try-again").addEventListener("click", save);
at("keep-mine").addEventListener("click", () => {
  state.versions = state.conflict;
  at("conflict").hidden = true;
  save();
});
at("take-theirs").addEventListener("click", async () => {
  const mine = written();
  if (mine.transcript !== state.saved.transcript) {
    downloadWords();
  }
  if (mine.chapters !== state.saved.chapters) {
    downloadChapters();
  }
  at("conflict").hidden = true;
  if (await load()) {
    say("This is what stands in the files now. Yours was downloaded.");
  } else {
    say("What stands in the files cannot be shown. Yours is still here, and was downloaded.");
  }
});
at("not-now").addEventListener("click", () => {
  at("conflict").hidden = true;
  at("save").focus();
});
at("sound").addEventListener("error", () => trouble("The sound cannot be played: is there a loudspeaker, or are there headphones? The words can still be corrected and saved."));
new ResizeObserver(() => {
  document.documentElement.style.setProperty("--bar-height", `${at("bar").offsetHeight}px`);
}).observe(at("bar"));
load().catch(() => lost(true));
window.setInterval(look, LOOK_EVERY_MS);
