"""The rules of request fields: what is refused, in which words, and what is accepted."""

from __future__ import annotations

from pathlib import PurePosixPath

import attrs
import pytest
from refusals import in_any_order

from a2e_async import ImageToVideo, InvalidRequestError, TextToImage, UsageError
from a2e_async.core import addresses, rules
from a2e_async.core.requests import require_public_links
from a2e_async.core.secrets import Secret

IMAGE = "https://files.example.net/in.png"
VIDEO = {"image_url": IMAGE, "prompt": "it climbs", "negative_prompt": "blurry"}
SECRET = "hunter2"

TEXT = "must be text that is not blank"
NAME = f"{TEXT}, at most 100 characters"
LINK = "must be an http or https URL with a host and without spaces (no data: URL)"
HTTPS = "must be an https URL without spaces, at most 2048 characters"
TOKEN = f"{TEXT}, at most 256 characters"
FLAG = "must be True or False"
EIGHT = "must be a whole number from 1 to 8"
RATIO = "must be '1:1', '4:3', '3:4', '16:9', '9:16', '2:3', '3:2' or '21:9'"
INPUTS = "must be a list of 1 to 10 http or https URLs without spaces (no data: URL)"

REFUSED_VIDEOS = [
    ({"image_url": None}, "image_url", LINK, "None"),
    ({"image_url": f"data:image/png;base64,{SECRET}"}, "image_url", LINK, "'data:image/png;base64,hunter2' (str)"),
    ({"image_url": f"https://f.example/{SECRET} a.png"}, "image_url", LINK, "'https://f.example/hunter2 a.png' (str)"),
    ({"image_url": f"/tmp/{SECRET}.png"}, "image_url", LINK, "'/tmp/hunter2.png' (str)"),
    ({"image_url": f"ftp://f.example/{SECRET}"}, "image_url", LINK, "'ftp://f.example/hunter2' (str)"),
    ({"image_url": "https:///a.png"}, "image_url", LINK, "'https:///a.png' (str)"),
    ({"image_url": "http://[::1/a.png"}, "image_url", LINK, "'http://[::1/a.png' (str)"),
    ({"image_url": bytearray(b"photo")}, "image_url", LINK, "bytearray"),
    ({"prompt": None}, "prompt", "must be given unless lora is", "None"),
    ({"prompt": " \n"}, "prompt", TEXT, r"' \n' (str)"),
    ({"prompt": [SECRET]}, "prompt", TEXT, "list ['hunter2']"),
    ({"negative_prompt": None}, "negative_prompt", "must be given unless lora is", "None"),
    ({"negative_prompt": ""}, "negative_prompt", TEXT, "'' (str)"),
    (
        {"name": SECRET * 15},
        "name",
        NAME,
        "'hunter2hunter2hunter2hunter2hunter2hunter2hunter2hunter2hunt'... (str of 105 characters)",
    ),
    ({"lora": 7}, "lora", TEXT, "int 7"),
    ({"model_type": f"{SECRET}"}, "model_type", "must be 'GENERAL' or 'FLF2V'", "'hunter2' (str)"),
    ({"model_type": "FLF2V"}, "end_image_url", "must be given with model_type 'FLF2V'", "None"),
    ({"model_version": "a2e-v3"}, "model_version", "must be 'a2e', 'a2e-v2' or 'a2e-v2-flash'", "'a2e-v3' (str)"),
    ({"end_image_url": SECRET}, "end_image_url", LINK, "'hunter2' (str)"),
    ({"extend_prompt": "false"}, "extend_prompt", FLAG, "'false' (str)"),
    ({"number_of_images": 9}, "number_of_images", EIGHT, "int 9"),
    ({"number_of_images": 0}, "number_of_images", EIGHT, "int 0"),
    ({"number_of_images": True}, "number_of_images", EIGHT, "bool True"),
    ({"number_of_images": 2.0}, "number_of_images", EIGHT, "float 2.0"),
    ({"video_time": 7}, "video_time", "must be 5, 10, 15 or 20", "int 7"),
    ({"video_time": "5"}, "video_time", "must be 5, 10, 15 or 20", "'5' (str)"),
    ({"video_time": True}, "video_time", "must be 5, 10, 15 or 20", "bool True"),
    ({"video_time": 10**5000}, "video_time", "must be 5, 10, 15 or 20", "int"),
    ({"video_time": float("nan")}, "video_time", "must be 5, 10, 15 or 20", "float"),
    ({"video_length": 1001}, "video_length", "must be a whole number from 1 to 1000", "int 1001"),
    ({"skip_face_enhance": 1}, "skip_face_enhance", FLAG, "int 1"),
    ({"mask_face": "yes"}, "mask_face", FLAG, "'yes' (str)"),
    ({"minor_suspected_skip": 0}, "minor_suspected_skip", FLAG, "int 0"),
    ({"extra": [SECRET]}, "extra", "must be a mapping with text as keys", "list ['hunter2']"),
    ({"extra": {SECRET: 1, 2: 3}}, "extra", "must be a mapping with text as keys", "dict"),
    ({"extra": {"prompt": SECRET}}, "extra", "must not hold 'prompt', for the field prompt is given", "dict"),
    ({"webhook_url": f"http://h.example/{SECRET}"}, "webhook_url", HTTPS, "str of 24 characters"),
    ({"webhook_url": "https://h.example/" + "x" * 2031}, "webhook_url", HTTPS, "str of 2049 characters"),
    ({"webhook_token": SECRET * 37}, "webhook_token", TOKEN, "str of 259 characters"),
]
REFUSED_IMAGES = [
    ({"extra": "x"}, "extra", "must be a mapping with text as keys", "'x' (str)"),
    ({"prompt": None}, "prompt", TEXT, "None"),
    ({"prompt": "  "}, "prompt", TEXT, "'  ' (str)"),
    ({"name": ""}, "name", NAME, "'' (str)"),
    ({"width": 0}, "width", "must be a whole number from 1", "int 0"),
    ({"height": "768"}, "height", "must be a whole number from 1", "'768' (str)"),
    ({"req_key": SECRET}, "req_key", "must be 'high_aes_general_v21_L' or 'high_aes'", "'hunter2' (str)"),
    (
        {"req_key": "high_aes", "max_images": 2},
        "req_key",
        "belongs to the older form, max_images to the newer",
        "'high_aes' (str)",
    ),
    ({"model_type": "flux"}, "model_type", "must be 'a2e', 'zimage' or 'seedream'", "'flux' (str)"),
    ({"model_version": "6"}, "model_version", "must be '5.0-pro', '5.0' or '4.5'", "'6' (str)"),
    (
        {"model_version": "4.5", "model_type": "zimage"},
        "model_version",
        "is for model_type 'seedream' only",
        "'4.5' (str)",
    ),
    ({"max_images": 9}, "max_images", EIGHT, "int 9"),
    ({"aspect_ratio": "5:4"}, "aspect_ratio", RATIO, "'5:4' (str)"),
    ({"aspect_ratio": "1:1", "model_type": "a2e"}, "aspect_ratio", "is for model_type 'seedream' only", "'1:1' (str)"),
    ({"aspect_ratio": "1:1"}, "aspect_ratio", "is for model_type 'seedream' only", "'1:1' (str)"),
    ({"input_images": []}, "input_images", INPUTS, "list []"),
    ({"input_images": IMAGE}, "input_images", INPUTS, "'https://files.example.net/in.png' (str)"),
    (
        {"input_images": [IMAGE, SECRET]},
        "input_images",
        INPUTS,
        "list ['https://files.example.net/in.png', 'hunter2']",
    ),
    (
        {"input_images": [IMAGE] * 11, "model_type": "seedream"},
        "input_images",
        INPUTS,
        "list ['https://files.example.net/in.png', ",
    ),
    (
        {"input_images": [IMAGE] * 3},
        "input_images",
        "must be at most 2 without model_type 'seedream'",
        "list ['https://files.example.net/in.png', ",
    ),
    ({"skip_face_enhance": "no"}, "skip_face_enhance", FLAG, "'no' (str)"),
    ({"webhook_url": "h.example"}, "webhook_url", HTTPS, "str of 9 characters"),
    ({"webhook_token": " "}, "webhook_token", TOKEN, "str of 1 characters"),
]
REFUSED = [(ImageToVideo, VIDEO | wrong, *words) for wrong, *words in REFUSED_VIDEOS]
REFUSED += [(TextToImage, {"prompt": "a kite"} | wrong, *words) for wrong, *words in REFUSED_IMAGES]


@pytest.mark.parametrize(("kind", "fields", "field", "rule", "value"), REFUSED)
def test_refused(kind, fields, field, rule, value):
    """A wrong value is refused by field, rule and what was given, shortened; that of a secret is shown nowhere."""
    with pytest.raises(InvalidRequestError) as caught:
        kind(**fields)
    error = caught.value
    assert (error.field, in_any_order(error.rule)) == (field, in_any_order(rule))
    assert str(error).startswith(f"{field}: {error.rule}, not {value}")
    if field.startswith("webhook"):
        assert SECRET not in f"{error} {error!r} {error.__dict__}"


@pytest.mark.parametrize(("kind", "rows"), [(ImageToVideo, REFUSED_VIDEOS), (TextToImage, REFUSED_IMAGES)])
def test_no_field_is_without_a_rule(kind, rows):
    """Each field of both requests has a refused value in the table above."""
    assert {field.name for field in attrs.fields(kind)} == {field for _wrong, field, _rule, _value in rows}


ACCEPTED = [
    (ImageToVideo, {"image_url": IMAGE, "lora": "65f0"}),
    (ImageToVideo, VIDEO | {"image_url": "HTTP://f.example:8080/a%20b.png?x=1"}),
    (ImageToVideo, VIDEO | {"image_url": "https://bücher.example/a.png"}),
    (ImageToVideo, VIDEO | {"model_type": "FLF2V", "end_image_url": IMAGE}),
    (ImageToVideo, VIDEO | {"name": "n" * 100, "webhook_token": "t" * 256}),
    (ImageToVideo, VIDEO | {"webhook_url": "https://h.example/" + "x" * 2030}),
    (ImageToVideo, VIDEO | {"extend_prompt": False, "mask_face": True, "skip_face_enhance": False}),
    *[(ImageToVideo, VIDEO | {"video_time": seconds}) for seconds in (5, 10, 15, 20)],
    *[(ImageToVideo, VIDEO | {"number_of_images": number}) for number in (1, 8)],
    *[(ImageToVideo, VIDEO | {"video_length": frames}) for frames in (1, 1000)],
    *[(ImageToVideo, VIDEO | {"model_version": version}) for version in ("a2e", "a2e-v2", "a2e-v2-flash")],
    (TextToImage, {"prompt": "x" * 20_000}),
    (TextToImage, {"prompt": "夕日 🌅"}),
    (TextToImage, {"prompt": "a", "req_key": "high_aes", "width": 1, "height": 8192}),
    (TextToImage, {"prompt": "a", "input_images": [IMAGE] * 2}),
    (TextToImage, {"prompt": "a", "input_images": (IMAGE,) * 10, "model_type": "seedream"}),
    (TextToImage, {"prompt": "a", "aspect_ratio": "21:9", "model_type": "seedream", "max_images": 8}),
]


@pytest.mark.parametrize(("kind", "fields"), ACCEPTED)
def test_accepted(kind, fields):
    """Values at the edge of their rules are taken as they are."""
    request = kind(**fields)
    assert {name: getattr(request, name) for name in fields} == fields


@pytest.mark.parametrize(("kind", "fields"), [(ImageToVideo, VIDEO), (TextToImage, {"prompt": "a kite"})])
def test_a_request_is_a_value(kind, fields):
    """Requests with equal fields are equal, hashable and frozen, and never show the webhook's secret."""
    one, other = kind(**fields, webhook_token=SECRET), kind(**fields, webhook_token=SECRET)
    assert one == other
    assert len({one, other}) == 1
    assert SECRET not in repr(one)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        one.name = "other"


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost/a.png", True),
        ("http://LOCALHOST:8000/a.png", True),
        ("http://images.localhost/a.png", True),
        ("http://printer.local/a.png", True),
        ("http://localhost./a.png", True),
        ("http://127.0.0.1/a.png", True),
        ("http://10.1.2.3/a.png", True),
        ("http://192.168.0.7/a.png", True),
        ("http://169.254.1.1/a.png", True),
        ("http://0.0.0.0/a.png", True),
        ("http://[::1]:80/a.png", True),
        ("http://[fe80::1]/a.png", True),
        ("http://127.1/a.png", True),
        ("http://2130706433/a.png", True),
        ("http://0x7f.0.0.1/a.png", True),
        ("http://100.64.0.1/a.png", True),
        ("http://[::ffff:10.0.0.1]/a.png", True),
        ("http://[64:ff9b::7f00:1]/a.png", True),
        ("http://[2002:7f00:1::]/a.png", True),
        ("http://224.0.0.1/a.png", True),
        ("http://simulator:8765/a.png", True),
        ("http://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460/a.png", True),
        ("http://\uff11\uff12\uff17.0.0.1/a.png", True),
        ("http://127\u30020\u30020\u30021/a.png", True),
        ("http://\u24db\u24de\u24d2\u24d0l.\u24db\u24de\u24d2\u24d0\u24db/a.png", True),
        ("http://metadata.google.internal/a.png", True),
        ("https://files.example.net/a.png", False),
        ("https://localhost.example.net/a.png", False),
        ("https://8.8.8.8/a.png", False),
        ("https://1e100.example.net/a.png", False),
        ("https://[2001:4860:4860::8888]/a.png", False),
    ],
)
def test_which_links_the_service_cannot_reach(url, local):
    """This machine and private networks are told from public hosts."""
    assert addresses.is_local(url) is local
    video = ImageToVideo(url, prompt="p", negative_prompt="n")
    image = TextToImage("a", input_images=[IMAGE, url])
    for request, field in ((video, "image_url"), (image, "input_images")):
        if local:
            with pytest.raises(UsageError, match=f"^{field}: must be reachable by the service"):
                require_public_links(request)
        else:
            require_public_links(request)


def test_a_rule_is_a_validator_of_any_attrs_class():
    """A field that may be left out takes None, one that must be given does not."""

    @attrs.frozen
    class Own:
        title: str = attrs.field(validator=rules.text(5))
        note: str | None = attrs.field(default=None, validator=rules.text(5))

    assert Own("kite", None) == Own("kite")
    for wrong, field in (({"title": None}, "title"), ({"title": "kite", "note": "too long"}, "note")):
        with pytest.raises(InvalidRequestError, match=f"^{field}: {TEXT}, at most 5 characters"):
            Own(**wrong)


def test_a_webhook_may_be_anywhere():
    """Only links that the service fetches must be public: a webhook's receiver is the caller's affair."""
    require_public_links(ImageToVideo(**VIDEO, webhook_url="https://10.0.0.1/hook"))


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Files.Example:8443/a?b#c", "files.example"),
        ("http://me:pw@files.example/", "files.example"),
        ("https://b\u00fccher.example/", "b\u00fccher.example"),
        ("https://files.example./", "files.example."),
        ("https://[::1]/", "::1"),
        ("https://a..b/x.png", ""),
        ("https://.example/x.png", ""),
        (f"https://{'b' * 64}.example/x.png", ""),
        (f"https://{'b.' * 130}example/x.png", ""),
        ("https://files.example:70000/", ""),
        ("https://files.example:x/", ""),
        ("https://[::1/", ""),
        ("https://[fe80::1%25eth0]/", ""),
        ("https://\ud83e.example/", ""),
        ("ftp://files.example/", ""),
        ("files.example/x.png", ""),
        ("", ""),
    ],
)
def test_which_hosts_can_be_asked(url, host):
    """A host that a resolver would trip over is no host, and a link to it is refused as a field."""
    assert addresses.host_of(url) == host
    assert rules.url().check(url) is bool(host)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("x" * 20_000, f"'{'x' * 60}'... (str of 20000 characters)"),
        ("https://f.example/a.png?X-Amz-Signature=hunter2", "'https://f.example/a.png' (str)"),
        ("https://me:hunter2@f.example/a b.png?hunter2", "'https://f.example/a b.png' (str)"),
        ("Bearer hunter2", "'***' (str)"),
        ("\x1b[2J\ud83e", r"'\x1b[2J\ud83e' (str)"),
        (Secret("hunter2"), "str of 7 characters"),
        ([1, "a", Secret("hunter2"), 4], "list [int 1, 'a', str of 7 characters, ... (4 in all)]"),
        ({"key": "hunter2"}, "dict of 1"),
        ([PurePosixPath("/" + "a" * 400 + "/me.png")], f"list [Path('/{'a' * 39}…{'a' * 93}/me.png')]"),
        (object(), "object"),
    ],
)
def test_how_a_value_is_shown(value, shown):
    """A refusal shows a value shortened and escaped; no secret, no login and no signature of it."""
    assert rules.kind_of(value) == shown
