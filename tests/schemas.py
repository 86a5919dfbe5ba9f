"""JSON Schemas of what other programs read, written from the specifications: Podcasting 2.0, oEmbed, web manifest."""

_ADDRESS = {"type": "string", "pattern": "^https?://"}
_SECONDS = {"type": "number", "minimum": 0}

CHAPTERS = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["version", "chapters"],
    "properties": {
        "version": {"const": "1.2.0"},
        "chapters": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["startTime"],
                "properties": {
                    "startTime": _SECONDS,
                    "endTime": _SECONDS,
                    "title": {"type": "string", "minLength": 1},
                    "img": _ADDRESS,
                    "url": _ADDRESS,
                    "toc": {"type": "boolean"},
                },
                "additionalProperties": False,
            },
        },
    },
}

TRANSCRIPT = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["version", "segments"],
    "properties": {
        "version": {"type": "string", "pattern": "^1[.]"},
        "segments": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["startTime", "body"],
                "properties": {
                    "startTime": _SECONDS,
                    "endTime": _SECONDS,
                    "speaker": {"type": "string", "minLength": 1},
                    "body": {"type": "string", "minLength": 1},
                },
                "additionalProperties": False,
            },
        },
    },
}

_PIXELS = {"type": "integer", "minimum": 1}
_TEXT = {"type": "string", "minLength": 1}

# oEmbed 1.0, sections 2.3.4 and 2.3.4.4; a thumbnail has all its three fields or none.
OEMBED = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["type", "version", "html", "width", "height"],
    "properties": {
        "type": {"const": "rich"},
        "version": {"const": "1.0"},
        "title": _TEXT,
        "author_name": _TEXT,
        "author_url": _ADDRESS,
        "provider_name": _TEXT,
        "provider_url": _ADDRESS,
        "cache_age": {"type": "integer", "minimum": 0},
        "html": {"type": "string", "pattern": "^<iframe "},
        "width": _PIXELS,
        "height": _PIXELS,
        "thumbnail_url": _ADDRESS,
        "thumbnail_width": _PIXELS,
        "thumbnail_height": _PIXELS,
    },
    "dependentRequired": {
        "thumbnail_url": ["thumbnail_width", "thumbnail_height"],
        "thumbnail_width": ["thumbnail_url"],
        "thumbnail_height": ["thumbnail_url"],
    },
    "additionalProperties": False,
}

# W3C Web Application Manifest, the members that we use.
MANIFEST = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["name", "short_name", "start_url", "icons"],
    "properties": {
        "name": _TEXT,
        "short_name": _TEXT,
        "lang": _TEXT,
        "start_url": {"type": "string", "pattern": "^/"},
        "scope": {"type": "string", "pattern": "^/"},
        "display": {"enum": ["browser", "minimal-ui", "standalone", "fullscreen"]},
        "theme_color": {"type": "string", "pattern": "^#[0-9a-f]{6}$"},
        "background_color": {"type": "string", "pattern": "^#[0-9a-f]{6}$"},
        "icons": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["src", "sizes", "type"],
                "properties": {
                    "src": {"type": "string", "pattern": "^/"},
                    "sizes": {"type": "string", "pattern": "^(any|[0-9]+x[0-9]+)$"},
                    "type": {"type": "string", "pattern": "^image/"},
                    "purpose": {"enum": ["any", "maskable", "monochrome"]},
                },
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}

_MOMENT = {"type": "string", "format": "date-time"}
_LENGTH = {"type": "string", "pattern": "^PT([0-9]+H)?([0-9]+M)?([0-9]+S)?$"}
_SERIES = {"@type": {"const": "PodcastSeries"}, "name": _TEXT, "url": _ADDRESS, "webFeed": _ADDRESS}

# schema.org, the types and properties that search engines read of a podcast.
PODCAST_SERIES = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["@context", "@type", "name", "description", "url", "webFeed", "image", "inLanguage", "author"],
    "properties": {"@context": {"const": "https://schema.org"}, **_SERIES, "description": _TEXT, "image": _ADDRESS},
}

PODCAST_EPISODE = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["@context", "@type", "name", "url", "datePublished", "duration", "associatedMedia", "partOfSeries"],
    "properties": {
        "@context": {"const": "https://schema.org"},
        "@type": {"const": "PodcastEpisode"},
        "name": _TEXT,
        "url": _ADDRESS,
        "image": _ADDRESS,
        "datePublished": _MOMENT,
        "duration": _LENGTH,
        "episodeNumber": {"type": "integer"},
        "inLanguage": _TEXT,
        "accessibilityFeature": {"const": ["transcript"]},
        "associatedMedia": {
            "type": "object",
            "required": ["@type", "contentUrl", "encodingFormat", "contentSize", "duration"],
            "properties": {
                "@type": {"const": "AudioObject"},
                "contentUrl": _ADDRESS,
                "encodingFormat": {"type": "string", "pattern": "^audio/"},
                "contentSize": {"type": "string", "pattern": "^[0-9]+$"},
                "duration": _LENGTH,
                "transcript": _TEXT,
            },
            "additionalProperties": False,
        },
        "partOfSeries": {"type": "object", "required": ["@type", "name", "url"], "properties": _SERIES},
        "partOfSeason": {
            "type": "object",
            "required": ["@type", "seasonNumber"],
            "properties": {"@type": {"const": "PodcastSeason"}, "seasonNumber": {"type": "integer"}},
        },
        "contributor": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["@type"],
                "oneOf": [{"required": ["name"]}, {"required": ["jobTitle"]}],
                "properties": {"@type": {"const": "Person"}, "name": _TEXT, "jobTitle": _TEXT},
                "additionalProperties": False,
            },
        },
        "hasPart": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["@type", "name", "startOffset", "url"],
                "properties": {
                    "@type": {"const": "Clip"},
                    "name": _TEXT,
                    "startOffset": _SECONDS,
                    "endOffset": _SECONDS,
                    "url": {"type": "string", "pattern": "^https?://.*#t=[0-9]+$"},
                },
                "additionalProperties": False,
            },
        },
    },
}
