"""Traces by OpenTelemetry, where somebody collects them."""

import os

from fastapi import FastAPI
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

COLLECTOR = "OTEL_EXPORTER_OTLP_ENDPOINT"
UNTRACED = "^https?://[^/]+/(health|ready|metrics|live|login|static)"
"""Of no interest; of `/login`, a link's key is in the path."""


def trace(app: FastAPI) -> None:
    """Send a span for each request to the collector that the environment names; without one there are none."""
    if not os.environ.get(COLLECTOR):
        return
    provider = TracerProvider(resource=Resource.create({"service.name": "overskill-control-plane"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    FastAPIInstrumentor.instrument_app(app, tracer_provider=provider, excluded_urls=UNTRACED)
