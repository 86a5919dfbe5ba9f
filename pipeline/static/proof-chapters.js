// The chapters: a time and a title each. What else the file says of them (an address, an image) is carried along.
import { tidy } from "./proof-cues.js";
import { milliseconds, stamp } from "./proof-sound.js";

const LONG = 40;

export class Chapters {
  constructor(list, { sound, say, changed, here, undone }) {
    this.list = list;
    this.sound = sound;
    this.say = say;
    this.changed = changed;
    this.here = here;
    this.undone = undone;
    this.chapters = [];
  }

  load(chapters) {
    this.chapters = chapters.map((chapter) => ({ ...chapter }));
    this.show();
  }

  // Whether what the server wrote is what stands here, but for white space in titles.
  agree(rows) {
    const tidied = this.rows.map((row) => ({ ...row, title: tidy(row.title) }));
    return JSON.stringify(tidied) === JSON.stringify(rows);
  }

  // A time that was typed counts when its field is left, or when somebody saves.
  get typed() {
    return this.chapters.filter(({ row, start }) => row.querySelector(".cln-chapter__time").value !== stamp(start));
  }

  commit() {
    return this.typed.every((chapter) => {
      const field = chapter.row.querySelector(".cln-chapter__time");
      const hadFocus = field === document.activeElement;
      const isTaken = this.retime(chapter, field);
      if (hadFocus || !isTaken) {
        chapter.row.querySelector(".cln-chapter__time").focus();
      }
      return isTaken;
    });
  }

  retime(chapter, field) {
    const start = milliseconds(field.value);
    if (start === null) {
      this.say("That is no time. Write it as hours, minutes and seconds: 00:12:30.500.");
      field.value = stamp(chapter.start);
      return false;
    }
    return this.move(chapter, start);
  }

  get rows() {
    return this.chapters.map(({ start, title, url, image }) => ({ start, title, url, image }));
  }

  show(focused) {
    this.chapters.sort((a, b) => a.start - b.start);
    this.list.replaceChildren(...this.chapters.map((chapter, index) => this.row(chapter, index + 1)));
    if (focused) {
      focused.row.querySelector(".cln-chapter__title").focus();
    }
  }

  row(chapter, number) {
    const row = document.createElement("li");
    row.className = "cln-chapter";
    const field = (className, value, label) => {
      const input = document.createElement("input");
      input.className = className;
      input.value = value;
      input.autocomplete = "off";
      input.setAttribute("aria-label", label);
      return input;
    };
    const button = (text, label, act) => {
      const made = document.createElement("button");
      made.type = "button";
      made.className = "cln-button";
      made.textContent = text;
      made.setAttribute("aria-label", label);
      made.addEventListener("click", act);
      return made;
    };
    const time = field("cln-chapter__time", stamp(chapter.start), `Chapter ${number} starts at`);
    const title = field("cln-chapter__title", chapter.title, `Title of chapter ${number}`);
    title.maxLength = 300;
    const remark = document.createElement("p");
    remark.className = "cln-warning";
    const judge = () => {
      const length = chapter.title.trim().length;
      remark.textContent = length === 0 ? "It needs a title." : length > LONG ? `${length} characters: apps show about ${LONG}.` : "";
      remark.hidden = !remark.textContent;
    };
    title.addEventListener("input", () => {
      chapter.title = title.value;
      judge();
      this.changed();
    });
    time.addEventListener("input", () => this.changed());
    time.addEventListener("change", () => {
      if (chapter.row === row) { // else another has taken its place meanwhile
        this.retime(chapter, time);
      }
    });
    const tools = document.createElement("div");
    tools.className = "cln-proof-row";
    tools.append(
      button("Play", `Play: chapter ${number}`, () => this.sound.playFrom(chapter.start)),
      button("Move here", `Move here: chapter ${number}`, () => this.move(chapter, this.here())),
      button("Remove", `Remove: chapter ${number}`, () => this.remove(chapter)),
    );
    row.append(time, title, remark, tools);
    chapter.row = row;
    judge();
    return row;
  }

  move(chapter, start) {
    if (this.chapters.some((other) => other !== chapter && other.start === start)) {
      this.say("Another chapter starts there already.");
      this.show(chapter);
      return false;
    }
    chapter.start = start;
    this.show(chapter);
    this.changed();
    this.say(`It starts at ${stamp(start)}.`);
    return true;
  }

  add() {
    const start = this.here();
    if (this.chapters.some((other) => other.start === start)) {
      this.say("A chapter starts there already.");
      return;
    }
    const made = { start, title: "", url: null, image: null };
    this.chapters.push(made);
    this.show(made);
    this.changed();
    this.say(`A new chapter starts at ${stamp(start)}: give it a title.`);
  }

  remove(chapter) {
    const index = this.chapters.indexOf(chapter);
    this.chapters.splice(index, 1);
    this.show(this.chapters[Math.min(index, this.chapters.length - 1)]);
    if (!this.chapters.length) {
      document.getElementById("add-chapter").focus();
    }
    this.undone({
      what: "removing a chapter",
      act: () => { this.chapters.push(chapter); this.show(chapter); return null; },
      isPossible: () => !this.chapters.some((other) => other.start === chapter.start),
    });
    this.changed();
    this.say("Removed. Undo brings it back.");
  }
}
