"""What a tagged file can say of itself: one table, field by format."""

from dataclasses import dataclass

from pipeline.model import Chapter


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """What a tagged file says of itself; None where it says nothing.

    date: ISO 8601, `YYYY-MM-DD`. language: ISO 639-2. duration_ms: where the last chapter ends. chapters: ascending.
    """

    title: str | None = None
    artist: str | None = None
    album: str | None = None
    album_artist: str | None = None
    date: str | None = None
    track: int | None = None
    season: int | None = None
    genre: str | None = None
    language: str | None = None
    comment: str | None = None
    description: str | None = None
    copyright: str | None = None
    category: str | None = None
    keywords: str | None = None
    guid: str | None = None
    feed_url: str | None = None
    page_url: str | None = None
    site_url: str | None = None
    duration_ms: int | None = None
    chapters: tuple[Chapter, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of TAGS: a field of Tags and what each format calls it; None where it has no place for it.

    id3: a frame; mp4: an atom, or the name of a free one; vorbis: a comment.
    """

    field: str
    id3: str
    mp4: str | None
    vorbis: str | None


_FREE = "----:com.apple.iTunes:"

TAGS: tuple[Row, ...] = (
    Row(field="title", id3="TIT2", mp4="\xa9nam", vorbis="TITLE"),
    Row(field="artist", id3="TPE1", mp4="\xa9ART", vorbis="ARTIST"),
    Row(field="album", id3="TALB", mp4="\xa9alb", vorbis="ALBUM"),
    Row(field="album_artist", id3="TPE2", mp4="aART", vorbis="ALBUMARTIST"),
    Row(field="date", id3="TDRC", mp4="\xa9day", vorbis="DATE"),
    Row(field="track", id3="TRCK", mp4="trkn", vorbis="TRACKNUMBER"),
    Row(field="season", id3="TPOS", mp4="disk", vorbis="DISCNUMBER"),
    Row(field="genre", id3="TCON", mp4="\xa9gen", vorbis="GENRE"),
    Row(field="language", id3="TLAN", mp4=_FREE + "LANGUAGE", vorbis="LANGUAGE"),
    Row(field="comment", id3="COMM", mp4="\xa9cmt", vorbis="COMMENT"),
    Row(field="description", id3="TDES", mp4="ldes", vorbis="DESCRIPTION"),
    Row(field="copyright", id3="TCOP", mp4="cprt", vorbis="COPYRIGHT"),
    Row(field="category", id3="TCAT", mp4="catg", vorbis="PODCASTCATEGORY"),
    Row(field="keywords", id3="TKWD", mp4="keyw", vorbis="PODCASTKEYWORDS"),
    Row(field="guid", id3="TGID", mp4="egid", vorbis="PODCASTID"),
    Row(field="feed_url", id3="WFED", mp4="purl", vorbis="PODCASTURL"),
    Row(field="page_url", id3="WOAF", mp4=_FREE + "WWWAUDIOFILE", vorbis="WWWAUDIOFILE"),
    Row(field="site_url", id3="WOAS", mp4=_FREE + "WWWAUDIOSOURCE", vorbis="WWWAUDIOSOURCE"),
    Row(field="duration_ms", id3="TLEN", mp4=None, vorbis=None),
)
NUMBERS = frozenset({"track", "season", "duration_ms"})
ADDRESSES = frozenset({"feed_url", "page_url", "site_url"})
TEXTS = frozenset({"comment", "description"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a file was found to hold: its tags, its pictures, and a hash of its sound without either."""

    tags: Tags
    pictures: tuple[bytes, ...]
    sound_sha256: str
