"""Everything about the simulated service that a test may want to be otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

import attrs
from attrs.validators import ge, in_, optional

Body: TypeAlias = Mapping[str, Any]
TaskSeconds: TypeAlias = float | tuple[float, float] | Callable[[str, Body], float]
Names: TypeAlias = Literal["keep", "drop"] | int

_DAY = 86_400.0
_TWO_HOURS = 7_200.0


def _known_names(_: object, field: attrs.Attribute[Any], value: object) -> None:
    if value is not None and value not in ("keep", "drop") and not isinstance(value, int):
        raise ValueError(f"{field.name} must be 'keep', 'drop' or a number of characters, not {value!r}")


@attrs.frozen(kw_only=True)
class Switches:
    """The switches of one simulated service; times are simulated seconds.

    Attributes:
        token: The token it accepts.
        coins: What the account has at the beginning.
        diamonds: What else the account has; nothing is paid with them.
        seed: Where chance begins; the same seed gives the same run times, ids and images.
        task_seconds: How long a task runs: a number, a range, or a function of family name and request body;
            None leaves it to the family (text_to_image 2 to 6, image_to_video 5 to 20).
        prices: Coins per unit by family name, over the usual 10 per image and 30 per 5 seconds of video; also of
            "streaming" (per minute), "twin_lip_sync", "speech" and "upload".
        fails: Says of a family name and a request body whether its tasks fail. A prompt with `[fail]` or
            `[fail:code]` fails anyway.
        fail_every: Each n-th task fails.
        refunds_failures: A failed task is refunded.
        stuck_seconds: When a task whose prompt has `[stuck]` is given up and refunded.
        first_status: The status a task begins with; nothing can be cancelled when it is "sent".
        detail_lag: How long a new task is unknown to detail and batch.
        detail_lag_as: How detail says so: HTTP 404, or `data: null`.
        list_lag: How long a new task is missing from lists.
        history_lag: How long a charge is missing from the credits history.
        names: What becomes of a task's name: kept, dropped, or cut to so many characters.
        list_names: The same for lists alone.
        instant_old_form: The old start of text_to_image answers with finished images, as the service's page shows. By
            default it does, unless `task_seconds` says how long tasks run, or something that tasks fail.
        siblings_in_reply: A start of several videos answers with all of them instead of the first.
        casings: Which spelling of `userText2Image` is served.
        dialects: Which of two ways of asking the same thing is served, where a family knows a newer and an older one.
        undocumented: Endpoints are served too that a family only supposes (their note begins with "undocumented").
        poor: How too few coins are refused: HTTP 400, HTTP 200 with a code, HTTP 402; where a family documents one, it
            is that.
        unauthorised: How a wrong token is refused: HTTP 401, or HTTP 200 with code 401.
        error_key: Where a refusal has its words, where it is not declared.
        envelopes: How a yes is wrapped: as the reference declares it for each endpoint, always {code, data}, or always
            {success, data, timestamp}.
        refusals: How a no is written: {code: number, message}; "official" {success, error, code: text, timestamp};
            "declared" that where the reference declares it; "reasons" with what is wrong in a list `errors`.
        plan: On the "free" one every call is answered 403, whatever the token.
        wan30_set_up: Whether Wan 3.0 is set up; else its start is refused with 503, and nothing is started.
        strict_names: Names are required where the reference says so; a client saw a start without one taken.
        misspelt: Starts take `negative_prmpt`, as a table of the service's page spells it, for `negative_prompt`.
        trace_ids: Replies carry a `trace_id`.
        voice_limit: Most cloned voices; one more is refused with HTTP 403.
        hosts_occupied: No host is free for a streaming avatar: code 1001.
        full_hd_lag: How long after its task's end the 1080p version of a video is answered with HTTP 202.
        transfer_key: Where a transfer to storage has its URL.
        batch_limit: Most ids that one batch enquiry may name; None: 200 where that is documented, else 100.
        rate: Most API requests in one second of the caller's time; more are answered 429. None: no limit.
        latency: How long each API reply takes.
        file_ttl: How long a result URL lives, and how long a task stays in lists.
        file_refuses_token: Result and upload hosts refuse requests that carry an Authorization header.
        webhooks: What becomes of webhooks, which are posted to receivers on this machine alone: sent "once" as a task
            ends, "twice", "never", or "early", before the task has begun and the start is answered.
        webhook_delay: How long after a task's end its webhook is sent; a range sends them out of order.
        media: Which media are made: "pretty" needs the extras, "plain" does not, "tiny" is for load, "auto" picks.
    """

    token: str = attrs.field(default="sk_simulator", repr=False)
    coins: int = attrs.field(default=10_000, validator=ge(0))
    diamonds: int = 2
    seed: int = 0
    task_seconds: TaskSeconds | None = None
    prices: Mapping[str, int] = attrs.field(factory=dict)
    fails: Callable[[str, Body], bool] | None = None
    fail_every: int | None = attrs.field(default=None, validator=optional(ge(1)))
    refunds_failures: bool = True
    stuck_seconds: float = _TWO_HOURS
    first_status: Literal["initialized", "sent"] = attrs.field(
        default="initialized", validator=in_(("initialized", "sent"))
    )
    detail_lag: float = 0.0
    detail_lag_as: Literal["404", "null"] = attrs.field(default="404", validator=in_(("404", "null")))
    list_lag: float = 0.0
    history_lag: float = 3.0
    names: Names = attrs.field(default="keep", validator=_known_names)
    list_names: Names | None = attrs.field(default=None, validator=_known_names)
    instant_old_form: bool | None = None
    siblings_in_reply: bool = False
    casings: Literal["both", "old", "new"] = attrs.field(default="both", validator=in_(("both", "old", "new")))
    dialects: Literal["both", "old", "new"] = attrs.field(default="both", validator=in_(("both", "old", "new")))
    undocumented: bool = True
    poor: Literal["400", "200", "402"] = attrs.field(default="400", validator=in_(("400", "200", "402")))
    unauthorised: Literal["401", "200"] = attrs.field(default="401", validator=in_(("401", "200")))
    error_key: Literal["msg", "message", "error"] = attrs.field(
        default="message", validator=in_(("msg", "message", "error"))
    )
    envelopes: Literal["declared", "code", "success"] = attrs.field(
        default="declared", validator=in_(("declared", "code", "success"))
    )
    refusals: Literal["code", "declared", "official", "reasons"] = attrs.field(
        default="declared", validator=in_(("code", "declared", "official", "reasons"))
    )
    plan: Literal["paid", "free"] = attrs.field(default="paid", validator=in_(("paid", "free")))
    wan30_set_up: bool = True
    strict_names: bool = True
    misspelt: bool = False
    trace_ids: bool = True
    voice_limit: int = attrs.field(default=20, validator=ge(1))
    hosts_occupied: bool = False
    full_hd_lag: float = 30.0
    transfer_key: Literal["url", "result"] = attrs.field(default="url", validator=in_(("url", "result")))
    batch_limit: int | None = attrs.field(default=None, validator=optional(ge(1)))
    rate: float | None = None
    latency: float = 0.0
    file_ttl: float = 3 * _DAY
    file_refuses_token: bool = True
    webhooks: Literal["once", "twice", "never", "early"] = attrs.field(
        default="once", validator=in_(("once", "twice", "never", "early"))
    )
    webhook_delay: float | tuple[float, float] = 0.0
    media: Literal["auto", "pretty", "plain", "tiny"] = attrs.field(
        default="auto", validator=in_(("auto", "pretty", "plain", "tiny"))
    )


def shaped(name: str, how: Names) -> str:
    """Give a name as a service with that habit gives it back."""
    if how == "keep":
        return name
    return "" if how == "drop" else name[: int(how)]
