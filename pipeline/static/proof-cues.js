// The list of cues: a row each, with who, the words, and marks over what is doubtful. All text enters as text, never as
// HTML. Rows out of sight are laid out only when they come near (content-visibility), so that thousands stay quick.
import { clock, stamp } from "./proof-sound.js";

const WHY = {
  unsure: "the recogniser was unsure",
  repeated: "it may have been heard once too often",
  silence: "it was heard where nobody seems to speak",
};

const NEAR = 12; // characters: so near a place, a word's time is that of the place

const element = (name, className, text) => {
  const made = document.createElement(name);
  if (className) {
    made.className = className;
  }
  if (text !== undefined) {
    made.textContent = text;
  }
  return made;
};

// What a change of a text does to marks over it: those before stay, those behind move, those touched are gone.
const moved = (marks, before, after) => {
  let head = 0;
  const most = Math.min(before.length, after.length);
  while (head < most && before[head] === after[head]) {
    head += 1;
  }
  let tail = 0;
  while (tail < most - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) {
    tail += 1;
  }
  const end = before.length - tail;
  const shift = after.length - before.length;
  return marks
    .filter((mark) => mark.to <= head || mark.from >= end)
    .map((mark) => (mark.from >= end && mark.from >= head ? { ...mark, from: mark.from + shift, to: mark.to + shift } : mark));
};

const shifted = (marks, by) => marks.map((mark) => ({ ...mark, from: mark.from + by, to: mark.to + by }));
const doubtsOf = (cue) => cue.heard.filter((word) => word.why);
export const tidy = (text) => text.replace(/\s+/g, " ").trim(); // as the server writes it
const shapeOf = (cues) => JSON.stringify(cues.map(({ start, end, text, speaker }) => [start, end, text, speaker]));
const wordOf = (cue, place) => cue.text.slice(place.from, place.to);

export class Cues {
  constructor(list, tools, { sound, say, changed }) {
    this.list = list;
    this.tools = tools;
    this.sound = sound;
    this.say = say;
    this.changed = changed;
    this.cues = [];
    this.current = null;
    this.now = null;
    this.undone = [];
    this.listen();
  }

  load(rows, heard) {
    this.cues = rows.map(([start, end, text, speaker], index) => {
      const said = (heard[index] ?? []).map(([from, to, at, why]) => ({ from, to, at, why }));
      return { start, end, text, speaker: speaker ?? "", heard: said, findings: [] };
    });
    this.undone = [];
    this.current = this.now = null;
    this.tools.hidden = true;
    document.body.append(this.tools);
    this.list.replaceChildren(...this.cues.map((cue) => this.row(cue)));
  }

  // Where what the server wrote differs from the page by no more than times, white space and cues without words, the rows
  // stay, and with them the place where somebody types and what can be undone. False where it differs by more.
  agree(rows) {
    const spoken = this.spoken;
    const isSame = ([, , text, speaker], cue) => text === tidy(cue.text) && (speaker ?? "") === tidy(cue.speaker);
    if (rows.length !== spoken.length || !rows.every((row, index) => isSame(row, spoken[index]))) {
      return false;
    }
    spoken.forEach((cue, index) => {
      const [start, end, text] = rows[index];
      if (cue.start !== start || cue.end !== end) {
        Object.assign(cue, { start, end });
        this.name(cue);
      }
      if (cue.words !== document.activeElement && cue.text !== text) {
        cue.words.value = text;
        this.write(cue, cue.words.value);
      }
    });
    return true;
  }

  find(findings) {
    const spoken = this.spoken;
    this.cues.filter((cue) => cue.findings.length).forEach((cue) => this.mark(Object.assign(cue, { findings: [] })));
    const touched = new Set();
    findings.forEach(([index, from, to, what]) => {
      const cue = spoken[index];
      if (cue) {
        const lead = cue.text.length - cue.text.trimStart().length;
        cue.findings.push({ from: from + lead, to: to + lead, what });
        touched.add(cue);
      }
    });
    touched.forEach((cue) => this.mark(cue));
  }

  get rows() {
    return this.cues.map((cue) => [cue.start, cue.end, cue.text, cue.speaker.trim() || null]);
  }

  // Those that the server knows: it leaves out cues without words.
  get spoken() {
    return this.cues.filter((cue) => tidy(cue.text));
  }

  get doubtful() {
    return this.cues.reduce((sum, cue) => sum + doubtsOf(cue).length, 0);
  }

  row(cue) {
    const row = element("li", "cln-cue");
    const head = element("div", "cln-cue__head");
    const play = element("button", "cln-button cln-cue__play");
    play.type = "button";
    const who = element("input", "cln-cue__who");
    who.value = cue.speaker;
    who.setAttribute("list", "voices");
    who.maxLength = 200;
    who.autocomplete = "off";
    who.placeholder = "Who?";
    head.append(play, who);
    const body = element("div", "cln-cue__body");
    const mirror = element("div", "cln-cue__mirror");
    mirror.setAttribute("aria-hidden", "true");
    const words = element("textarea", "cln-cue__words");
    words.rows = 1;
    words.maxLength = 20000;
    words.value = cue.text;
    body.append(mirror, words);
    row.append(head, body);
    Object.assign(cue, { row, play, who, words, mirror, checks: null });
    row.cue = cue;
    this.name(cue);
    this.mark(cue);
    return row;
  }

  name(cue) {
    const at = clock(cue.start);
    cue.play.textContent = at;
    cue.play.setAttribute("aria-label", `Play from ${at}`);
    cue.who.setAttribute("aria-label", `Who speaks at ${at}`);
    cue.words.setAttribute("aria-label", `Words at ${at}`);
    if (cue === this.current) {
      this.tools.querySelector("#tools-times").textContent = `${stamp(cue.start)} to ${stamp(cue.end)}`;
    }
  }

  mark(cue) {
    const places = [...doubtsOf(cue).map((each) => ({ ...each, kind: "doubt" })), ...cue.findings.map((each) => ({ ...each, kind: "finding" }))];
    places.sort((a, b) => a.from - b.from || a.to - b.to);
    const parts = [];
    let at = 0;
    places.forEach((place) => {
      if (place.from >= at) {
        parts.push(cue.text.slice(at, place.from), element("mark", `cln-mark cln-mark--${place.kind}`, cue.text.slice(place.from, place.to)));
        at = place.to;
      }
    });
    parts.push(`${cue.text.slice(at)} `); // a space at the end keeps the height of a last empty line
    cue.mirror.replaceChildren(...parts);
    cue.checks?.remove();
    cue.checks = null;
    if (places.length) {
      cue.checks = element("ul", "cln-cue__checks");
      cue.checks.append(...cue.findings.map((each) => element("li", "cln-warning", `Could identify a patient (${each.what}): “${wordOf(cue, each)}”`)));
      cue.checks.append(...doubtsOf(cue).map((doubt) => this.check(cue, doubt)));
      cue.mirror.parentElement.after(cue.checks);
    }
  }

  check(cue, doubt) {
    const item = element("li");
    const button = element("button", "cln-button cln-cue__check", `Doubtful: “${wordOf(cue, doubt)}”`);
    button.type = "button";
    button.title = `${WHY[doubt.why] ?? WHY.unsure}: listen`;
    button.doubt = doubt;
    item.append(button);
    return item;
  }

  listen() {
    const cueOf = (target) => target.closest?.(".cln-cue")?.cue;
    this.list.addEventListener("focusin", (event) => this.settle(cueOf(event.target)));
    this.list.addEventListener("input", (event) => {
      const cue = cueOf(event.target);
      if (event.target === cue?.words) {
        this.write(cue, cue.words.value);
      } else if (event.target === cue?.who) {
        cue.speaker = cue.who.value;
      }
      this.changed();
    });
    this.list.addEventListener("click", (event) => {
      const cue = cueOf(event.target);
      if (event.target === cue?.play) {
        this.sound.playFrom(cue.start);
      } else if (event.target.doubt) {
        this.show(cue, event.target.doubt);
        this.sound.playFrom(event.target.doubt.at - 1000);
      }
    });
    this.tools.addEventListener("click", (event) => {
      const tool = event.target.dataset?.tool;
      if (tool && this.current) {
        this.use(tool);
      }
    });
  }

  write(cue, text) {
    cue.heard = moved(cue.heard, cue.text, text);
    cue.findings = moved(cue.findings, cue.text, text);
    cue.text = text;
    this.mark(cue);
  }

  settle(cue) {
    if (!cue || cue === this.current) {
      return;
    }
    this.current?.row.classList.remove("cln-cue--current");
    this.current = cue;
    cue.row.classList.add("cln-cue--current");
    cue.row.append(this.tools);
    this.tools.hidden = false;
    this.name(cue);
  }

  use(tool) {
    const cue = this.current;
    const index = this.cues.indexOf(cue);
    const steps = { "start-earlier": -100, "start-later": 100, "end-earlier": -100, "end-later": 100 };
    if (tool in steps || tool === "start-now") {
      const isStart = tool.startsWith("start");
      const wanted = tool === "start-now" ? this.sound.now : (isStart ? cue.start : cue.end) + steps[tool];
      this.nudge(cue, index, isStart, wanted);
    } else {
      this[tool](index);
    }
  }

  nudge(cue, index, isStart, wanted) {
    const least = isStart ? (this.cues[index - 1]?.start ?? 0) : cue.start + 50;
    const most = isStart ? Math.min(cue.end - 50, this.cues[index + 1]?.start ?? Infinity) : Infinity;
    const at = Math.min(Math.max(wanted, least), most);
    const [side, before] = isStart ? ["start", cue.start] : ["end", cue.end];
    cue[side] = at;
    this.undone.push({ what: "the time", act: () => { cue[side] = before; this.name(cue); return cue; } });
    this.name(cue);
    this.changed();
    this.say(`${isStart ? "Starts" : "Ends"} at ${stamp(at)}${at === wanted ? "" : ", as near as its neighbours allow"}.`);
  }

  replace(index, count, cues, what) {
    const removed = this.cues.slice(index, index + count);
    const put = (at, old, fresh) => {
      document.body.append(this.tools);
      this.tools.hidden = true;
      const next = this.cues[at + old.length]?.row ?? null;
      old.forEach((cue) => cue.row.remove());
      fresh.forEach((cue) => this.list.insertBefore(cue.row ?? this.row(cue), next));
      this.cues.splice(at, old.length, ...fresh);
      this.current = null;
    };
    put(index, removed, cues);
    const made = shapeOf(cues);
    this.undone.push({
      what,
      act: () => { put(index, cues, removed); return removed[0] ?? this.cues[index]; },
      isPossible: () => shapeOf(cues) === made, // what was typed since is no part of it, and would be lost
    });
    this.changed();
  }

  undo() {
    const last = this.undone.at(-1);
    if (last && !(last.isPossible?.() ?? true)) {
      this.say(`Not undone: what came of ${last.what} has been changed since. Correct it by hand.`);
    } else if (last) {
      this.undone.pop();
      const cue = last.act();
      this.changed();
      this.say(`Undone: ${last.what}.`);
      cue?.words.focus();
    }
  }

  split(index) {
    const cue = this.cues[index];
    const at = cue.words.selectionStart;
    const [head, tail] = [cue.text.slice(0, at).trimEnd(), cue.text.slice(at).trimStart()];
    if (!head || !tail || cue.end - cue.start < 2) {
      this.say("Put the cursor between two words first.");
      cue.words.focus();
      return;
    }
    const behind = cue.text.length - tail.length;
    const said = cue.heard.find((each) => each.from >= behind && each.from <= behind + NEAR)?.at;
    const isInside = !this.sound.isPlaying && this.sound.now > cue.start && this.sound.now < cue.end;
    const share = cue.start + Math.round(((cue.end - cue.start) * at) / cue.text.length);
    const wanted = said ?? (isInside ? this.sound.now : share);
    const middle = Math.min(Math.max(wanted, cue.start + 1), cue.end - 1);
    const before = (marks) => marks.filter((each) => each.to <= head.length);
    const after = (marks) => shifted(marks.filter((each) => each.from >= behind), -behind);
    const first = { ...this.copy(cue), end: middle, text: head, heard: before(cue.heard), findings: before(cue.findings) };
    const second = { ...this.copy(cue), start: middle, text: tail, heard: after(cue.heard), findings: after(cue.findings) };
    this.replace(index, 1, [first, second], "the split");
    this.say(`Split. The second part starts at ${clock(middle)}.`);
    second.words.focus();
    second.words.setSelectionRange(0, 0);
  }

  // When the word under the cursor is said, as far as it is known; otherwise when its cue starts.
  timeAtCursor() {
    const caret = this.current.words.selectionStart;
    const isThere = document.activeElement === this.current.words;
    const said = isThere && this.current.heard.filter((word) => word.from <= caret && word.from > caret - NEAR - NEAR).pop();
    return said ? Math.max(0, said.at - 100) : this.current.start;
  }

  copy(cue) {
    return { start: cue.start, end: cue.end, text: cue.text, speaker: cue.speaker, heard: [], findings: [] };
  }

  join(index) {
    const [cue, next] = [this.cues[index], this.cues[index + 1]];
    if (!next) {
      this.say("There is no next cue to join with.");
      return;
    }
    const behind = cue.text.trimEnd().length + 1;
    const text = `${cue.text.trimEnd()} ${next.text.trimStart()}`;
    const lead = next.text.length - next.text.trimStart().length;
    const both = (name) => [...cue[name], ...shifted(next[name], behind - lead)];
    const whole = { ...this.copy(cue), end: Math.max(cue.end, next.end), text, heard: both("heard"), findings: both("findings") };
    this.replace(index, 2, [whole], "joining");
    const [one, other] = [cue, next].map((each) => each.speaker.trim());
    this.say(one === other ? "Joined." : `Joined. Two people spoke here, and all of it is now said by ${one || "nobody named"}.`);
    whole.words.focus();
    whole.words.setSelectionRange(behind, behind);
  }

  insert(index) {
    const [cue, next] = [this.cues[index], this.cues[index + 1]];
    const end = Math.max(cue.end + 100, Math.min(next?.start ?? Infinity, cue.end + 2000));
    const start = Math.min(cue.end, next?.start ?? Infinity);
    const made = { ...this.copy(cue), start, end, text: "" };
    this.replace(index + 1, 0, [made], "inserting");
    this.say(`A new cue starts at ${clock(start)}.`);
    made.words.focus();
  }

  remove(index) {
    if (this.cues.length === 1) {
      this.say("This is the last cue: a transcript needs one.");
      return;
    }
    this.replace(index, 1, [], "deleting");
    const next = this.cues[Math.min(index, this.cues.length - 1)];
    next.words.focus();
    this.say("Deleted. Undo brings it back.");
  }

  show(cue, mark) {
    cue.row.scrollIntoView({ block: "center" });
    cue.words.focus({ preventScroll: true });
    cue.words.setSelectionRange(mark.from, mark.to);
  }

  step(direction) {
    const index = this.current ? this.cues.indexOf(this.current) : this.indexAt(this.sound.now);
    const cue = this.cues[Math.min(Math.max((index < 0 ? 0 : index) + (this.current ? direction : 0), 0), this.cues.length - 1)];
    cue?.words.focus();
    cue?.row.scrollIntoView({ block: "nearest" });
  }

  nextDoubt(direction) {
    const from = this.current ? this.cues.indexOf(this.current) : direction > 0 ? 0 : this.cues.length - 1;
    const caret = this.current ? this.current.words.selectionStart : direction > 0 ? -1 : Infinity;
    const all = this.cues.flatMap((cue, index) => doubtsOf(cue).map((doubt) => ({ cue, index, doubt })));
    const isAfter = ({ index, doubt }) => (index - from || doubt.from - caret) * direction > 0;
    const after = all.filter(isAfter);
    const found = direction > 0 ? after[0] : after[after.length - 1];
    if (!found) {
      this.say(all.length ? "No more doubtful words this way." : "No words are marked as doubtful.");
      return;
    }
    this.show(found.cue, found.doubt);
    this.sound.seek(found.doubt.at - 1000);
    this.say(`“${wordOf(found.cue, found.doubt)}” at ${clock(found.doubt.at)}: ${WHY[found.doubt.why] ?? WHY.unsure}. ${all.indexOf(found) + 1} of ${all.length}.`);
  }

  indexAt(ms) {
    let [low, high] = [0, this.cues.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.cues[middle].start <= ms) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low - 1;
  }

  follow(ms, inView) {
    const cue = this.cues[this.indexAt(ms)] ?? null;
    if (cue === this.now) {
      return;
    }
    this.now?.row.removeAttribute("data-now");
    this.now = cue;
    cue?.row.setAttribute("data-now", "");
    if (cue && inView && this.sound.isPlaying && !this.list.contains(document.activeElement)) {
      cue.row.scrollIntoView({ block: "nearest" });
    }
  }

  rename(from, to) {
    const touched = this.cues.filter((cue) => cue.speaker.trim() === from);
    const put = (before, name) => touched.filter((cue) => cue.speaker.trim() === before).forEach((cue) => {
      cue.speaker = name;
      cue.who.value = name;
    });
    put(from, to);
    this.undone.push({ what: "renaming", act: () => { put(to, from); return null; } });
    this.changed();
    return touched.length;
  }

  voices() {
    const counts = new Map();
    this.cues.forEach((cue) => {
      const name = cue.speaker.trim();
      counts.set(name, (counts.get(name) ?? 0) + 1);
    });
    return counts;
  }
}
