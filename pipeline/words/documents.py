"""The bytes of a Word document enter, the lines of its text leave; lxml reads them. Nothing in it is trusted.

Only the text of the document itself is read, never a macro, a link, a picture or what lies elsewhere.
"""

import io
import zipfile
import zlib
from pathlib import Path

from lxml import etree

from pipeline.errors import WordsError

MAX_DOCUMENT_BYTES = 50_000_000  # Teams puts pictures of people into it
MAX_TEXT_BYTES = 60_000_000  # of the one part that is read, unpacked
MAX_PARTS = 10_000

_TEXT_PART = "word/document.xml"
_NAMESPACES = (
    "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}",
    "{http://purl.oclc.org/ooxml/wordprocessingml/main}",
)
_BREAKS = {"br": "\n", "cr": "\n", "tab": "\t", "noBreakHyphen": "-"}
_HINT = "Open it in Word and save it anew as .docx, or download the transcript as .vtt and take that."


def document_lines(data: bytes, *, source: Path) -> list[str]:
    """Read the text of a Word document.

    Args:
        data: the whole file.
        source: its path, for messages.

    Returns:
        Its lines: those of a paragraph each, an empty one between paragraphs.

    Raises:
        WordsError: it is too large, or no such document.
    """
    if len(data) > MAX_DOCUMENT_BYTES:
        raise WordsError(
            f"the file has {len(data):,} bytes, more than the {MAX_DOCUMENT_BYTES:,} allowed",
            source=source,
            hint="Check that this is the transcript, or download it as .vtt.",
        )
    text = _text_part(data, source)
    lines: list[str] = []
    try:
        events = etree.iterparse(
            io.BytesIO(text), events=("start", "end"), resolve_entities=False, no_network=True, load_dtd=False
        )
        for event, element in events:
            if element.getroottree().docinfo.doctype:
                raise WordsError("holds a document type, which no program writes there", source=source, hint=_HINT)
            name = _name(element.tag)
            if event == "end" and name == "p":
                lines += ["".join(_runs(element)), ""]
                element.clear()
            elif event == "end" and name == "body":
                break
    except etree.XMLSyntaxError as error:
        raise WordsError("is a damaged Word document", source=source, hint=_HINT) from error
    return [line for paragraph in lines for line in paragraph.split("\n")]


def _text_part(data: bytes, source: Path) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if len(archive.infolist()) > MAX_PARTS:
                raise WordsError(f"holds more than {MAX_PARTS:,} parts", source=source, hint=_HINT)
            with archive.open(_TEXT_PART) as part:
                text = part.read(MAX_TEXT_BYTES + 1)  # what it says of its own size is not believed
    except KeyError as error:
        raise WordsError("is no Word document", source=source, hint=_HINT) from error
    except RuntimeError as error:  # so zipfile says that a password is asked for
        hint = "Remove the password in Word (File, Info, Protect Document), or download the transcript as .vtt."
        raise WordsError("is locked with a password", source=source, hint=hint) from error
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, ValueError) as error:
        raise WordsError("is no Word document, or a damaged one", source=source, hint=_HINT) from error
    if len(text) > MAX_TEXT_BYTES:
        raise WordsError(f"holds more than {MAX_TEXT_BYTES:,} bytes of text", source=source, hint=_HINT)
    return text


def _name(tag: object) -> str:
    if isinstance(tag, str):
        for namespace in _NAMESPACES:
            if tag.startswith(namespace):
                return tag[len(namespace) :]
    return ""


def _runs(paragraph: etree._Element) -> list[str]:
    runs = []
    for element in paragraph.iter():
        name = _name(element.tag)
        if name == "t":
            runs.append(element.text or "")
        elif name in _BREAKS and _name(element.getparent().tag) == "r":
            runs.append(_BREAKS[name])
    return runs
