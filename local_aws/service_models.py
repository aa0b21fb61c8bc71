"""AWS's models of services as boto3 has them, whatever profile the environment names."""

from __future__ import annotations

from botocore.loaders import Loader
from botocore.model import ServiceModel


def load(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)
