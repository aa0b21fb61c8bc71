"""The embedding models of Bedrock that this package knows, and how a setting names one: by its id, by a cross-region
inference profile, or by the ARN of either.

Sources: the Bedrock user guide's pages of the models (limits, profiles) and of inference profiles (regions).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from stchat.environment import EMBEDDING_MODEL
from stchat.errors import SettingsError

GLOBAL = "global"
_US = ("us-east-1", "us-east-2", "us-west-2")
_EU = ("eu-central-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-3")


@dataclass(frozen=True)
class EmbeddingModel:
    """`name` is what the database knows vectors by."""

    name: str
    characters: int
    """Of a text that are sent."""
    surely_read: int
    """Characters taken as no more tokens than the model reads, in any language."""
    call_characters: int
    """Of all texts of a call."""
    truncate: str
    """The value of the parameter by which the model leaves out the end of a text that is too long."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """What a request has besides."""
    profiles: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    """Prefix of an inference profile -> the region that calls it -> the regions that it may be answered in."""
    price: str = "embedding_token"
    """Of a token, by its name in the price list."""


_V3 = {"characters": 2_048, "surely_read": 500, "call_characters": 96 * 2_048, "truncate": "END"}
MODELS: Mapping[str, EmbeddingModel] = {
    model.name: model
    for model in (
        EmbeddingModel(name=EMBEDDING_MODEL, **_V3),  # type: ignore[arg-type]
        EmbeddingModel(name="cohere.embed-english-v3", **_V3),  # type: ignore[arg-type]
        EmbeddingModel(
            name="cohere.embed-v4:0",
            # 128K tokens for all of a call, and what people write has no more tokens than characters.
            characters=128_000,
            surely_read=128_000,
            call_characters=128_000,
            truncate="RIGHT",
            parameters={"embedding_types": ["float"], "output_dimension": 1024},
            profiles={
                "us": dict.fromkeys(_US, _US) | {"us-west-1": ("us-east-1", "us-east-2", "us-west-1", "us-west-2")},
                "eu": dict.fromkeys(_EU, _EU),
                GLOBAL: {},  # from any region to any
            },
            price="embedding_v4_token",
        ),
    )
}
_ARN = re.compile(
    r"arn:aws[a-z-]*:bedrock:(?P<region>[a-z0-9-]+):(?P<account>\d{12})?:"
    r"(?P<kind>foundation-model|inference-profile)/(?P<id>[^/]+)"
)


@dataclass(frozen=True)
class ModelId:
    """What a setting names: `model`, by `profile` (None: as it is in one region); `region`, `account`: of an ARN."""

    model: EmbeddingModel
    profile: str | None = None
    region: str | None = None
    account: str | None = None

    @property
    def profile_id(self) -> str:
        return f"{self.profile}.{self.model.name}"


@cache
def parse(model_id: str, field: str = "STCHAT_EMBEDDING_MODEL") -> ModelId:
    """Raises SettingsError, which names `field`: a model or a profile that is not known."""
    arn = _ARN.fullmatch(model_id)
    name = arn["id"] if arn else model_id
    profile, _, rest = name.partition(".")
    if rest in MODELS and profile in MODELS[rest].profiles and not (arn and arn["kind"] == "foundation-model"):
        found = ModelId(MODELS[rest], profile)
    elif name in MODELS and not (arn and arn["kind"] == "inference-profile"):
        found = ModelId(MODELS[name])
    else:
        raise SettingsError(
            f"{field} must be the id or the ARN of one of {', '.join(KNOWN)}, got {model_id[:200]}: another model needs"
            " a class of its own with the methods of Embedder (stchat/chat/embeddings.py)"
        )
    if not arn:
        return found
    return ModelId(found.model, found.profile, arn["region"], arn["account"])


def price_name(model_id: object = EMBEDDING_MODEL) -> str:
    """The price of a token in the price list; of what is not known here, the baseline model's."""
    try:
        return parse(str(model_id)).model.price
    except SettingsError:
        return MODELS[EMBEDDING_MODEL].price


KNOWN = tuple(MODELS) + tuple(f"{profile}.{model.name}" for model in MODELS.values() for profile in model.profiles)


def destinations(found: ModelId, region: str, field: str = "embedding_model") -> tuple[str, ...]:
    """The regions whose model a call from `region` may reach; "" is the global profile's, of no region.

    Raises SettingsError: the profile cannot be called from there.
    """
    if found.profile is None:
        return (region,)
    if found.profile == GLOBAL:
        return (region, "")
    sources = found.model.profiles[found.profile]
    if region not in sources:
        raise SettingsError(
            f"{field} must be a profile that {region} may call, got {found.profile_id}: that is for"
            f" {', '.join(sources)}; take {GLOBAL}.{found.model.name}, or set embedding_region"
        )
    return sources[region]
