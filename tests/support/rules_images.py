"""The rules of the families that make images: what is refused, in which words, and what is accepted."""

from __future__ import annotations

from refusals import FLAG, LINK, TEXT, links, rows_of

from a2e_async.families.flux2 import Flux2
from a2e_async.families.gpt_image import GptImage
from a2e_async.families.image_edit import ImageEdit
from a2e_async.families.kling_image import KlingImage
from a2e_async.families.nano_banana import NanoBanana
from a2e_async.families.photobook import Photobook
from a2e_async.families.product_avatar import ProductAvatar
from a2e_async.families.qwen_image import QwenImage
from a2e_async.families.upscale import Upscale
from a2e_async.families.virtual_try_on import VirtualTryOn

IMAGE = "https://files.example.net/in.png"
MANY = links("at least 1")
SECONDS = "must be a number from 1"
KITE = {"prompt": "a red kite"}
TWO = {"image_urls": [IMAGE] * 2}

RATIOS = "'auto', '16:9', '1:1', '9:16', '4:3', '3:4', '2:3', '3:2', '4:5', '5:4' or '21:9'"
BANANAS = "'nano-banana', 'nano-banana-pro', 'nano-banana-2' or 'nano-banana-2-lite'"
SEARCH = "is for model 'nano-banana-2' only"
REFUSED_BANANAS = [
    ({"prompt": ""}, "prompt", TEXT),
    ({"model": "nano-banana-3"}, "model", f"must be {BANANAS}"),
    ({"input_images": []}, "input_images", MANY),
    ({"aspect_ratio": "9:21"}, "aspect_ratio", f"must be {RATIOS}"),
    ({"image_size": "8K"}, "image_size", "must be '1K', '2K' or '4K'"),
    ({"image_size": "2K", "model": "nano-banana"}, "image_size", "must be '1K' with model 'nano-banana'"),
    ({"image_size": "4K", "model": "nano-banana-2-lite"}, "image_size", "must be '1K' with model 'nano-banana-2-lite'"),
    ({"google_search": "yes"}, "google_search", FLAG),
    ({"google_search": True}, "google_search", SEARCH),
    ({"google_search": True, "model": "nano-banana-2-lite"}, "google_search", SEARCH),
    ({"force_generate": 1}, "force_generate", FLAG),
]

NEW = {"model": "gpt-image-2"}
WIDE = NEW | {"aspect_ratio": "16:9"}
GPT_RATIOS = "'auto', '1:1', '9:16', '21:9', '16:9', '4:3', '3:2', '3:4' or '2:3'"
NO_SHAPE = "must be '1K' without an aspect_ratio, or with 'auto'"
REFUSED_GPT = [
    ({"prompt": "x" * 3001}, "prompt", f"{TEXT}, at most 3000 characters"),
    ({"model": "gpt-image-1"}, "model", "must be 'gpt-image-1.5' or 'gpt-image-2'"),
    ({"input_images": [IMAGE, ""]}, "input_images", MANY),
    ({"input_images": [IMAGE] * 17}, "input_images", "must be at most 16 without model 'gpt-image-2'"),
    ({"aspect_ratio": "5:4"}, "aspect_ratio", f"must be {GPT_RATIOS}"),
    ({"quality": "low"}, "quality", "must be 'medium' or 'high'"),
    (NEW | {"quality": "high"}, "quality", "must be 'medium' with model 'gpt-image-2'"),
    ({"resolution": "1k"}, "resolution", "must be '1K', '2K' or '4K'"),
    ({"resolution": "2K", "aspect_ratio": "3:2"}, "resolution", "must be '1K' without model 'gpt-image-2'"),
    (NEW | {"resolution": "2K"}, "resolution", NO_SHAPE),
    (NEW | {"resolution": "4K", "aspect_ratio": "auto"}, "resolution", NO_SHAPE),
    (NEW | {"resolution": "4K", "aspect_ratio": "1:1"}, "resolution", "must be '1K' or '2K' with aspect_ratio '1:1'"),
    ({"force_generate": "no"}, "force_generate", FLAG),
]

FLUX_RATIOS = "'1:1', '16:9', '9:16', '4:3', '3:4', '2:3', '3:2', 'custom' or 'match_input_image'"
REFUSED_FLUX = [
    ({"prompt": None}, "prompt", TEXT),
    ({"input_images": [IMAGE] * 9}, "input_images", links("1 to 8")),
    ({"aspect_ratio": "21:9"}, "aspect_ratio", f"must be {FLUX_RATIOS}"),
    ({"resolution": "4K"}, "resolution", "must be '1K' or '2K'"),
    ({"force_generate": 0}, "force_generate", FLAG),
]

SMALL = "'1024*1024', '1328*880', '880*1328', '1152*864', '864*1152', '1280*720', '720*1280', '1512*648'"
LARGE = "'2048*2048', '2048*1365', '1365*2048', '2048*1536', '1536*2048', '2048*1152' or '1152*2048'"
QWENS = "'qwen-image-2.0', 'qwen-image-2.0-pro', 'qwen-image-3.0' or 'qwen-image-3.0-pro'"
TOO_LARGE = "with 2048 is for model 'qwen-image-3.0-pro' only"
REFUSED_QWEN = [
    ({"prompt": " "}, "prompt", TEXT),
    ({"model": "qwen-image"}, "model", f"must be {QWENS}"),
    ({"input_images": "data:,"}, "input_images", MANY),
    ({"size": "1024x1024"}, "size", f"must be {SMALL}, {LARGE}"),
    ({"size": "2048*2048"}, "size", TOO_LARGE),
    ({"size": "1365*2048", "model": "qwen-image-3.0"}, "size", TOO_LARGE),
]

KLING_RATIOS = "'1:1', '4:3', '3:4', '16:9', '9:16', '2:3', '3:2' or '21:9'"
REFUSED_KLING = [
    ({"prompt": 7}, "prompt", TEXT),
    ({"input_images": ["in.png"]}, "input_images", MANY),
    ({"aspect_ratio": "auto"}, "aspect_ratio", f"must be {KLING_RATIOS}"),
    ({"resolution": "1K"}, "resolution", "must be '1k' or '2k'"),
    ({"n": 10}, "n", "must be a whole number from 1 to 9"),
]

REFUSED_EDITS = [
    ({"image_urls": [IMAGE]}, "image_urls", links("at least 2")),
    ({"edit_type": "hair"}, "edit_type", "must be 'clothing' or 'product'"),
    ({"timeout": 0}, "timeout", SECONDS),
]
REFUSED_TRIES = [
    ({"image_urls": [IMAGE] * 5}, "image_urls", links("2 to 4")),
    ({"timeout": "120"}, "timeout", SECONDS),
]
RECT = {"x": 1, "y": 0, "width": 20, "height": 30.5, "rotation": -90, "scale": 1}
REFUSED_PRODUCTS = [
    ({"image_urls": [IMAGE] * 3}, "image_urls", links("2")),
    ({"product_rect": [1, 2]}, "product_rect", "must be an object with x, y, width, height, rotation, scale"),
    ({"product_rect": {}}, "product_rect", "x must be a number"),
    ({"product_rect": RECT | {"scale": None}}, "product_rect", "scale must be a number"),
    ({"product_rect": RECT | {"rotation": "90"}}, "product_rect", "rotation must be a number"),
    ({"prompt": ""}, "prompt", TEXT),
    ({"timeout": float("inf")}, "timeout", SECONDS),
]
REFUSED_BOOKS = [
    ({"face_image_url": "face.png"}, "face_image_url", LINK),
    ({"location": ""}, "location", TEXT),
    ({"clothing": " "}, "clothing", TEXT),
    ({"total_count": 5}, "total_count", "must be 4, 8, 12 or 16"),
]
REFUSED_LARGER = [({"source_url": "data:image/png;base64,AA"}, "source_url", LINK)]

EDIT = TWO | {"edit_type": "product"}
PRODUCT = TWO | {"product_rect": RECT}
TABLES = {
    kind: rows_of(kind, right, table)
    for kind, right, table in (
        (NanoBanana, KITE, REFUSED_BANANAS),
        (GptImage, KITE, REFUSED_GPT),
        (Flux2, KITE, REFUSED_FLUX),
        (QwenImage, KITE, REFUSED_QWEN),
        (KlingImage, KITE, REFUSED_KLING),
        (ImageEdit, EDIT, REFUSED_EDITS),
        (VirtualTryOn, TWO, REFUSED_TRIES),
        (ProductAvatar, PRODUCT, REFUSED_PRODUCTS),
        (Photobook, {"face_image_url": IMAGE}, REFUSED_BOOKS),
        (Upscale, {"source_url": IMAGE}, REFUSED_LARGER),
    )
}


ACCEPTED = [
    (NanoBanana, KITE | {"image_size": "4K"}),
    (NanoBanana, KITE | {"image_size": "1K", "model": "nano-banana"}),
    (NanoBanana, KITE | {"image_size": "1K", "model": "nano-banana-2-lite", "google_search": False}),
    (NanoBanana, KITE | {"image_size": "2K", "model": "nano-banana-2", "google_search": True}),
    (NanoBanana, KITE | {"input_images": [IMAGE] * 20}),
    (GptImage, {"prompt": "x" * 3000, "aspect_ratio": "21:9", "quality": "high", "resolution": "1K"}),
    (GptImage, KITE | {"input_images": (IMAGE,) * 16, "model": "gpt-image-1.5"}),
    (GptImage, KITE | NEW | {"input_images": [IMAGE] * 17, "quality": "medium", "aspect_ratio": "auto"}),
    (GptImage, KITE | NEW | {"aspect_ratio": "1:1", "resolution": "2K"}),
    (GptImage, KITE | WIDE | {"resolution": "2K"}),
    (Flux2, KITE | {"input_images": [IMAGE] * 8, "aspect_ratio": "custom", "force_generate": False}),
    (QwenImage, KITE | {"size": "1512*648"}),
    (QwenImage, KITE | {"size": "1152*2048", "model": "qwen-image-3.0-pro"}),
    (KlingImage, KITE | {"n": 9, "resolution": "2k"}),
    (ImageEdit, EDIT | {"image_urls": [IMAGE] * 6, "timeout": 1}),
    (VirtualTryOn, {"image_urls": [IMAGE] * 4, "timeout": 90.5}),
    (ProductAvatar, PRODUCT | {"product_rect": RECT | {"scale": 0.5, "shadow": "soft"}}),
    (Photobook, {"face_image_url": IMAGE, "total_count": 16}),
]
