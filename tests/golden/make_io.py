"""Writes the golden files of test_npy, test_safetensors and test_picture (needs numpy, safetensors, ml_dtypes, pillow):
python3 make_io.py, in this folder."""

import ml_dtypes
import numpy as np
from PIL import Image
from safetensors.numpy import save_file

counting = np.arange(6).reshape(2, 3)
for name in ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"]:
    values = (counting % 2 == 0) if name == "b1" else counting
    np.save(f"npy_{name}.npy", values.astype(name))
np.save("npy_big_f4.npy", counting.astype(">f4"))
np.save("npy_big_u2.npy", (counting + 256).astype(">u2"))
np.save("npy_fortran.npy", np.asfortranarray(np.arange(24, dtype="i4").reshape(2, 3, 4)))
np.save("npy_scalar.npy", np.array(2.5))
np.save("npy_empty.npy", np.zeros((0, 3), "f4"))
np.save("npy_text.npy", np.array(["abc"]))
with open("npy_version2.npy", "wb") as file:
    np.lib.format.write_array(file, counting.astype("f4"), version=(2, 0))
with open("npy_version3.npy", "wb") as file:
    np.lib.format.write_array(file, counting.astype("f4"), version=(3, 0))

halves = np.array([0, -0.0, 1, -2, 65504, 2.0**-14, 2.0**-24, 3 * 2.0**-24, np.inf, -np.inf, 1 / 3], "f2")
save_file(
    {
        "weight": counting.astype("f4"), "half": halves, "brain": np.array([1, -2.5, 3.140625], ml_dtypes.bfloat16),
        "double": np.array([0.1]), "int": counting.astype("i4"), "long": counting.astype("i8") << 40, "byte": counting.astype("u1"),
        "flag": np.array([True, False]), "small": np.array([-1, 5], "i1"), "wide": np.array([2**32 - 1], "u4"),
        "empty": np.zeros((0, 4), "f4"), "scalar": np.array(7, "i4"),
    },
    "mixed.safetensors", metadata={"made by": "numpy", "unicode": "κόσμος"})

y, x = np.mgrid[0:9, 0:13]
colour = np.stack([x * 19 + y, y * 28, (x * y * 5) % 256], 2).astype("u1")
Image.fromarray(colour).save("colour.png")
Image.fromarray(colour).convert("P", palette=Image.Palette.ADAPTIVE, colors=200).convert("RGB").save("palette_expected.png")
Image.fromarray(colour).convert("P", palette=Image.Palette.ADAPTIVE, colors=200).save("palette.png")
Image.fromarray(colour[:, :, 0]).save("grey.png")
Image.fromarray((colour[:, :, 0].astype("u2") * 257)).save("grey16.png")
Image.fromarray(((x + y) % 2 * 255).astype("u1")).convert("1").save("bits.png")
alpha = np.dstack([colour, (x * 20).astype("u1")])
Image.fromarray(alpha).save("alpha.png")
np.save("alpha_expected.npy", ((colour.astype(int) * alpha[:, :, 3:] + 255 * (255 - alpha[:, :, 3:].astype(int)) + 127) // 255).astype("u1"))
np.save("colour_expected.npy", colour)
noise = np.random.default_rng(1).integers(0, 256, (31, 45, 3), dtype="u1")
Image.fromarray(noise).save("noise.png")
for width, height in [(28, 28), (45, 31), (7, 5), (100, 64), (1, 1), (46, 12)]:
    small = Image.fromarray(noise).resize((width, height), Image.Resampling.BILINEAR)
    small.save(f"noise_{width}x{height}.png")
