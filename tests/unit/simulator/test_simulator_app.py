"""The simulated service as a function from request to reply: shapes, refusals, files, uploads, faults."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, urlsplit

import pytest
from asking import TOKEN, app, ask, code_and_words, data, refusal

from a2e_async.simulator import Blob, Faults, SimRequest, Stored
from a2e_async.simulator.world.tasks import USER_ID

T2I, OLD, I2V = "/api/v1/userText2Image", "/api/v1/userText2image", "/api/v1/userImage2Video"
VIDEO = {"prompt": "it climbs", "negative_prompt": "blurry", "image_url": "http://example.com/a.png"}
OLD_BODY = {"name": "pic", "prompt": "a kite", "req_key": "high_aes", "width": 640, "height": 480}


def done_image(sim):
    """Start an image, let it be completed and give its record."""
    started = data(sim, "POST", f"{T2I}/start", {"prompt": "a kite", "name": "k"})[0]
    sim.world.clock.advance(10)
    return data(sim, "GET", f"{T2I}/{started['_id']}")


def fetch(sim, link, headers=None, method="GET"):
    """Fetch a file whose content is ten digits."""
    parts = urlsplit(link)
    request = SimRequest(method, parts.path, dict(parse_qsl(parts.query)), headers or {})
    reply = sim.handle(request)
    return reply if reply.media is None else sim.finish(request, reply, Blob(b"0123456789", "image/png", '"tag"'))


def test_new_text_to_image_answers_with_an_array():
    """The newer start gives one task per image, in an array."""
    rows = data(app(), "POST", f"{T2I}/start", {"prompt": "a kite", "max_images": 3, "name": "k"})
    assert len({row["_id"] for row in rows}) == 3
    assert all(len(row["_id"]) == 24 and int(row["_id"], 16) for row in rows)
    assert {(row["current_status"], row["coins"], row["name"]) for row in rows} == {("initialized", 10, "k")}
    assert rows[0]["image_urls"] == []


def test_old_text_to_image_answers_with_an_object():
    """The old start gives an object, finished at once if the switch says so."""
    assert data(app(), "POST", f"{OLD}/start", OLD_BODY)["current_status"] == "initialized"
    instant = data(app(instant_old_form=True), "POST", f"{OLD}/start", OLD_BODY)
    assert instant["current_status"] == "completed"
    assert instant["image_urls"][0].startswith("http://simulator.invalid/files/")


def test_the_old_form_starts_one_task_and_charges_for_one():
    """max_images means nothing to the old form."""
    sim = app()
    data(sim, "POST", f"{OLD}/start", {**OLD_BODY, "max_images": 4})
    assert (sim.world.book.charged, len(sim.world.book.tasks)) == (10, 1)


@pytest.mark.parametrize("field", ["name", "prompt", "req_key", "width", "height"])
def test_old_text_to_image_demands_all_its_fields(field):
    """Each of the five fields of the old form is required."""
    assert refusal(app(), "POST", f"{OLD}/start", {**OLD_BODY, field: None})[:2] == (400, 400)


@pytest.mark.parametrize(("siblings", "kind"), [(False, dict), (True, list)])
def test_several_videos_answer_with_the_first_or_all(siblings, kind):
    """Four videos make four tasks of one name, of which the reply shows one or all."""
    sim = app(siblings_in_reply=siblings)
    shown = data(sim, "POST", f"{I2V}/start", {**VIDEO, "number_of_images": 4, "name": "clip"})
    listed = data(sim, "GET", f"{I2V}/allRecords", pageNum=1, pageSize=10)
    assert isinstance(shown, kind)
    assert (listed["count"], {row["name"] for row in listed["rows"]}) == (4, {"clip"})


def test_a_completed_video_has_its_link_as_a_string():
    """result_url is empty until the video is there; secrets of webhooks are never shown."""
    sim = app()
    body = {**VIDEO, "webhook_url": "https://h.example/x", "webhook_token": "s3cret"}
    started = data(sim, "POST", f"{I2V}/start", body)
    assert started["result_url"] == ""
    sim.world.clock.advance(10)
    reply = ask(sim, "GET", f"{I2V}/{started['_id']}")
    assert urlsplit(json.loads(reply.body)["data"]["result_url"]).path.endswith(".mp4")
    assert b"s3cret" not in reply.body
    assert sim.world.task(started["_id"]).secrets["webhook_token"] == "s3cret"


def test_a_failed_task_tells_its_code_and_words():
    """failed_code and failed_message are empty until the task has failed."""
    sim = app()
    started = data(sim, "POST", f"{I2V}/start", {**VIDEO, "prompt": "[fail:nsfw]"})
    assert (started["failed_code"], started["failed_message"]) == ("", "")
    sim.world.clock.advance(10)
    failed = data(sim, "GET", f"{I2V}/{started['_id']}")
    assert (failed["current_status"], failed["failed_code"], failed["result_url"]) == ("failed", "nsfw", "")
    assert failed["failed_message"]


def test_a_batch_answers_for_all_that_are_there_in_any_order():
    """BatchDetail is shuffled, knows no unknown ids and has a limit."""
    sim = app(batch_limit=50)
    ids = [row["_id"] for _ in range(6) for row in data(sim, "POST", f"{T2I}/start", {"prompt": "x", "max_images": 8})]
    rows = [row["_id"] for row in data(sim, "POST", f"{T2I}/batchDetail", {"ids": [*ids, "0" * 24]})]
    assert sorted(rows) == sorted(ids) != rows
    assert rows != ids
    assert ask(sim, "POST", f"{T2I}/batchDetail", {"ids": ["0" * 24] * 51}).status == 400
    assert ask(sim, "POST", f"{T2I}/batchDetail", {"ids": "all"}).status == 400


@pytest.mark.parametrize(("shown_as", "status"), [("404", 404), ("null", 200)])
def test_detail_of_a_new_task_is_404_or_null(shown_as, status):
    """Right after the start, detail says nothing in one of two ways."""
    sim = app(detail_lag=1, detail_lag_as=shown_as)
    started = data(sim, "POST", f"{I2V}/start", VIDEO)
    reply = ask(sim, "GET", f"{I2V}/{started['_id']}")
    assert reply.status == status
    assert status == 404 or json.loads(reply.body)["data"] is None
    sim.world.clock.advance(1)
    assert data(sim, "GET", f"{I2V}/{started['_id']}")["_id"] == started["_id"]


def test_list_names_change_lists_alone():
    """Names may be cut in lists and whole everywhere else."""
    sim = app(list_names=3)
    started = data(sim, "POST", f"{I2V}/start", {**VIDEO, "name": "sunset"})
    assert data(sim, "GET", f"{I2V}/{started['_id']}")["name"] == "sunset"
    assert data(sim, "GET", f"{I2V}/allRecords")["rows"][0]["name"] == "sun"


@pytest.mark.parametrize(("casings", "served"), [("both", [T2I, OLD]), ("old", [OLD]), ("new", [T2I])])
def test_casings_of_paths(casings, served):
    """A server may know one spelling of the path or both; the other is an HTML 404."""
    sim = app(casings=casings)
    for base in (T2I, OLD):
        for method, path in (("POST", f"{base}/start"), ("GET", f"{base}/allRecords")):
            reply = ask(sim, method, path, OLD_BODY if method == "POST" else None)
            assert reply.status == (200 if base in served else 404)
            assert reply.headers["Content-Type"].startswith("application/json" if base in served else "text/html")


def test_a_server_of_one_spelling_tells_the_forms_apart_by_their_fields():
    """Where one path serves both forms, req_key makes the old one."""
    sim = app(casings="old")
    assert isinstance(data(sim, "POST", f"{OLD}/start", OLD_BODY), dict)
    assert isinstance(data(sim, "POST", f"{OLD}/start", {"prompt": "x"}), list)


@pytest.mark.parametrize(("how", "status"), [("401", 401), ("200", 200)])
def test_a_wrong_token_is_refused(how, status):
    """A wrong token gets a real 401, or a 200 whose body says 401."""
    reply = ask(app(unauthorised=how), "GET", f"{I2V}/allRecords", headers={"authorization": "Bearer nonsense"})
    assert (reply.status, code_and_words(json.loads(reply.body))[0]) == (status, 401)


@pytest.mark.parametrize("key", ["msg", "message", "error"])
def test_refusals_have_their_words_where_the_switch_says(key):
    """The text of a refusal is under the chosen key, where it is not written in the official form."""
    value = json.loads(ask(app(error_key=key, refusals="code"), "GET", f"{I2V}/{'0' * 24}").body)
    assert (value["code"], value[key]) == (404, "Record not found")


def test_trace_ids_can_be_left_out():
    """Replies carry a trace_id unless switched off."""
    assert len(json.loads(ask(app(), "GET", f"{I2V}/allRecords").body)["trace_id"]) == 36
    assert "trace_id" not in json.loads(ask(app(trace_ids=False), "GET", f"{I2V}/allRecords").body)


def test_dates_follow_the_simulated_clock():
    """The Date header and createdAt are of the simulated time."""
    sim = app()
    reply = ask(sim, "POST", f"{I2V}/start", VIDEO)
    assert reply.headers["Date"] == "Sun, 15 Jun 2025 15:06:40 GMT"
    assert json.loads(reply.body)["data"]["createdAt"] == "2025-06-15T15:06:40.000Z"


def test_bodies_that_are_no_json_object_are_refused():
    """A start whose body cannot be read is a 400 and starts nothing."""
    sim = app()
    assert [ask(sim, "POST", f"{I2V}/start", body).status for body in (b"{", b"[]", b"\xff")] == [400] * 3
    assert sim.world.book.starts == []


def test_balance_history_quote_and_average():
    """The calls answer in their documented shapes; the history lags a little."""
    sim = app(history_lag=3)
    data(sim, "POST", f"{I2V}/start", {**VIDEO, "prompt": "[fail]"})
    assert data(sim, "GET", "/api/v1/user/remainingCoins") == {"coins": 9970, "diamonds": 2}
    assert data(sim, "GET", "/api/v1/transactionRecord/creditsHistory") == {"rows": [], "count": 0}
    sim.world.clock.advance(20)
    rows = data(sim, "GET", "/api/v1/transactionRecord/creditsHistory")["rows"]
    assert [row["coins"] for row in rows] == [30, -30]
    spent = data(sim, "GET", "/api/v1/transactionRecord/creditsHistory", is_consumption="true")
    assert [row["coins"] for row in spent["rows"]] == [-30]
    body = {"endpoint": f"{I2V}/start", "requestBody": {**VIDEO, "video_time": 10, "number_of_images": 2}}
    quote = data(sim, "POST", "/api/v1/generation/quote", body)
    assert quote == {"coins": 120, "generationRequestValidated": False}
    assert ask(sim, "POST", "/api/v1/generation/quote", {"endpoint": "/api/v1/other/start"}).status == 400
    assert data(sim, "GET", f"{I2V}/avgProcessingTime") == {"avgProcessingTime": 12.5}


@pytest.mark.parametrize("query", [{"pageNum": 0}, {"pageSize": 101}, {"pageNum": "x"}])
def test_odd_pages_are_refused(query):
    """Page numbers begin at 1, pages hold at most 100."""
    assert ask(app(), "GET", f"{I2V}/allRecords", **query).status == 400


def test_more_calls_can_be_added():
    """A test may answer endpoints that the simulator does not know."""
    sim = app()
    sim.calls["POST", "/api/v1/video/send_tts"] = lambda request: f"https://x/{request.json()['msg']}.mp3"
    assert data(sim, "POST", "/api/v1/video/send_tts", {"msg": "hi"}) == "https://x/hi.mp3"
    assert sim.counters["send_tts"] == 1


def test_requests_are_counted_and_their_peak_is_known():
    """Counters count by route; the peak is of the densest second."""
    sim = app()
    for pause in (0, 0.5, 0.6, 5, 0):
        sim.world.clock.advance(pause)
        ask(sim, "GET", f"{I2V}/allRecords")
    ask(sim, "GET", "/nowhere")
    assert sim.counters == {"image_to_video.list": 5, "unknown": 1}
    assert (sim.log.peak("*.list"), sim.log.peak("*.list", 2), sim.log.peak("*.start")) == (2, 3, 0)


def test_a_rate_refuses_what_comes_too_densely():
    """Above the rate, requests get a 429 that says when to come back."""
    sim = app(rate=2)
    replies = [ask(sim, "GET", f"{I2V}/allRecords") for _ in range(3)]
    assert [reply.status for reply in replies] == [200, 200, 429]
    assert replies[2].headers["Retry-After"] == "1"
    sim.world.clock.advance(1)
    assert ask(sim, "GET", f"{I2V}/allRecords").status == 200


def test_a_link_lasts_and_then_a_new_one_is_given():
    """A link is stable until it expires; then it is a 403 and the detail has a new one that works."""
    sim = app(file_ttl=100)
    record = done_image(sim)
    link = record["image_urls"][0]
    sim.world.clock.advance(99)
    assert data(sim, "GET", f"{T2I}/{record['_id']}")["image_urls"] == [link]
    assert fetch(sim, link).status == 200
    sim.world.clock.advance(1)
    expired = fetch(sim, link)
    assert (expired.status, expired.headers["Content-Type"]) == (403, "application/xml")
    fresh = data(sim, "GET", f"{T2I}/{record['_id']}")["image_urls"][0]
    assert fresh != link
    assert fetch(sim, fresh).status == 200


def test_links_are_signed_and_refuse_tokens():
    """A changed link is refused, and so is a request with a token, unless switched off."""
    sim = app()
    link = done_image(sim)["image_urls"][0]
    assert fetch(sim, link.replace("s=", "s=0")).status == 403
    assert fetch(sim, link.split("?")[0]).status == 403
    assert fetch(sim, link, TOKEN).status == 400
    sim.world.change(file_refuses_token=False)
    assert fetch(sim, link, TOKEN).status == 200


@pytest.mark.parametrize(
    ("headers", "status", "body"),
    [
        ({}, 200, b"0123456789"),
        ({"range": "bytes=4-"}, 206, b"456789"),
        ({"range": "bytes=2-3"}, 206, b"23"),
        ({"range": "bytes=-3"}, 206, b"789"),
        ({"range": "bytes=8-99"}, 206, b"89"),
        ({"range": "bytes=10-"}, 416, b""),
        ({"range": "bytes=-0"}, 416, b""),
        ({"range": "bytes=0-1,4-5"}, 200, b"0123456789"),
        ({"range": "lines=1-2"}, 200, b"0123456789"),
        ({"range": "bytes=4-", "if-range": '"tag"'}, 206, b"456789"),
        ({"range": "bytes=4-", "if-range": '"other"'}, 200, b"0123456789"),
        ({"range": "bytes=4-", "if-range": 'W/"tag"'}, 200, b"0123456789"),
        ({"if-none-match": '"tag"'}, 304, b""),
    ],
)
def test_ranges_are_served_as_the_standard_has_it(headers, status, body):
    """Range, If-Range and If-None-Match each give the right status and bytes."""
    sim = app()
    reply = fetch(sim, done_image(sim)["image_urls"][0], headers)
    assert (reply.status, reply.body) == (status, body)
    if status == 206:
        start = b"0123456789".index(body)
        assert reply.headers["Content-Range"] == f"bytes {start}-{start + len(body) - 1}/10"
    if status == 416:
        assert reply.headers["Content-Range"] == "bytes */10"


def test_head_tells_the_size_and_sends_nothing():
    """HEAD has the headers of GET and no body."""
    sim = app()
    reply = fetch(sim, done_image(sim)["image_urls"][0], method="HEAD")
    assert (reply.status, reply.headers["Content-Length"], reply.body) == (200, "10", b"")


def test_an_upload_demands_its_type_and_is_served_by_its_cdn_link():
    """A presigned PUT takes the agreed bytes; the CDN link serves them, the raw one does not."""
    sim = app()
    body = {"key": "in/a b.png", "contentType": "image/png", "fileSize": 4}
    where = data(sim, "POST", "/api/v1/r2/upload-presigned-url", body)
    url, png = where["uploadUrl"], {"content-type": "image/png"}
    own = f"adam2eve/prod/user/{USER_ID}/in/a b.png"
    assert where["key"] == own
    upload = urlsplit(url)._replace(path=f"/uploads/3days-apac/{own}").geturl()
    assert set(where) == {"uploadUrl", "key", "expiresIn", "bucket", "cdnUrl"}
    assert ask(sim, "PUT", upload, b"1234", {"content-type": "image/jpeg"}).status == 403
    assert ask(sim, "PUT", upload, b"1234", {**png, **TOKEN}).status == 400
    assert ask(sim, "PUT", upload, b"12345", png).status == 403
    assert ask(sim, "PUT", upload, b"1234", png).status == 200
    served = sim.handle(SimRequest("GET", f"/cdn/{own}"))
    assert isinstance(served.media, Stored)
    assert (served.media.body, served.media.content_type) == (b"1234", "image/png")
    assert ask(sim, "GET", f"/uploads/3days-apac/{own}", headers={}).status == 403


def test_an_upload_link_expires_and_has_rules():
    """Uploads after expiry are refused, and so are presign requests without their fields."""
    sim = app()
    body = {"key": "a.png", "contentType": "image/png", "expiresIn": 60}
    where = data(sim, "POST", "/api/v1/r2/get_upload_presigned_url", body)
    sim.world.clock.advance(60)
    assert ask(sim, "PUT", where["uploadUrl"], b"1", {"content-type": "image/png"}).status == 403
    for wrong in ({"key": ""}, {"key": None}, {"expiresIn": 59}, {"expiresIn": "60"}):
        assert ask(sim, "POST", "/api/v1/r2/upload-presigned-url", {**body, **wrong}).status == 400
    assert data(sim, "POST", "/api/v1/r2/upload-presigned-url", {**body, "expiresIn": 10**7})["expiresIn"] == 10**7


@pytest.mark.parametrize("name", ["upload-presigned-url", "get_upload_presigned_url"])
def test_an_upload_link_needs_its_key_alone(name):
    """Type and length are bound only where they are given; of two lengths contentLength counts."""
    sim = app()
    where = data(sim, "POST", f"/api/v1/r2/{name}", {"key": "/k.png", "urlPrefix": "mine", "bucket": "other"})
    assert (where["key"], where["bucket"]) == (f"mine/prod/user/{USER_ID}/k.png", "other")
    assert ask(sim, "PUT", where["uploadUrl"], b"123", {"content-type": "any/thing"}).status == 200
    bound = data(sim, "POST", f"/api/v1/r2/{name}", {"key": "k.png", "fileSize": 9, "contentLength": 3})
    assert ask(sim, "PUT", bound["uploadUrl"], b"123456789", {}).status == 403
    assert ask(sim, "PUT", bound["uploadUrl"], b"123", {}).status == 200
    assert ask(sim, "GET", bound["cdnUrl"], headers={}).media is not None


def test_a_video_of_an_own_link_that_cannot_be_read_fails():
    """A raw upload link is no input: the task runs and fails, as on the real service."""
    sim = app()
    raw = f"{sim.origin}/uploads/3days-apac/a.png"
    started = data(sim, "POST", f"{I2V}/start", {**VIDEO, "image_url": raw})
    sim.world.clock.advance(10)
    assert data(sim, "GET", f"{I2V}/{started['_id']}")["failed_code"] == "invalid_image"


def test_a_video_shows_the_image_of_its_link():
    """A video of an image made here is a video of that very image."""
    sim = app()
    record = done_image(sim)
    video = data(sim, "POST", f"{I2V}/start", {**VIDEO, "image_url": record["image_urls"][0], "video_time": 10})
    media = sim.world.task(video["_id"]).media
    assert (media.first, media.seconds) == (sim.world.task(record["_id"]).media, 10)


@pytest.mark.parametrize(
    ("kind", "details", "status", "content"),
    [
        ("status", {}, 500, '"code":500'),
        ("status", {"status": 503, "body": "html"}, 503, "<html>"),
        ("html", {}, 200, "<html>"),
        ("null", {}, 200, '"data":null'),
        ("empty", {}, 200, ""),
        ("code", {"code": 1001, "key": "msg", "message": "hosts are occupied"}, 200, '"msg":"hosts are occupied"'),
        ("success_false", {}, 200, '"success":false'),
        ("no_route", {}, 404, f"Cannot POST {I2V}/start"),
        ("redirect", {}, 302, "<html>"),
    ],
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_faults_spoil_the_answer_before_or_after_the_work(kind, details, status, content, when):
    """Before: nothing is billed; after: the task is there and only the answer is lost. Then all is well again."""
    sim = app()
    sim.faults.add("image_to_video.start", kind, when=when, **details)
    reply = ask(sim, "POST", f"{I2V}/start", VIDEO)
    assert reply.status == status
    assert content in reply.body.decode()
    assert len(sim.world.book.starts) == (when == "after")
    assert data(sim, "POST", f"{I2V}/start", VIDEO)["_id"]


@pytest.mark.parametrize("kind", ["reset", "stall"])
def test_broken_connections_are_a_fate(kind):
    """Reset and stall are told to whoever carries the reply."""
    sim = app()
    sim.faults.add("*.start", kind, when="after")
    reply = ask(sim, "POST", f"{I2V}/start", VIDEO)
    assert (reply.fate, len(sim.world.book.starts)) == (kind, 1)


def test_faults_that_spoil_the_right_answer():
    """Cut JSON, unknown statuses, missing ids and poisoned batches."""
    sim = app()
    ids = [row["_id"] for row in data(sim, "POST", f"{T2I}/start", {"prompt": "x", "max_images": 4})]
    sim.faults.add("*.batch", "cut_json")
    with pytest.raises(json.JSONDecodeError):
        json.loads(ask(sim, "POST", f"{T2I}/batchDetail", {"ids": ids}).body)
    sim.faults.add("*.batch", "unknown_status", status="thinking")
    assert {row["current_status"] for row in data(sim, "POST", f"{T2I}/batchDetail", {"ids": ids})} == {"thinking"}
    sim.faults.add("*.batch", "missing_id", id=ids[2])
    seen = {row["_id"] for row in data(sim, "POST", f"{T2I}/batchDetail", {"ids": ids})}
    assert seen == set(ids) - {ids[2]}
    sim.faults.add("*.batch", "poison", id=ids[1], hits=None)
    assert ask(sim, "POST", f"{T2I}/batchDetail", {"ids": ids}).status == 400
    assert len(data(sim, "POST", f"{T2I}/batchDetail", {"ids": ids[2:]})) == 2


def test_delays_add_up_with_other_faults():
    """A delay is told with the right answer, or with that of another fault."""
    sim = app(latency=0.5)
    sim.faults.add("balance", "delay", seconds=2)
    sim.faults.add("balance", "status", status=503, retry_after=7, delay=3)
    first, second = (ask(sim, "GET", "/api/v1/user/remainingCoins") for _ in range(2))
    assert (first.status, first.delay) == (200, 2.5)
    assert (second.status, second.delay, second.headers["Retry-After"]) == (503, 3, "7")


@pytest.mark.parametrize(
    ("rule", "hits"),
    [
        ({}, [0]),
        ({"hits": 2}, [0, 1]),
        ({"hits": None}, [0, 1, 2, 3, 4, 5]),
        ({"skip": 2}, [2]),
        ({"every": 2}, [1, 3, 5]),
        ({"every": 2, "hits": 1}, [1]),
        ({"every": 2, "skip": 1, "hits": None}, [2, 4]),
    ],
)
def test_faults_strike_when_they_are_told_to(rule, hits):
    """hits, every and skip pick the requests that are struck."""
    faults = Faults()
    faults.add("a.*", "reset", **rule)
    assert [index for index in range(6) if faults.take("a.b", "before")] == hits
    assert faults.take("b.b", "before") is None
    assert faults.taken["a.b", "reset"] == len(hits)


def test_faults_can_be_cleared_and_are_checked():
    """Clearing forgets, and a script that makes no sense is an error."""
    faults = Faults()
    faults.add("a", "reset")
    faults.add("b", "reset")
    faults.clear("a")
    assert [rule.route for rule in faults] == ["b"]
    faults.clear()
    assert list(faults) == []
    for wrong in ({"kind": "explode"}, {"kind": "reset", "when": "during"}, {"kind": "poison"}):
        with pytest.raises(ValueError, match=r"fault|when|poison"):
            faults.add("a", **wrong)


def test_file_faults_break_the_transfer():
    """A file may be cut, fall silent, be something else, or ignore ranges."""
    sim = app()
    link = done_image(sim)["image_urls"][0]
    sim.faults.add("file", "cut_body")
    cut = fetch(sim, link)
    assert (cut.fate, cut.body, cut.headers["Content-Length"]) == ("cut", b"01234", "10")
    sim.faults.add("file", "stall_body", after=3)
    hung = fetch(sim, link)
    assert (hung.fate, hung.body) == ("hang", b"012")
    sim.faults.add("file", "no_range")
    assert fetch(sim, link, {"range": "bytes=4-"}).status == 200
    sim.faults.add("file", "html")
    assert fetch(sim, link).headers["Content-Type"].startswith("text/html")
    assert fetch(sim, link, {"range": "bytes=4-"}).status == 206
