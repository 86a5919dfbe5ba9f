"""What hostile people may write into notes, titles, names and transcripts, opened in a browser: nothing happens."""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import pytest
from lxml import html
from playwright.sync_api import Browser

from pipeline import model, pages, words
from pipeline.build import outputs
from pipeline.cache import Cache
from pipeline.model import Chapter, Cue, Edition, Item, Soundbite, Speaker, Transcript
from tests import browser as browsing
from tests import markup, network, samples, serving

# Each would set window.hurt, or ask another host, if any of it were taken for more than words.
HOSTILE = {
    "script": "<script>window.hurt=1</script>",
    "closing": "</script></title></textarea></style></noscript><script>window.hurt=1</script>",
    "handler": '"><img src=x onerror="window.hurt=1"><svg onload="window.hurt=1">',
    "attribute": "' onfocus='window.hurt=1' autofocus tabindex=0 onmouseover=\"window.hurt=1\" x=",
    "frame": (
        '<iframe src="//evil.example/" srcdoc="<script>parent.hurt=1</script>"></iframe><object data=//evil.example>'
    ),
    "loads": (
        "<link rel=stylesheet href=//evil.example/a.css><img "
        'src="https://evil.example/b.png"><base href=//evil.example>'
    ),
    "style": (
        "<style>@import 'https://evil.example/c.css';*{display:none}</style><meta "
        "http-equiv=refresh content=0;//evil.example>"
    ),
    "script link": "[press](javascript:window.hurt=1) <javascript:window.hurt=1> javascript:window.hurt=1",
    "hidden link": (
        "[press](java\tscript:window.hurt=1) [press](&#106;avascript:window.hurt=1) "
        "[press](JaVaScRiPt&colon;window.hurt=1)"
    ),
    "data link": (
        "[press](data:text/html;base64,PHNjcmlwdD5wYXJlbnQuaHVydD0xPC9zY3JpcHQ+) "
        "![x](data:image/svg+xml,<svg/onload=window.hurt=1>)"
    ),
    "broken": (
        "<div><p <b <a href='javascript:window.hurt=1' <!-- <![CDATA[ <svg><style><img src=x onerror=window.hurt=1>"
    ),
    "entities": (
        "&lt;script&gt;window.hurt=1&lt;/script&gt; &amp;lt; &#0; &#x110000; "
        "&NotEqualTilde; &#60;img src=x onerror=window.hurt=1&#62;"
    ),
    "template": "{{ 7*7 }}{% include 'x' %}${window.hurt=1} {{constructor.constructor('window.hurt=1')()}}",
    "bidi": "invoice \u202egpj.exe\u202c \u2067left\u2069 \u2066open",
    "control": "bell \x07 nul \x00 escape \x1b[31m noncharacter \ufffe lone \ud800",
    "json": '\\u003cscript\\u003e", "html": "<script>window.hurt=1</script>", "__proto__": {"hurt": 1}',
}
HIDDEN = re.compile("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0e-\x1f\ud800-\udfff\ufffe]")
BESIDE = (outputs.words_of, outputs._waveform)
OWN = re.compile(r"attack-\d+|(?<=sets/)[^/]+|(?<=topics/)[^/]+|(?<=people/)[^/]+")  # what is named after one attack
ELEMENTS = {"script", "style", "iframe", "object", "embed", "base", "form", "img", "link", "svg", "meta", "textarea"}


@dataclass(frozen=True)
class Attacked:
    """A site of hostile episodes, served."""

    url: str
    site: Path

    @property
    def pages(self) -> tuple[str, ...]:
        """The address of every page."""
        keys = sorted(path.relative_to(self.site).as_posix() for path in self.site.rglob("*.html"))
        return tuple(key.removesuffix("index.html") for key in keys)


def _item(number: int, text: str, site_url: str, sound: Path) -> Item:
    """Put a text wherever a person's text can stand."""
    made = samples.item(
        f"attack-{number:02}",
        title=text,
        summary=text,
        region="north-west",
        set_name=text,
        topics=(text,),
        speakers=(Speaker(role=text), Speaker(role="Chair", name=text, consent=network.NAMED)),
        chapters=(
            Chapter(start_ms=0, title=text, url="javascript:window.hurt=1"),
            Chapter(start_ms=9_000, title="x", url=text),
        ),
        notes=f"{text}\n\n# {text}\n\n- **{text}**\n\n> {text}\n\n`{text}`\n\n[{text}](https://cln.example/)\n",
        soundbites=(Soundbite(start_ms=0, duration_ms=15_000, title=text),),
        transcript=Transcript(
            language="en-GB", origin="x", cues=(Cue(start_ms=0, end_ms=900, text=text, speaker=text),)
        ),
    )
    return network.heard(made, site_url, sound)


def _edition(site_url: str, cache: Cache, files: dict[str, Path]) -> Edition:
    everything = " ".join(HOSTILE.values())
    show = replace(
        network.show(site_url),
        title=everything,
        description=everything,
        author=everything,
        copyright=everything,
        regions=(model.Region(id="north-west", name=everything), model.Region(id="london", name="London")),
        feeds=(model.Feed(name="north-west", title=everything, region="north-west"),),
    )
    plain = network.edition(site_url, cache, files)
    sound = plain.items[0].enclosure.path
    items = tuple(_item(number, text, site_url, sound) for number, text in enumerate(HOSTILE.values()))
    files.update({item.enclosure.key: sound for item in items})
    return replace(
        plain,
        show=replace(show, site=replace(show.site, per_page=50)),
        items=items,
        thumbnail=replace(plain.thumbnail, alt=everything),
        about_html=words.notes_html(everything),
        privacy_html=words.notes_html(everything),
    )


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """Build and serve the hostile episodes."""
    root, port = tmp_path_factory.mktemp("attacked"), serving.free_port()
    files: dict[str, Path] = {}
    with closing(Cache(root / ".cache")) as cache:
        edition = _edition(f"http://localhost:{port}/", cache, files)
        # No feeds or chapter files: what they are made of is refused before, as test_feed.py and test_words.py say.
        bare = (replace(item, episode=replace(item.episode, chapters=())) for item in edition.items)
        words_and_sound = (written for item in bare for each in BESIDE for written in each(item))
        site = network.write(edition, files, root, cache, texts=chain(pages.rendered(edition), words_and_sound))
    with serving.serving(site, port) as url:
        yield Attacked(url, site)


@pytest.mark.parametrize(
    "wanted",
    [pytest.param(r"(?!transcripts|sets|topics|people|embed/attack)"), pytest.param("", marks=pytest.mark.soak)],
    ids=["some pages", "every page"],
)
def test_nothing_runs_is_asked_or_said(attacked: Attacked, chromium: Browser, wanted: str) -> None:
    """On no page does a script run, a dialogue open or another host hear of it, even without the pages' own policy."""
    touch = """() => {
      for (const each of document.querySelectorAll("*")) {
        ["mouseover", "focus", "error", "load", "toggle"].forEach((name) => each.dispatchEvent(new Event(name)));
      }
      const bad = [...document.querySelectorAll("[href], [src], [action]")].map((each) => each.href || each.src)
        .filter((address) => typeof address === "string" && /^(javascript|data|vbscript):/i.test(address));
      return [window.hurt ?? null, Object.prototype.hurt ?? null, bad, getComputedStyle(document.body).display];
    }"""
    chosen = [address for address in attacked.pages if re.match(wanted, address)]
    assert len(chosen) > len(HOSTILE)
    hurt = {}
    with chromium.new_context(bypass_csp=True, viewport={"width": 320, "height": 800}) as context:
        watched = browsing.Watched(context)
        watched.page.on("dialog", lambda dialog: (watched.said.append(dialog.message), dialog.dismiss()))
        for address in chosen:
            watched.page.goto(attacked.url + address)
            assert watched.page.url == attacked.url + address
            if (found := watched.page.evaluate(touch)) != [None, None, [], "block"]:
                hurt[address] = found
            if (wide := browsing.width(watched.page)) > 320:
                hurt[address] = wide
        assert hurt == {}
        assert watched.said == []
        assert watched.elsewhere(attacked.url) == []


def test_the_test_can_fail(attacked: Attacked, chromium: Browser) -> None:
    """Each of the texts that a browser runs, written into a page as it is, does run there."""
    with chromium.new_context(bypass_csp=True) as context:
        for name in ("script", "closing", "handler"):
            page = context.new_page()
            page.goto(f"{attacked.url}404.html")
            page.set_content(HOSTILE[name])
            page.wait_for_timeout(100)
            assert page.evaluate("window.hurt ?? null") == 1, name


def test_no_page_has_an_element_of_theirs(attacked: Attacked) -> None:
    """The pages of every attack have the elements of any other's, and no character that hides or turns text."""
    outlines: dict[str, set[tuple[object, ...]]] = {}
    for address in attacked.pages:
        text = (
            attacked.site / (f"{address}index.html" if address.endswith("/") or not address else address)
        ).read_text()
        assert not HIDDEN.search(text), address
        page = html.document_fromstring(text.encode())
        elements = list(page.iter("*"))
        assert not [each for each in elements for name in each.attrib if name.startswith("on") or name == "style"]
        # Notes may have links and lists of their own; of the episodes before and after there may be one.
        notes = page.find_class("cln-notes")
        apart = {each for part in (*notes, *page.find_class("nhsuk-pagination")) for each in part.iter("*")}
        assert not [each for part in notes for each in part.iter(*ELEMENTS)], address
        kind = OWN.sub("OWN", address)
        if kind != address:
            outline = tuple((each.tag, *sorted(each.attrib)) for each in elements if each not in apart)
            outlines.setdefault(kind, set()).add(outline)
    assert len(outlines) == 7  # episode, two players, transcript, set, topic, person
    assert {kind: len(found) for kind, found in outlines.items() if len(found) > 1} == {}


def test_every_file_for_machines_is_harmless(attacked: Attacked) -> None:
    """Every JSON file and all JSON-LD can be read, holds no hidden character, and its HTML is a frame and a link."""
    files = [path for path in attacked.site.rglob("*") if path.suffix in {".json", ".webmanifest"}]
    texts = {path.relative_to(attacked.site).as_posix(): path.read_text() for path in files}
    for path in attacked.site.rglob("index.html"):
        found = re.findall(r'<script type="application/ld\+json">(.*?)</script>', path.read_text(), re.DOTALL)
        texts |= {f"{path.relative_to(attacked.site)}#{number}": text for number, text in enumerate(found)}
    assert len(texts) > 3 * len(HOSTILE)
    ET.fromstring((attacked.site / "sitemap.xml").read_bytes())
    for name, text in texts.items():
        data = json.loads(text)
        assert not HIDDEN.search(json.dumps(data, ensure_ascii=False)), name
        if name.startswith("oembed/"):
            page = markup.Page(data["html"].encode())
            assert [tag for tag, _ in page.elements] == ["iframe", "p", "a"]
            (frame,) = page.all("iframe")
            assert set(frame) == {"src", "title", "width", "height", "style", "loading", "allow", "referrerpolicy"}
            assert frame["src"].startswith(f"{attacked.url}embed/")
