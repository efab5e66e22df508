"""The main job over loopback with real files: text to image to video to disk."""

from __future__ import annotations

import asyncio
import io

import av
import pytest
from PIL import Image

from a2e_async import A2EClient, Cadence, ImageToVideo, TextToImage
from a2e_async.simulator import serve


@pytest.fixture
async def sim():
    """A quick simulator on a socket."""
    async with serve(speed=50, media="tiny", coins=1_000_000) as running:
        yield running


@pytest.fixture
async def a2e(sim):
    """An open client of that simulator."""
    async with A2EClient(sim.token, base_url=sim.url, cadence=Cadence(delay=0.1)) as client:
        yield client


def frames(path):
    """Decode every frame of a video."""
    with av.open(str(path)) as video:
        return [frame.to_image() for frame in video.decode(video=0)]


@pytest.mark.parametrize("media", ["pretty", "plain", "tiny"])
async def test_five_lines_from_words_to_a_video_on_disk(monkeypatch, tmp_path, media):
    """The lines that the design promises: settings from the environment, one await each, a video that plays."""
    async with serve(speed=50, media=media) as sim:
        monkeypatch.setenv("A2E_API_KEY", sim.token)
        monkeypatch.setenv("A2E_BASE_URL", sim.url)
        monkeypatch.chdir(tmp_path)

        async with A2EClient() as a2e:
            images = await a2e.text_to_image("a red kite", width=1024, height=768)
            video = await a2e.image_to_video(images.url, prompt="the kite climbs", negative_prompt="blurry")
            paths = await a2e.download(video, "out/")

        assert [path.parent.name for path in paths] == ["out"]
        assert paths[0].suffix == ".mp4"
        assert len(frames(paths[0])) >= 2
        assert (sim.book.spent, images.coins, video.coins) == (40, 10, 30)
        assert [file.name for file in (tmp_path / "out").iterdir()] == [paths[0].name]


async def test_a_image_arrives_whole_and_in_its_size(tmp_path):
    """What was asked for is what is on disk, byte for byte decodable."""
    async with serve(speed=50) as sim, A2EClient(sim.token, base_url=sim.url) as a2e:
        result = await a2e.text_to_image("a red kite", width=320, height=240)
        (path,) = await a2e.download(result, tmp_path, name="kite")
        assert path == tmp_path / "kite.png"
        with Image.open(path) as image:
            image.load()
            assert image.size == (320, 240)


async def test_an_upload_becomes_a_video(a2e, sim, tmp_path):
    """An image of the user's own is uploaded, and the video begins with it."""
    own = tmp_path / "my own kite.png"
    Image.new("RGB", (64, 48), (200, 30, 30)).save(own)
    seen = []
    link = await a2e.upload(own, progress=lambda sent, total: seen.append((sent, total)))
    size = own.stat().st_size
    assert seen[-1] == (size, size)
    result = await a2e.image_to_video(image_url=link, prompt="it climbs", negative_prompt="blurry")
    (path,) = await a2e.download(result, tmp_path / "videos")
    assert len(frames(path)) >= 2
    assert [task.fields["image_url"] for task in sim.world.tasks] == [link]


async def test_sixty_jobs_at_once(a2e, sim, tmp_path):
    """Sixty videos run side by side with few polls, each is paid once, and all files arrive whole."""
    jobs = [
        a2e.image_to_video(f"http://example.com/{number}.png", prompt=f"video {number}", negative_prompt="blurry")
        for number in range(60)
    ]
    results = await asyncio.gather(*jobs)
    assert sim.book.spent == 60 * 30
    assert set(sim.book.bills_by_tag().values()) == {1}
    assert sim.counters["image_to_video.batch"] <= 20
    assert sim.counters["image_to_video.detail"] == 0
    folders = await asyncio.gather(*(a2e.download(result, tmp_path) for result in results))
    assert len({path for paths in folders for path in paths}) == 60
    assert len(list(tmp_path.iterdir())) == 60
    assert all(len(frames(path)) >= 2 for path in tmp_path.iterdir())


async def test_several_images_of_one_start_are_several_files(a2e, tmp_path):
    """Four images are four files with numbered names, in the order of the reply."""
    result = await a2e.start(TextToImage("four kites", max_images=4, name="kites"))
    paths = await a2e.download(result, tmp_path, name="kite")
    assert [path.name for path in paths] == ["kite-1.png", "kite-2.png", "kite-3.png", "kite-4.png"]
    assert all(Image.open(io.BytesIO(path.read_bytes())).format == "PNG" for path in paths)


async def test_a_chain_of_many_images_into_videos(a2e, sim, tmp_path):
    """A fan-out whose second step starts from the links of the first."""
    videos = []
    prompts = [TextToImage(f"kite {number}", width=64, height=64) for number in range(20)]
    async for image in a2e.as_completed(prompts, max_running=8):
        url = (await image).url
        videos.append(a2e.start(ImageToVideo(url, prompt="it climbs", negative_prompt="blurry")))
    results = await asyncio.gather(*videos)
    assert len({result.url for result in results}) == 20
    assert sim.book.spent == 20 * 40


async def test_balance_and_quote_tell_the_coins(a2e, sim):
    """What is left, and what a start would cost, without starting it."""
    request = ImageToVideo("http://example.com/a.png", prompt="it climbs", negative_prompt="blurry", video_time=10)
    assert (await a2e.balance()).coins == 1_000_000
    assert (await a2e.quote(request)).coins == 60
    assert (await a2e.start(request)).coins == 60
    assert (await a2e.balance()).coins == 999_940
    assert a2e.spent == 60
