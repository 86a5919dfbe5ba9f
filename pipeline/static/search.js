// Finds what was said: asks the index beside the page, and lists episodes with the moments in them. Nothing is stored,
// and nothing that was found is ever read as HTML.

const STEP = 5; // each result brings the text of a whole episode with it
const MOMENTS = 3;
const EXCERPT_WORDS = 30;
const LEAD_WORDS = 6;

const place = document.querySelector("[data-search]");
const status = place.querySelector("[data-status]");
const list = place.querySelector("[data-results]");
const more = place.querySelector("[data-more]");
const asked = new URLSearchParams(window.location.search);
const query = (asked.get("q") ?? "").trim();
const select = place.querySelector("select");

const element = (name, className, ...children) => {
  const made = document.createElement(name);
  if (className) {
    made.className = className;
  }
  made.append(...children);
  return made;
};

const setLanguage = (made, page) => {
  if (page.meta.language) {
    made.lang = page.meta.language;
  }
};

const clock = (seconds) => {
  const pad = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours ? `${hours}:${pad(minutes)}:${pad(seconds % 60)}` : `${minutes}:${pad(seconds % 60)}`;
};

const openIndex = async () => {
  const [newest, ...others] = place.dataset.years.split(" ");
  const bundle = (year) => `${place.dataset.index}${year}/`;
  const pagefind = await import(`${bundle(newest)}pagefind.js`);
  const index = pagefind.createInstance({
    basePath: bundle(newest),
    baseUrl: place.dataset.home,
    excerptLength: EXCERPT_WORDS,
    noWorker: true, // a worker would need a policy of its own
  });
  await Promise.all(others.map((year) => index.mergeIndex(bundle(year), { baseUrl: place.dataset.home })));
  return index;
};

// By year and region, the names of its episodes in the index.
const listed = async () => {
  const answer = await fetch(`${place.dataset.index}pages.json`, { cache: "no-cache" });
  if (!answer.ok) {
    throw new Error(`pages.json: ${answer.status}`);
  }
  return Object.entries(await answer.json());
};

const plain = (word) => word.normalize("NFD").replace(/[^\p{L}\p{N}]/gu, "").toLowerCase();

const begins = async (result, term) => {
  const page = await result.data();
  const words = page.content.split(" ");
  const found = [...result.words.map((at) => words[at]), ...`${page.meta.title} ${page.meta.facts}`.split(" ")];
  return found.some((word) => plain(word).includes(term));
};

// The years in which a word is there, in any form or as a beginning. For one that is not there Pagefind finds the
// longest word that it begins with ("we" for "welcome"), or leaves it out of account.
const yearsWith = async (index, term, yearOf) => {
  const same = (await index.search(`"${term}"`)).results;
  const years = new Set(same.map(({ id }) => yearOf.get(id)));
  const doubtful = new Map();
  for (const result of (await index.search(term)).results) {
    const year = yearOf.get(result.id);
    if (!years.has(year) && !doubtful.has(year)) {
      doubtful.set(year, result);
    }
  }
  for (const [year, result] of doubtful) {
    if (await begins(result, term)) {
      years.add(year);
    }
  }
  return years;
};

const found = async (region) => {
  const [index, list] = await Promise.all([openIndex(), listed()]);
  const names = (regions, chosen) => Object.entries(regions).flatMap(([name, ids]) => (chosen(name) ? ids : []));
  const yearOf = new Map(list.flatMap(([year, regions]) => names(regions, () => true).map((id) => [id, year])));
  const wanted = new Set(list.flatMap(([, regions]) => names(regions, (name) => !region || name === region)));
  let { results } = await index.search(query);
  results = results.filter(({ id }) => wanted.has(id));
  if (/^".+"$/.test(query)) {
    return results; // a phrase is found as it is, or not at all
  }
  for (const term of new Set(query.split(/\s+/).map(plain).filter(Boolean))) {
    const years = await yearsWith(index, term, yearOf);
    results = results.filter(({ id }) => years.has(yearOf.get(id)));
  }
  return results;
};

// The words below each anchor in which something was found, those with the most found first.
const passages = (page) => {
  const anchors = page.anchors.slice().sort((one, other) => one.location - other.location);
  const below = new Map();
  for (const { location, balanced_score: score } of page.weighted_locations) {
    const after = anchors.findIndex((anchor) => anchor.location > location);
    const number = (after < 0 ? anchors.length : after) - 1;
    const passage = below.get(number) ?? {
      anchor: number < 0 ? "" : anchors[number].id,
      start: number < 0 ? 0 : anchors[number].location,
      end: after < 0 ? Infinity : anchors[after].location,
      marks: [],
      score: 0,
    };
    passage.marks.push(location);
    passage.score += score ?? 1;
    below.set(number, passage);
  }
  return [...below.values()].sort((one, other) => other.score - one.score);
};

const excerpt = (page, words, passage) => {
  const end = Math.min(passage.end, words.length);
  const first = Math.min(...passage.marks);
  const start = Math.max(passage.start, Math.min(first - LEAD_WORDS, end - EXCERPT_WORDS));
  const stop = Math.min(start + EXCERPT_WORDS, end);
  const made = element("span", "");
  setLanguage(made, page);
  made.append(start > passage.start ? "\u2026 " : "");
  for (let at = start; at < stop; at += 1) {
    made.append(passage.marks.includes(at) ? element("mark", "", words[at]) : words[at], at + 1 < stop ? " " : "");
  }
  made.append(stop < end ? " \u2026" : "");
  return made;
};

const moment = (page, words, passage) => {
  const time = /^t=(\d{1,6})$/.exec(passage.anchor);
  const link = element("a", "nhsuk-link cln-time");
  link.href = `${page.url}#${passage.anchor}`;
  if (time) {
    link.append(element("span", "nhsuk-u-visually-hidden", "Play from"), " ", clock(Number(time[1])));
  } else {
    link.append("Notes");
  }
  return element("li", "cln-turn__words", link, " ", excerpt(page, words, passage));
};

const entry = (page) => {
  const link = element("a", "nhsuk-link", element("bdi", "", page.meta.title));
  link.href = page.url;
  const title = element("h2", "nhsuk-heading-s cln-episodes__title", link);
  setLanguage(title, page);
  const facts = element("p", "nhsuk-body-s cln-secondary", page.meta.facts);
  const item = element("li", "cln-episodes__item", title, facts);
  const words = page.content.split(" ");
  const all = passages(page);
  const known = all.filter(({ anchor }) => anchor);
  const about = all.find(({ anchor }) => !anchor);
  if (about && !known.length) {
    item.append(element("p", "", excerpt(page, words, about)));
  }
  const shown = known.slice(0, MOMENTS).sort((one, other) => one.start - other.start);
  if (shown.length) {
    item.append(element("ul", "nhsuk-list cln-moments", ...shown.map((passage) => moment(page, words, passage))));
  }
  if (known.length > MOMENTS) {
    const rest = `And ${known.length - MOMENTS} more in this episode.`;
    item.append(element("p", "nhsuk-body-s cln-secondary", rest));
  }
  return item;
};

const show = async (results) => {
  const pages = await Promise.all(results.splice(0, STEP).map((result) => result.data()));
  const items = pages.map(entry);
  list.append(...items);
  more.hidden = results.length === 0;
  return items;
};

const search = async () => {
  status.textContent = "Searching\u2026";
  const results = place.dataset.years ? await found(select?.value) : [];
  const count = results.length;
  await show(results);
  const where = select?.value ? ` in ${select.selectedOptions[0].textContent}` : "";
  const what = count === 1 ? "1 episode" : `${count || "No"} episodes`;
  status.textContent = `${what} found for \u201c${query}\u201d${where}.`;
  more.addEventListener("click", async () => {
    const [first] = await show(results);
    first.querySelector("a").focus();
  });
};

place.querySelector("input").value = query;
if (select && [...select.options].some(({ value }) => value === asked.get("region"))) {
  select.value = asked.get("region");
}
if (query) {
  document.title = `${query} \u2013 ${document.title}`;
  search().catch(() => {
    status.textContent = "The search does not work at the moment. Try again later, or see the list of all episodes.";
  });
}
