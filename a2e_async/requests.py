"""Every request class of the package. Each is loaded when it is first asked for: nobody waits for those of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from a2e_async.families import names, request_class

if TYPE_CHECKING:  # one line for each family
    from a2e_async.families.actor_swap import ActorSwap as ActorSwap
    from a2e_async.families.avatar_video import AvatarVideo as AvatarVideo
    from a2e_async.families.caption_removal import CaptionRemoval as CaptionRemoval
    from a2e_async.families.dubbing import Dubbing as Dubbing
    from a2e_async.families.face_swap import FaceSwap as FaceSwap
    from a2e_async.families.face_swap_preview import FaceSwapPreview as FaceSwapPreview
    from a2e_async.families.flux2 import Flux2 as Flux2
    from a2e_async.families.gpt_image import GptImage as GptImage
    from a2e_async.families.grok_video import GrokVideo as GrokVideo
    from a2e_async.families.hailuo import Hailuo as Hailuo
    from a2e_async.families.happy_horse import HappyHorse as HappyHorse
    from a2e_async.families.head_swap import HeadSwap as HeadSwap
    from a2e_async.families.image_edit import ImageEdit as ImageEdit
    from a2e_async.families.image_to_video import ImageToVideo as ImageToVideo
    from a2e_async.families.kling_image import KlingImage as KlingImage
    from a2e_async.families.kling_omni import KlingOmni as KlingOmni
    from a2e_async.families.kling_video import KlingVideo as KlingVideo
    from a2e_async.families.minimax_h3 import MinimaxH3 as MinimaxH3
    from a2e_async.families.motion_transfer import MotionTransfer as MotionTransfer
    from a2e_async.families.nano_banana import NanoBanana as NanoBanana
    from a2e_async.families.photobook import Photobook as Photobook
    from a2e_async.families.product_avatar import ProductAvatar as ProductAvatar
    from a2e_async.families.qwen_image import QwenImage as QwenImage
    from a2e_async.families.seedance import Seedance as Seedance
    from a2e_async.families.seedance2 import Seedance2 as Seedance2
    from a2e_async.families.sora import Sora as Sora
    from a2e_async.families.sound import Sound as Sound
    from a2e_async.families.talking_photo import TalkingPhoto as TalkingPhoto
    from a2e_async.families.talking_video import TalkingVideo as TalkingVideo
    from a2e_async.families.text_to_image import TextToImage as TextToImage
    from a2e_async.families.upscale import Upscale as Upscale
    from a2e_async.families.veo import Veo as Veo
    from a2e_async.families.video_twin import VideoTwin as VideoTwin
    from a2e_async.families.virtual_try_on import VirtualTryOn as VirtualTryOn
    from a2e_async.families.voice_training import VoiceTraining as VoiceTraining
    from a2e_async.families.wan26_image import Wan26Image as Wan26Image
    from a2e_async.families.wan26_r2v import Wan26R2v as Wan26R2v
    from a2e_async.families.wan27_image import Wan27Image as Wan27Image
    from a2e_async.families.wan30 import Wan30 as Wan30
    from a2e_async.families.wan_spicy import WanSpicy as WanSpicy
    from a2e_async.families.wan_video import WanVideo as WanVideo
else:

    def __getattr__(name: str) -> object:
        return request_class(name)


def __dir__() -> list[str]:
    return sorted(names())
