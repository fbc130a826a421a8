"""What each kind of image file is read as, against values worked out here, and what is said of it."""

import io

import numpy as np
import pytest
import torch
from exported import own_inputs
from PIL import Image

from netwright import tasks
from netwright.tasks import decoding
from netwright.tasks.portable import images

RNG = np.random.default_rng(3)
COLOUR = RNG.integers(0, 256, (12, 20, 3), dtype=np.uint8)
GREY = RNG.integers(0, 256, (12, 20), dtype=np.uint8)
SMOOTH = np.stack(np.broadcast_arrays(*np.ogrid[0:192:16, 0:240:12], 128), 2).astype(np.uint8)
DEEP = RNG.integers(0, 65536, (12, 20), dtype=np.uint16)
ALPHA = RNG.integers(0, 256, (12, 20), dtype=np.uint8)


def written(image, path, **options):
    image.save(path, **options)
    return path


def read(path, shape=(3, 12, 20), background=255, scale=None):
    return images.picture(path, shape, background, scale).numpy()


def planes(array):
    return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)


def over(colour, alpha, background):
    part = alpha.astype(float)[..., None] / 255
    return planes(colour * part + background * (1 - part))


TURNED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize("turn", TURNED)
@pytest.mark.parametrize("ending", ["png", "tif", "webp", "jpg", "avif"])
def test_all_exif_orientations(tmp_path, turn, ending):
    exif = Image.Exif()
    exif[0x0112] = turn
    exact = {"webp": {"lossless": True}, "jpg": {"quality": 100, "subsampling": 0}, "avif": {"quality": 100}}
    path = written(Image.fromarray(SMOOTH), tmp_path / f"a.{ending}", exif=exif, **exact.get(ending, {}))
    expected = planes(TURNED[turn](SMOOTH))
    found = decoding.header(path)
    assert found[:3] == expected.shape
    distance = np.abs(read(path, expected.shape).astype(int) - expected)
    assert distance.max() <= {"jpg": 4, "avif": 12}.get(ending, 0)


def test_a_damaged_exif_entry_leaves_the_picture_as_it_lies(tmp_path):
    path = written(Image.fromarray(COLOUR), tmp_path / "a.png", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff")
    assert decoding.header(path)[:3] == (3, 12, 20) and np.array_equal(read(path), planes(COLOUR))


def palette_with_gap(path):
    """A palette image of two colours, red and a transparent one."""
    image = Image.new("P", (20, 12))
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.paste(1, (10, 0, 20, 12))
    image.save(path, transparency=1)


def frames(path, **options):
    first, second = (Image.fromarray(each) for each in (COLOUR, 255 - COLOUR))
    first.save(path, save_all=True, append_images=[second], **options)


def pages(kind):
    return lambda path: frames(path, **kind)


def plain_from(image, mode):
    return lambda path: image.convert(mode).save(path)


RGB, L = Image.fromarray(COLOUR), Image.fromarray(GREY)
RED = np.zeros((3, 12, 20)) + np.array([255, 0, 0])[:, None, None]
RED_THEN_WHITE = np.where(np.arange(20) < 10, RED, 255)
EXACT = {
    "colour.png": (RGB.save, planes(COLOUR)),
    "colour.bmp": (RGB.save, planes(COLOUR)),
    "colour.tif": (RGB.save, planes(COLOUR)),
    "packed.tiff": (lambda path: RGB.save(path, compression="tiff_lzw"), planes(COLOUR)),
    "colour.ppm": (RGB.save, planes(COLOUR)),
    "lossless.webp": (lambda path: RGB.save(path, lossless=True), planes(COLOUR)),
    "wrong ending.jpg": (lambda path: RGB.save(path, format="PNG"), planes(COLOUR)),
    "UPPER.PNG": (RGB.save, planes(COLOUR)),
    "grey.png": (L.save, np.repeat(GREY[None], 3, 0)),
    "grey.pgm": (L.save, np.repeat(GREY[None], 3, 0)),
    "ink.png": (plain_from(L.point(lambda v: 255 * (v > 128)), "1"), np.repeat(255 * (GREY > 128)[None], 3, 0)),
    "ink.tif": (plain_from(L.point(lambda v: 255 * (v > 128)), "1"), np.repeat(255 * (GREY > 128)[None], 3, 0)),
    "palette.png": (plain_from(L, "P"), np.repeat(GREY[None], 3, 0)),
    "palette.gif": (plain_from(L, "P"), np.repeat(GREY[None], 3, 0)),
    "gap.png": (palette_with_gap, RED_THEN_WHITE),
    "gap.gif": (palette_with_gap, RED_THEN_WHITE),
    "key.png": (
        lambda path: Image.new("RGB", (20, 12), (0, 255, 0)).save(path, transparency=(0, 255, 0)),
        np.full((3, 12, 20), 255),
    ),
    "alpha.png": (
        lambda path: Image.fromarray(np.dstack([COLOUR, ALPHA])).save(path),
        over(COLOUR, ALPHA, 255),
    ),
    "grey alpha.png": (
        lambda path: Image.merge("LA", [L, Image.fromarray(ALPHA)]).save(path),
        over(np.dstack([GREY] * 3), ALPHA, 255),
    ),
    "alpha.webp": (
        lambda path: Image.fromarray(np.dstack([COLOUR, ALPHA | 1])).save(path, lossless=True),
        over(COLOUR, ALPHA | 1, 255),
    ),
    "hidden.png": (
        lambda path: Image.fromarray(np.dstack([COLOUR, 0 * ALPHA])).save(path),
        np.full((3, 12, 20), 255),
    ),
    "animated.png": (pages({}), planes(COLOUR)),
    "animated.webp": (pages({"lossless": True}), planes(COLOUR)),
    "pages.tif": (pages({}), planes(COLOUR)),
    "interlaced.png": (lambda path: written(RGB, path), planes(COLOUR)),
    "name with\nlines and ä 漢 'quotes'.png": (RGB.save, planes(COLOUR)),
}


@pytest.mark.parametrize("name", EXACT)
def test_files_without_loss(tmp_path, name):
    write, expected = EXACT[name]
    write(tmp_path / name)
    assert np.abs(read(tmp_path / name).astype(int) - expected).max() <= 1


def test_an_animated_gif_gives_its_first_frame(tmp_path):
    first = Image.new("RGB", (20, 12), (255, 0, 0))
    first.save(tmp_path / "a.gif", save_all=True, append_images=[Image.new("RGB", (20, 12), (0, 0, 255))])
    assert np.array_equal(read(tmp_path / "a.gif"), RED)
    assert "animated" in decoding.header(tmp_path / "a.gif").kinds


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"optimize": True, "quality": 95}])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_jpeg_of_every_kind(tmp_path, mode, options):
    path = written(Image.fromarray(SMOOTH).convert(mode), tmp_path / "a.jpeg", **options)
    expected = Image.fromarray(SMOOTH) if mode == "CMYK" else Image.fromarray(SMOOTH).convert(mode).convert("RGB")
    assert np.abs(read(path).astype(int) - planes(np.asarray(expected))).mean() < 5


def test_two_pictures_in_one_jpeg_are_turned_like_any(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.fromarray(SMOOTH)
    image.save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[image], exif=exif, quality=95)
    assert decoding.header(tmp_path / "a.jpg")[:3] == (3, 20, 12)
    assert np.abs(read(tmp_path / "a.jpg", (3, 20, 12)).astype(int) - planes(np.rot90(SMOOTH, -1))).mean() < 5


def big_endian(path):
    Image.frombytes("I;16B", (20, 12), DEEP.astype(">u2").tobytes()).save(path)


def deep_colour(alpha=False, byte_order=">"):
    """The bytes of 16-bit colour, which Pillow does not write: a PNG made by hand."""
    import struct
    import zlib

    values = np.dstack([DEEP, DEEP[::-1], DEEP[:, ::-1]] + ([np.full_like(DEEP, 65535)] if alpha else []))

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\x00" + row.astype(">u2").tobytes() for row in values)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 20, 12, 16, 6 if alpha else 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""), values[..., :3]


@pytest.mark.parametrize(
    ("name", "write"),
    [("a.png", Image.fromarray(DEEP).save), ("a.tif", Image.fromarray(DEEP).save), ("b.tif", big_endian)],
)
def test_sixteen_bits_of_grey_are_read_whole(tmp_path, name, write):
    write(tmp_path / name)
    assert "16-bit" in decoding.header(tmp_path / name).kinds
    assert np.array_equal(images.intensities(tmp_path / name, (1, 12, 20), 255).numpy()[0], DEEP)
    assert np.abs(read(tmp_path / name, (1, 12, 20))[0] - DEEP / 257).max() <= 0.51
    assert (
        np.abs(read(tmp_path / name, (1, 12, 20), scale=(1000.0, 0.01))[0] - (DEEP - 1000.0).clip(0, 25500) / 100).max()
        <= 0.51
    )


@pytest.mark.parametrize("alpha", [False, True])
def test_sixteen_bits_of_colour_are_read_whole(tmp_path, alpha):
    body, values = deep_colour(alpha)
    (tmp_path / "a.png").write_bytes(body)
    assert "16-bit" in decoding.header(tmp_path / "a.png").kinds
    assert np.abs(images.intensities(tmp_path / "a.png", (3, 12, 20), 255).numpy() - planes(values)).max() < 0.01
    assert np.abs(images.intensities(io.BytesIO(body), (3, 12, 20), 255).numpy() - planes(values)).max() < 0.01


def test_what_is_shrunk_covers_and_is_cropped_around_the_centre(tmp_path):
    wide = np.zeros((16, 64, 3), np.uint8)
    wide[:, 24:40] = 200  # the middle square
    path = written(Image.fromarray(wide), tmp_path / "a.png")
    found = read(path, (3, 8, 8))
    assert found[:, :, 1:7].min() == 200 and found.shape == (3, 8, 8)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", r"is empty \(0 bytes\)"),
        (b"no picture", "is no image that can be read"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is no image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is no image"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is no image"),
        (deep_colour()[0][:400], "cannot be decoded"),
    ],
)
def test_what_is_no_picture_is_told_in_one_line(tmp_path, content, reason):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ValueError, match=reason) as caught:
        read(tmp_path / "a.png")
    assert "\n" not in str(caught.value)


# Whole folders: what is decided over all their images, and said.


def folder_of(place, write, ending="png", count=6):
    for name in "ab":
        (place / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            write(place / name / f"{i}.{ending}", i + count * (name == "b"))
    return place


def notes_of(task):
    return "\n".join(task.notes)


@pytest.mark.parametrize(("highest", "said"), [(4095, "scaled to 0..255"), (65535, "16-bit values 0 to 65535")])
def test_the_range_of_sixteen_bits_is_found_over_the_data_set(tmp_path, highest, said):
    deep = RNG.integers(0, highest + 1, (12, 8, 8), dtype=np.uint16)
    deep[:, 0, :2] = 0, highest
    data = folder_of(tmp_path / "data", lambda path, i: Image.fromarray(deep[i]).save(path))
    task = tasks.image_folder(data)
    stored = np.concatenate([task.train.inputs.numpy(), task.test.inputs.numpy()])
    expected = np.round(deep * (255 / highest))
    assert {each.tobytes() for each in stored[:, 0]} == {each.astype(np.uint8).tobytes() for each in expected}
    assert said in notes_of(task) and "12 of 12 images have more than 8 bits a pixel" in notes_of(task)
    assert torch.equal(own_inputs(task, tmp_path), task.test.inputs)


def test_sixteen_beside_eight_bits_mean_the_same_brightness(tmp_path):
    def write(path, i):
        Image.fromarray(np.full((8, 8), 5000 if i % 2 else 19, np.uint16 if i % 2 else np.uint8)).save(path)

    task = tasks.image_folder(folder_of(tmp_path / "data", write))
    assert set(task.train.inputs.unique().tolist()) == {19} and "6 of 12 images have more" in notes_of(task)


def test_one_hot_pixel_of_one_file_does_not_set_the_range(tmp_path):
    def write(path, i):
        deep = RNG.integers(100, 1000, (16, 16), dtype=np.uint16)
        deep[0, 0] = 60000 if i == 3 else deep[0, 0]
        Image.fromarray(deep).save(path)

    task = tasks.image_folder(folder_of(tmp_path / "data", write, count=20))
    assert np.percentile(task.train.inputs, 90) > 200 and "lie far outside the others" in notes_of(task)


def test_floating_point_files_are_scaled_and_said(tmp_path):
    data = folder_of(
        tmp_path / "data", lambda path, i: Image.fromarray(RNG.random((8, 8), np.float32) * 3 - 1).save(path), "tif"
    )
    task = tasks.image_folder(data)
    assert int(task.train.inputs.max()) == 255 and "were scaled to 0..255" in notes_of(task)
    assert torch.equal(own_inputs(task, tmp_path), task.test.inputs)


@pytest.mark.parametrize(("ink", "ground", "said"), [(0, 255, "on white"), (255, 0, "on black")])
def test_drawings_on_nothing_are_laid_on_what_shows_them(tmp_path, ink, ground, said):
    def write(path, i):
        drawing = np.zeros((8, 8, 4), np.uint8)
        drawing[..., :3] = ink
        drawing[i % 8, :, 3] = 255
        Image.fromarray(drawing).save(path)

    task = tasks.image_folder(folder_of(tmp_path / "data", write))
    assert set(task.train.inputs.unique().tolist()) == {0, 255} and f"laid {said}" in notes_of(task)
    assert int((task.train.inputs[0] == ground).sum()) == 3 * 56
    assert torch.equal(own_inputs(task, tmp_path), task.test.inputs)


def test_special_images_are_counted_and_said(tmp_path):
    data = folder_of(
        tmp_path / "data", lambda path, i: Image.fromarray(RNG.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(path)
    )
    Image.fromarray(RNG.integers(0, 256, (8, 8, 4), dtype=np.uint8), "CMYK").save(data / "a" / "print.jpg")
    two = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    two[0].save(data / "b" / "moving.gif", save_all=True, append_images=two[1:])
    said = notes_of(tasks.image_folder(data))
    assert "1 of 14 images are CMYK and were converted to RGB" in said
    assert "1 of 14 images are animated or hold several pages: the first was read" in said


@pytest.mark.parametrize(
    ("skip_bad", "allowed"),
    [
        (False, 0),
        (True, 10),
        (0, 0),
        (7, 7),
        ("7", 7),
        (0.03, 30),
        ("3%", 30),
        (" 2.5 % ", 25),
        ("0.1%", 1),
        ("100%", 1000),
    ],
)
def test_how_many_may_be_skipped(skip_bad, allowed):
    assert decoding.may_skip(skip_bad, 1000) == allowed


@pytest.mark.parametrize("skip_bad", ["many", "-3", "200%", 2.5, "", "3 %%", None])
def test_what_is_no_number_of_images_is_refused(skip_bad):
    with pytest.raises(ValueError, match=r"skip_bad= is a number of images \(5\) or a share"):
        decoding.may_skip(skip_bad, 1000)
