"""The kinds of record this room brings to the catalog, all under ``workloads``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planner.catalog.kinds import Kind, register

if TYPE_CHECKING:
    from planner.workload.api_price import ApiPrice
    from planner.workload.deal import Deal
    from planner.workload.distillation import DistillationRecipe
    from planner.workload.diurnal import Diurnal
    from planner.workload.dossier import Dossier
    from planner.workload.engine import EngineProfile
    from planner.workload.fine_tuning import FineTuning
    from planner.workload.formats import WeightFormat
    from planner.workload.jobs import JobSet
    from planner.workload.launcher import Launcher
    from planner.workload.post_training import PostTraining
    from planner.workload.record import ModelRecord
    from planner.workload.scaling import ScalingLaw
    from planner.workload.scenario import Scenario
    from planner.workload.shape import Shape
    from planner.workload.software import SoftwareProfile
    from planner.workload.speculation import Speculation
    from planner.workload.traffic import TrafficProfile
    from planner.workload.training_recipe import Overhead, TrainingRecipe
    from planner.workload.yardstick import Yardstick

__all__ = [
    "API_PRICE",
    "DEAL",
    "DISTILLATION",
    "DIURNAL",
    "DOSSIER",
    "ENGINE",
    "FINE_TUNING",
    "FORMAT",
    "JOBS",
    "LAUNCHER",
    "MODEL",
    "OVERHEAD",
    "POST_TRAINING",
    "SCALING",
    "SHAPE",
    "SOFTWARE",
    "SPECULATION",
    "TRAFFIC",
    "TRAINING_RECIPE",
    "YARDSTICK",
]

MODEL: Final[Kind[ModelRecord]] = register(
    Kind("model", "workloads/models", "planner.workload.record:ModelRecord")
)
SOFTWARE: Final[Kind[SoftwareProfile]] = register(
    Kind("software", "workloads/software", "planner.workload.software:SoftwareProfile")
)
ENGINE: Final[Kind[EngineProfile]] = register(
    Kind("engine", "workloads/engines", "planner.workload.engine:EngineProfile")
)
FINE_TUNING: Final[Kind[FineTuning]] = register(
    Kind("fine-tuning", "workloads/fine_tuning", "planner.workload.fine_tuning:FineTuning")
)
FORMAT: Final[Kind[WeightFormat]] = register(
    Kind("format", "workloads/formats", "planner.workload.formats:WeightFormat")
)
SPECULATION: Final[Kind[Speculation]] = register(
    Kind("speculation", "workloads/speculation", "planner.workload.speculation:Speculation")
)
TRAFFIC: Final[Kind[TrafficProfile]] = register(
    Kind("traffic", "workloads/serving", "planner.workload.traffic:TrafficProfile")
)
SCALING: Final[Kind[ScalingLaw]] = register(
    Kind("scaling-law", "workloads/scaling", "planner.workload.scaling:ScalingLaw")
)
SHAPE: Final[Kind[Shape]] = register(Kind("shape", "workloads/shapes", "planner.workload.shape:Shape"))
DEAL: Final[Kind[Deal]] = register(Kind("deal", "workloads/deals", "planner.workload.deal:Deal"))
YARDSTICK: Final[Kind[Yardstick]] = register(
    Kind("yardstick", "workloads/yardsticks", "planner.workload.yardstick:Yardstick")
)
API_PRICE: Final[Kind[ApiPrice]] = register(
    Kind("api-price", "workloads/api_prices", "planner.workload.api_price:ApiPrice")
)
DISTILLATION: Final[Kind[DistillationRecipe]] = register(
    Kind("distillation", "workloads/distillation", "planner.workload.distillation:DistillationRecipe")
)
SCENARIO: Final[Kind[Scenario]] = register(
    Kind("scenario", "workloads/scenarios", "planner.workload.scenario:Scenario")
)
TRAINING_RECIPE: Final[Kind[TrainingRecipe]] = register(
    Kind("training-recipe", "workloads/training", "planner.workload.training_recipe:TrainingRecipe")
)
OVERHEAD: Final[Kind[Overhead]] = register(
    Kind("overhead", "workloads/overhead", "planner.workload.training_recipe:Overhead")
)
DOSSIER: Final[Kind[Dossier]] = register(
    Kind("dossier", "workloads/dossiers", "planner.workload.dossier:Dossier")
)
POST_TRAINING: Final[Kind[PostTraining]] = register(
    Kind("post-training", "workloads/post_training", "planner.workload.post_training:PostTraining")
)
DIURNAL: Final[Kind[Diurnal]] = register(
    Kind("diurnal", "workloads/diurnal", "planner.workload.diurnal:Diurnal")
)
JOBS: Final[Kind[JobSet]] = register(Kind("jobs", "workloads/jobs", "planner.workload.jobs:JobSet"))
LAUNCHER: Final[Kind[Launcher]] = register(
    Kind("launcher", "workloads/launchers", "planner.workload.launcher:Launcher")
)
