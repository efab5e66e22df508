"""What counts as a secret, and that a secret shows itself to nobody."""

from __future__ import annotations

import copy
import json
import pickle
import pprint
import reprlib
import traceback

import pytest
from rich.pretty import pretty_repr

from a2e_async import ImageToVideo, InvalidRequestError, TextToImage, Webhook
from a2e_async.core.secrets import HIDDEN, Secret, SignedUrl, forms_of, hide, is_secret, masked
from a2e_async.web import Gate

PLAIN = "hunter2/" * 30


@pytest.mark.parametrize(
    "show",
    [
        repr,
        reprlib.repr,
        pprint.pformat,
        ascii,
        lambda value: f"{value!r}",
        lambda value: pretty_repr(value, max_string=80),
    ],
)
@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: [value], lambda value: {"a": value}])
def test_whatever_shows_a_value_shows_stars(show, wrap):
    """Also what shortens a long text before it shows it."""
    assert "hunter2" not in show(wrap(Secret(PLAIN)))
    assert HIDDEN in show(wrap(Secret(PLAIN)))


def test_it_goes_out_as_it_is():
    """A secret is a text: it is equal, it hashes, it is written as JSON and into a header."""
    secret = Secret(PLAIN)
    assert (secret, hash(secret), f"{secret}", json.loads(json.dumps(secret))) == (PLAIN, hash(PLAIN), PLAIN, PLAIN)
    assert secret.encode() == PLAIN.encode()
    assert type(copy.deepcopy(secret)) is type(pickle.loads(pickle.dumps(secret))) is Secret
    assert (masked("a"), type(masked("a")), masked(5)) == ("a", Secret, 5)


@pytest.mark.parametrize(
    "name",
    ["token", "webhook_token", "webhook_url", "api_key", "apiKey", "X-Api-Key", "Authorization", "password", "PASSWD",
     "client_secret", "access_key_id", "Cookie", "signature", "X-Amz-Signature", "db.pwd", "private-key",
     "jwt", "auth", "x-auth", "bearer", "sig", "otp", "sas", "dsn", "connection_string", "ssh_key", "sessionid",
     "encryption_key", "AccountKey"],
)  # fmt: skip
def test_names_of_secrets(name):
    """One rule for fields, headers and columns."""
    assert is_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "prompt",
        "name",
        "req_key",
        "key",
        "keywords",
        "author",
        "pass",
        "image_url",
        "skip",
        "design",
        "session",
        "signal",
        "authority",
        "sashimi",
        "keyframe",
    ],
)
def test_names_of_no_secrets(name):
    """What people search their rows by stays readable."""
    assert not is_secret(name)


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("GET https://me:pw@h.example/a?sig=1#x done", "GET https://h.example/a done"),
        ("'http://corp:p@ss@proxy:1'", "'http://proxy:1'"),
        ("url=https://f.example/a.png?X-Amz-Signature=1, ok", "url=https://f.example/a.png ok"),
        ("token sk_abc.def-1 and Bearer abc", f"token {HIDDEN} and {HIDDEN}"),
        ('{"u":"https:\\/\\/me:pw@h.example\\/a?sig=1"}', '{"u":"https:\\/\\/h.example\\/a"}'),
        ("Authorization: Token abc123 sent", f"Authorization{HIDDEN} sent"),
        ('{"authorization": "Basic bWU6cHc="}', f'{{"authorization{HIDDEN}"}}'),
        ("sk-proj0123456789abcdef, not risk-assessment-of-things", f"{HIDDEN}, not risk-assessment-of-things"),
        ("is it true? yes", "is it true? yes"),
        ("a@b.example // c", "a@b.example // c"),
    ],
)
def test_a_text_is_cleaned(text, hidden):
    """Logins and queries of URLs go, and what looks like a token; the rest stays."""
    assert hide(text) == hidden


@pytest.mark.parametrize("form", forms_of('a/b"c&d'))
def test_every_spelling_is_hidden(form):
    """A service may repeat a token as JSON, HTML or part of a URL."""
    assert hide(f"<{form}>", ['a/b"c&d']) == f"<{HIDDEN}>"


@pytest.mark.parametrize(
    "make",
    [
        lambda secret: TextToImage("a", webhook_token=secret * 9, width="x"),
        lambda secret: TextToImage("a", webhook_token=secret, width="x"),
        lambda secret: TextToImage("a", webhook_token=secret + "\0"),
        lambda secret: TextToImage("a", webhook_token=secret, widht=1),
        lambda secret: ImageToVideo(webhook_token=secret),
        lambda secret: Webhook("http://public.example", secret),
        lambda secret: Webhook("https://public.example", secret + "\n"),
        lambda secret: Gate(secret + "\u00e9"),
        lambda secret: Gate(secret, limit=0),
    ],
)
def test_no_report_shows_the_secret_of_a_webhook(make):
    """What is refused of a request or a webhook leaves no frame of ours that shows its secret."""
    with pytest.raises(InvalidRequestError) as caught:
        make("hunter2")
    ours = caught.value.__traceback__.tb_next.tb_next
    shown = traceback.TracebackException(type(caught.value), caught.value, ours, capture_locals=True)
    assert "hunter2" not in "".join(shown.format())


def test_a_signed_link_is_shown_without_its_signature():
    """It goes out byte for byte; a report shows where it leads, and so does what shortens it first."""
    url = "https://files.example/a%20b.png?X-Amz-Signature=hunter2#x"
    link = SignedUrl(url)
    assert (link, f"{link}") == (url, url)
    assert repr(link) == "'https://files.example/a%20b.png'"
    assert "hunter" not in pretty_repr([link], max_string=55)


def test_a_longer_form_of_a_secret_is_hidden_before_one_that_it_holds():
    """Else what is left of it would be read."""
    secret = 'a"'
    assert forms_of(secret)[-1] == secret
    assert [len(form) for form in forms_of(secret)] == sorted(map(len, forms_of(secret)), reverse=True)
    assert hide(r"<a\">", [secret]) == f"<{HIDDEN}>"
