"""JSON Schemas of the Podcasting 2.0 files, written from their specifications."""

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
