"""An operation done for a caller: noted as theirs, shown as they may see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from renwei.app.house import asked
from renwei.core.operations import Operation
from renwei.core.shop import Progress, silent
from renwei.doors.http.places import Call
from renwei.trust import audit


def done(
    call: Call,
    operation: Operation,
    fields: Mapping[str, Any],
    *,
    progress: Progress = silent,
    noted: str = "",
) -> Any:
    """The answer of an operation; the audit log has it before the caller.

    Args:
        call: The request.
        operation: What is done.
        fields: What it is asked.
        progress: Told how far it is.
        noted: What the audit log calls it, where it is not called like the operation.

    Raises:
        RenweiError: Whatever the operation refuses.
    """
    request = asked(operation, fields)
    with audit.acting(call.caller.id), call.house.answering(operation):
        answer = call.house.run(operation, request, call.language, progress)
        shop = call.house.shop()
        audit.note_answer(shop, call.caller.id, noted or operation.name, request, answer)
    return answer
