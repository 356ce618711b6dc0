"""The mock's own resource `/mock/faults`: lists faults, adds one, removes all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.mock_pbx.fault_spec import fault_from, fault_view
from scenario_runner.mock_pbx.replies import NOT_ALLOWED, Reply, complaint, json_object, told

if TYPE_CHECKING:
    from scenario_runner.mock_pbx.faults import FaultPlan


def dispatch(plan: FaultPlan, method: str, body: bytes) -> Reply:
    """Answer a request to `/mock/faults`."""
    match method:
        case "GET":
            return told(200, {"faults": [fault_view(one) for one in plan.all]})
        case "POST":
            return _add(plan, body)
        case "DELETE":
            plan.clear()
            return Reply(204)
        case _:
            return NOT_ALLOWED


def _add(plan: FaultPlan, body: bytes) -> Reply:
    said = json_object(body)
    if said is None:
        return complaint(400, "request body must be a JSON object")
    try:
        plan.add(fault_from(said))
    except ValueError as error:
        return complaint(400, str(error))
    return told(201, fault_view(plan.all[-1]))
