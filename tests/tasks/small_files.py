"""Writers of small files in the formats of the real data sets, and of dangerous ones."""

import io
import struct

import numpy as np
from PIL import Image


def jpeg(pixels, **options) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", **options)
    return stream.getvalue()


def pack(path, images: list[bytes], labels, **more) -> None:
    """Write JPEG files into one .npz, as `data`, `offsets` and `labels`."""
    offsets = np.cumsum([0, *map(len, images)])
    data = np.frombuffer(b"".join(images), np.uint8)
    np.savez(path, data=data, offsets=offsets, labels=np.asarray(labels), **more)


def old_pickle(data: np.ndarray, labels: list[int], names: list[bytes]) -> bytes:
    """A batch as cPickle of Python 2 wrote the official CIFAR-10 files: protocol 2, byte strings, numpy.core."""
    count, width = data.shape

    def text(value: bytes) -> bytes:
        return b"U" + bytes([len(value)]) + value

    array = (
        b"cnumpy.core.multiarray\n_reconstruct\nq\x06cnumpy\nndarray\nq\x07K\x00\x85U\x01b\x87Rq\x08("
        + (b"K\x01J" + struct.pack("<i", count) + b"M" + struct.pack("<H", width) + b"\x86")
        + (b"cnumpy\ndtype\nq\x09U\x02u1K\x00K\x01\x87Rq\x0a(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb")
        + (b"\x89T" + struct.pack("<i", data.nbytes) + data.tobytes() + b"tb")
    )
    numbers = b"](" + b"".join(b"K" + bytes([each]) for each in labels) + b"e"
    files = b"](" + b"".join(map(text, names)) + b"e"
    entries = [(b"data", array), (b"labels", numbers), (b"batch_label", text(b"a batch")), (b"filenames", files)]
    return b"\x80\x02}q\x01(" + b"".join(text(key) + value for key, value in entries) + b"u."


class Runs:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call
