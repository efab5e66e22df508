"""What a request with jobs and results is: a value, refused where it cannot be right, and sent as its URLs."""

from __future__ import annotations

import pickle

import pytest
from given import FAILS, SHOES, WORDS, starts
from virtual_time import IMAGE, caught, client, virtual

from a2e_async import (
    ImageToVideo,
    InvalidRequestError,
    Journal,
    Record,
    Result,
    Started,
    TextToImage,
    Upscale,
    UsageError,
    VirtualTryOn,
)
from a2e_async.core.requests import inputs_in
from a2e_async.engine.jobs.options import Options


@virtual(task_seconds=5, **FAILS)
async def test_an_error_holds_no_job(a2e, sim):
    """The request in an error has words in the place of a job, and a start of it says what is missing."""
    error = await caught(a2e.image_to_video(a2e.text_to_image("a red kite"), **WORDS))
    assert "text_to_image" in repr(error.request.image_url)
    assert inputs_in(error.request)
    with pytest.raises(InvalidRequestError, match=r"image_url: must be given again, not a copy of Job text_to_image"):
        a2e.start(error.request)


@virtual(task_seconds=5)
async def test_the_journal_sees_urls(a2e, sim):
    """What is written down before the start is the request as it is sent, and the job's request names the output."""
    seen = []

    class Noted(Journal):
        async def intended(self, tag, request):
            seen.append((tag, request.image_url))

    image = a2e.text_to_image("a red kite")
    request = ImageToVideo(image, **WORDS)
    job = a2e.start(request, tag="k7f3q9x2m4pd", options=Options(journal=Noted()))
    assert job.request is request
    await job
    assert seen == [("k7f3q9x2m4pd", image.records[0].urls[0])]
    assert job.request.image_url == image.records[0].urls[0]
    assert job.records[0].tag == "k7f3q9x2m4pd"


@virtual(task_seconds=5)
async def test_a_lost_start_of_a_second_step_is_recovered(a2e, sim):
    """Waiting changes nothing of how a lost answer is looked for."""
    sim.faults.add("image_to_video.start", "reset", when="after", hits=1)
    await a2e.image_to_video(a2e.text_to_image("a red kite"), **WORDS)
    assert starts(sim)["image_to_video"] == 1
    assert a2e.stats().recovered == 1


@virtual(task_seconds=5)
async def test_views_and_events_take_waiting_jobs(a2e, sim):
    """Options of a view go along, and a job is told of when it is started, not when it is sent."""
    events = a2e.events()
    image = a2e.text_to_image("a red kite")
    video = a2e.with_options(timeout=60, tagging=False).image_to_video(image, **WORDS)
    await video
    assert video.tag is None
    await a2e.aclose()
    told = [event async for event in events]
    kinds = [(type(event).__name__, event.job) for event in told if hasattr(event, "job")]
    assert kinds.index(("Started", video)) < kinds.index(("Finished", image)) < kinds.index(("Accepted", video))
    assert sum(isinstance(event, Started) for event in told) == 2


@virtual(opened=False, task_seconds=5)
async def test_a_job_of_another_client_is_an_input(sim):
    """Its output is public; the loop is what counts."""
    async with client(sim) as one, client(sim) as other:
        await other.image_to_video(one.text_to_image("a red kite"), **WORDS)
    assert starts(sim) == {"text_to_image": 1, "image_to_video": 1}


def test_a_job_of_another_loop_is_refused():
    """It could never wake a start of this one; said before anything is sent."""
    jobs = []

    @virtual(task_seconds=5)
    async def one(a2e, sim):
        jobs.append(a2e.text_to_image("a red kite"))

    @virtual(task_seconds=5)
    async def other(a2e, sim):
        with pytest.raises(UsageError, match="another loop"):
            a2e.image_to_video(jobs[0], **WORDS)
        assert not starts(sim)
        assert a2e.stats().queued == 0

    one()
    other()


@virtual(task_seconds=5)
async def test_a_job_of_another_kind_is_refused_at_once(a2e, sim):
    """A field of images takes no video, and none takes what is no file; nothing more is sent."""
    image = a2e.text_to_image("a red kite")
    video = a2e.image_to_video("https://f.example/a.png", **WORDS)
    voice = a2e.attach("voice_training", "65f000000000000000000001")
    for given, words in ((video, "the video that image_to_video makes"), (voice, "what voice_training makes")):
        with pytest.raises(InvalidRequestError, match=words) as refused:
            a2e.image_to_video(given, **WORDS)
        assert refused.value.field == "image_url"
    with pytest.raises(InvalidRequestError, match="source_url: must be a video, not the image"):
        a2e.caption_removal(image)
    with pytest.raises(InvalidRequestError, match=r"image_urls: item 2: must be an image, not the video"):
        a2e.virtual_try_on([image, video])
    a2e.upscale(image).detach()  # takes both
    voice.detach()


@virtual(task_seconds=5)
async def test_a_result_without_an_output_is_refused(a2e, sim):
    """Also one that came to nothing else than records."""
    for empty in (Result(()), Record(id="65f000000000000000000001", family="text_to_image")):
        with pytest.raises(InvalidRequestError, match="image_url: must have an output"):
            a2e.image_to_video(empty, **WORDS)
    assert not starts(sim)


def test_a_request_with_inputs_stays_a_value():
    """It compares, is replaced and pickles like any other; a job and an open file say why they cannot go along."""
    result = Result((Record(id="1", urls=("https://r.example/1.png",)),))
    one = ImageToVideo(result, **WORDS)
    assert one == ImageToVideo(result, **WORDS)
    assert pickle.loads(pickle.dumps(one)) == one
    assert one.replace(image_url="https://f.example/a.png") != one
    assert "https://r.example/1.png" in repr(one)
    assert one.to_dict()["image_url"] == "https://r.example/1.png"


@virtual(task_seconds=5)
async def test_a_request_with_a_job_says_so(a2e, sim):
    """In its repr, as JSON, and where it is pickled."""
    image = a2e.text_to_image("a red kite")
    request = ImageToVideo(image, **WORDS)
    assert "Job text_to_image queued" in repr(request)
    assert "text_to_image" in request.to_dict()["image_url"]["job"]
    with pytest.raises(TypeError, match="attach"):
        pickle.dumps(request)
    assert pickle.loads(pickle.dumps(request.without_jobs())).prompt == "it climbs"
    await image


@virtual(task_seconds=5)
async def test_a_quote_needs_no_image(a2e, sim):
    """The price of a second step can be asked for before the first is done; where a URL decides it, that is said."""
    image = a2e.text_to_image("a red kite")
    assert (await a2e.quote(ImageToVideo(image, **WORDS))).coins == 30
    with pytest.raises(InvalidRequestError, match=r"source_url: .*upload"):
        await a2e.quote(Upscale(image))
    await image
    assert starts(sim) == {"text_to_image": 1}


def test_inputs_are_read_off_requests():
    """What holds only URLs has none; lists and objects are looked through."""
    result = Result((Record(id="1", urls=("https://r.example/1.png",)),))
    assert inputs_in(TextToImage("a red kite")) == {}
    assert inputs_in(ImageToVideo("https://f.example/a.png", **WORDS)) == {}
    assert set(inputs_in(VirtualTryOn([SHOES, result]))) == {"image_urls"}
    assert TextToImage("a red kite") == IMAGE
