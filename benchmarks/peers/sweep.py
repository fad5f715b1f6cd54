"""Sweeping ef for several libraries in turns: the recall of each knob, the speed of those that matter, and the medians.

A row is a dictionary of one library or variant; `calibrate` puts its points into it, rounds put their speeds into the
points, `summarise` and `ratios` say what they come to.
"""
import statistics

import scoring
from variants import ENOUGH, KNOBS, TARGETS


def calibrate(row, recall_at, part, knobs=KNOBS):
    """One call per knob, not timed, for the recall; stops where the recall is enough."""
    points = []
    for ef in knobs:
        part(len(points) / len(knobs))
        points.append({"ef": ef, "recall": recall_at(ef), "qps": [], "wall_qps": []})
        if points[-1]["recall"] >= ENOUGH:
            break
    row["points"], row["timed"] = points, _worth_timing([point["recall"] for point in points])


def timed(row):
    return row["points"][slice(*row["timed"])]


def turns(rows, number, part):
    """(name, point) of all {name: row}, knob by knob, A B C ... at each, and in every other round ... C B A.

    So what is compared was measured within the same second or two, whatever else the machine does, and no
    variant always follows the same neighbour.
    """
    names = list(rows)[::-1] if number % 2 else list(rows)
    points = {name: timed(rows[name]) for name in names}
    most = max((len(each) for each in points.values()), default=0)
    for i in range(most):
        part(i / (most + 1))
        yield from ((name, points[name][i]) for name in names if i < len(points[name]))


def time_point(worker, point, options):
    """Times one knob; the share of the wall time that other jobs had."""
    answer = worker.ask("search", ef=point["ef"], k=options.k, seconds=options.seconds)
    point["qps"].append(answer["qps"])
    point["wall_qps"].append(answer["wall_qps"])
    return answer["lost"]


def summarise(row):
    """Medians over the rounds; a round's speed at a recall is interpolated within that round."""
    points = timed(row)
    rounds = min((len(point["qps"]) for point in points), default=0)
    row["rounds"] = [{str(t): scoring.at_recall([(p["recall"], p["qps"][i]) for p in points], t) for t in TARGETS}
                     for i in range(rounds)]
    row["at_recall"] = {}
    for target in TARGETS:
        speeds = [speed[str(target)][0] for speed in row["rounds"] if speed[str(target)][0]]
        if speeds:
            row["at_recall"][str(target)] = {"qps": median(speeds), "floor": row["rounds"][0][str(target)][1]}
    for point in row["points"]:
        point["median_qps"], point["median_wall_qps"] = median(point["qps"]), median(point["wall_qps"])


def ratios(rows):
    """Ratio at equal recall, to every other variant: the median of the ratios within each round."""
    for row in rows:
        for target, entry in row["at_recall"].items():
            entry["ratio"] = {}
            for other in rows:
                if target in other["at_recall"]:
                    mine, theirs = ([r[target][0] for r in x["rounds"]] for x in (row, other))
                    entry["ratio"][other["variant"]] = median_ratio(mine, theirs)


def _worth_timing(recalls):
    """The stretch of knobs to time: from the last one below every target to the first one past the last target.

    Where a target is out of reach, no more than two knobs past the last reached one: speed there answers nothing.
    """
    start = max([i for i, value in enumerate(recalls) if value < TARGETS[0]], default=0)
    reached = [target for target in TARGETS if max(recalls) >= target]
    if len(reached) == len(TARGETS):
        return start, len(recalls)
    last = next((i for i, value in enumerate(recalls) if reached and value >= reached[-1]), start)
    return start, last + 3


def median(values):
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def median_ratio(mine, theirs):
    return median([a / b for a, b in zip(mine, theirs) if a and b])
