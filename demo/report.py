"""What happened against what should have: both truths, summary.json, the table and the verdict."""

import json
from typing import Any

import grpc

from demo import records, summary, truth
from demo.compare import Verdict, compare
from demo.measure import Counts
from demo.options import Options
from demo.replay import Sent
from demo.scorer import Scorer
from demo.screen import Screen
from demo.start import System
from demo.watch import Seen
from sightline.proto import featurizer_pb2, featurizer_pb2_grpc


def write(system: System, options: Options, screen: Screen, sent: list[Sent], seen: list[Seen], counted: Counts) -> int:
    """Returns the exit code. `sent` and `seen` are the stream's, without the warm-up."""
    model = served_model(system.featurizer_address)
    with screen.step("alerts topic, read by an independent client") as progress:
        ids = {event.id for event in sent}
        alerts = [each for each in records.alerts(system.bootstrap_servers) if each.event_id in ids]
        dead_letters = len(records.read(system.bootstrap_servers, "dead-letters"))
        progress(f"{len(alerts)} records")
    with screen.step("truth: the same model on the very bytes sent") as progress:
        scorer = Scorer(options.model_root / model["name"], model["engine"], system.spool)
        scorer.score_all([event.photo for event in truth.watched(sent)], progress)
        verdict = compare(truth.expected(sent, scorer.score), alerts)
    quality = truth.quality(sent, lambda photo: system.spool[photo].subject, {alert.event_id for alert in alerts})
    figures = {
        "events_sent": len(sent),
        "events_joined": counted.joined,
        "images_scored": counted.images_scored,
        "alerts": verdict.alerts,
        "expected_alerts": verdict.expected,
        "missed": verdict.missed,
        "doubled": verdict.doubled,
        "false_alerts": verdict.false_alerts,
        "dead_letters": dead_letters,
        "model_recall": round(quality.recall, 4),
        "model_precision": round(quality.precision, 4),
        "event_to_alert_ms": summary.event_to_alert_ms(seen),
        "stage_ms": summary.stage_ms(seen),
        "model": model,
        "transport": options.transport,
        "rate": options.rate,
        "sender_late_ms": summary.percentiles([event.late_us / 1e3 for event in sent], 50, 99),
        "outcomes": dict(counted.by_outcome),
        "cpu": summary.cpu(),
    }
    (options.directory / "summary.json").write_text(json.dumps(figures, indent=2) + "\n")
    _show(screen, figures, verdict, options)
    return 0 if verdict.right else 1


def _show(screen: Screen, figures: dict[str, Any], verdict: Verdict, options: Options) -> None:
    model = figures["model"]
    note = f"{model['name']} {model['size']}x{model['size']} on {model['engine']}, {figures['cpu']}"
    screen.table("Find Bond", summary.rows(figures), note)
    screen.say(f"[dim]{options.directory / 'summary.json'}[/]")
    if verdict.right:
        screen.verdict(True, f"every one of {verdict.expected} expected alerts came, once")
    else:
        screen.verdict(
            False, f"{verdict.missed} alerts missed, {verdict.false_alerts} false, {verdict.doubled} doubled"
        )


def served_model(address: str) -> dict[str, Any]:
    """What the featurizer says it serves."""
    with grpc.insecure_channel(address) as channel:
        stub = featurizer_pb2_grpc.FeaturizerStub(channel)
        models = stub.ListModels(featurizer_pb2.ListModelsRequest(), timeout=10).models
    return {"name": models[0].name, "size": models[0].input_size, "engine": models[0].engine}
