"""From signals to the columns that the choice model weighs."""

from __future__ import annotations

import numpy as np

from renwei.learn.sessions.past import Floats
from renwei.learn.sessions.signals import Signals

_LEAST = 1e-3


def columns(signals: Signals) -> Floats:
    """Return shape (candidates, columns), on scales on which a weighted sum makes sense.

    Shares enter as logarithms: their product is the natural first guess. What concerns items of
    this session stands apart from what concerns others, since coming back is another habit.
    """
    prefix = signals.prefix
    length, distinct = np.log(max(prefix.length, 1)), np.log(max(len(prefix.item), 1))
    inside = (signals.count > 0).astype(float)
    last = (signals.step == 1).astype(float)
    top_near, top_kin, top_follow = signals.peaks
    kin, near, follow = signals.kin / top_kin, signals.near / top_near, signals.follow / top_follow
    log_kin, log_near, log_follow = _log(kin), _log(near), _log(follow)
    one, two, three = (_log(x) for x in signals.next)
    known = np.log1p(signals.last_clicks)
    trend = np.log((signals.fast + 1) / (signals.slow + 1))
    fast = np.log1p(signals.fast)
    come_back = [
        inside,
        last,
        inside * np.log(np.maximum(signals.step, 1)),
        np.log1p(signals.count),
        inside * length,
        inside * distinct,
        last * length,
        last * distinct,
        inside * np.log1p(signals.sessions),
        inside * known,
        last * known,
        inside * fast,
        inside * trend,
        last * one,
        last * two,
        inside * log_follow,
        *(last * (prefix.run == run) for run in (2, 3)),
        last * (prefix.run > 3),
        *(last * (prefix.length == clicks) for clicks in (1, 2, 3)),
        inside * (prefix.length == 2),
    ]
    others = 1 - inside
    by_others = [
        log_kin,
        log_near,
        log_follow,
        one,
        two,
        three,
        _log(signals.before),
        _log(signals.after_other),
        _log(signals.kin_last),
        _log(signals.with_last),
        _log(signals.lately),
        _log(signals.nearest),
        others * log_kin,
        others * log_follow,
        others * one,
        known * one,
        distinct * log_kin,
        distinct * log_follow,
        distinct * one,
        np.log(1e-5 + kin),
        np.log(1e-5 + follow),
        kin,
        near,
        follow,
        signals.next[0],
    ]
    liked = [trend, fast, np.log1p(signals.slow), np.log1p(signals.clicks)]
    return np.stack([*come_back, *by_others, *liked], axis=1)


def _log(values: Floats) -> Floats:
    return np.asarray(np.log(_LEAST + values))
