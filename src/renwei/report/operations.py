"""What this rib can do: the report of a day or a week, and the rows behind its numbers."""

from __future__ import annotations

from renwei.core.operations import operation
from renwei.core.shop import Shop
from renwei.report.answers import ReportAnswer, ReportRequest, RowsAnswer, RowsRequest


@operation("report", ReportRequest, http="GET /v1/report")
def report(shop: Shop, request: ReportRequest) -> ReportAnswer:
    """What changed, whether it is noise, where it comes from, and what to do.

    Raises:
        UnknownName: No such period (code unknown_period).
        BadInput: The day is none or lies ahead, or the file's ending is neither .xlsx nor
            .svg (codes bad_day, day_ahead, report_ending).
        Unavailable: The file cannot be written (code report_unwritable).
    """
    from renwei.report.downloads import check_place, write_report
    from renwei.report.telling import tell

    if request.out is not None:
        check_place(request.out, (".xlsx", ".svg"))
    answer = tell(shop, request)
    if request.out is not None:
        write_report(shop, answer, request.out)
        answer.out = str(request.out)
    return answer


@operation("report-rows", RowsRequest, http="GET /v1/report/rows")
def report_rows(shop: Shop, request: RowsRequest) -> RowsAnswer:
    """The orders behind a number of the report; their sum is the number.

    Raises:
        UnknownName: No such number or group (codes unknown_metric, unknown_group).
        BadInput: The span ends before it begins (code report_span), or the file's ending is
            not .xlsx (code report_ending).
        Unavailable: The file cannot be written (code report_unwritable).
    """
    from renwei.report.downloads import check_place, write_rows
    from renwei.report.rows import rows

    if request.out is not None:
        check_place(request.out, (".xlsx",))
    answer = rows(shop, request)
    if request.out is not None:
        write_rows(shop, answer, request.out)
        answer.out = str(request.out)
        answer.rows = answer.rows[: request.limit]
    return answer
