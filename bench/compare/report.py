"""A table for people, figures for programs, and a plot."""

import html
import json
import statistics
import typing


class Ratio(typing.NamedTuple):
    """What a row costs, as a part of what it costs a peer."""
    row: str
    peer: str
    value: float
    low: float
    high: float
    must: float
    goal: float


def ratio_lines(rows, results):
    """Each budget: what is asked, what was measured. Peers of a round ran one right after the other, so the figure is
    the median of the rounds' ratios; the least and the largest say how far it moves."""
    lines = []
    for row in rows:
        mine = results["cpu"].get(row.name, {}).get("proxy")
        for peer in row.must:
            other = results["cpu"].get(row.name, {}).get(peer)
            if mine and other:
                ratios = sorted(one / two for one, two in zip(mine["rounds"], other["rounds"]))
                lines.append(Ratio(row.name, peer, statistics.median(ratios), ratios[0], ratios[-1], row.must[peer], row.goal[peer]))
    return lines


def verdict(value, must, goal):
    return "goal" if value <= goal else "must" if value <= must else "missed"


def markdown(rows, peers, results):
    names = [peer.name for peer in peers]
    out = [f"Measured {results['date']} on {results['cpu_name']}, one core per peer, revision {results['versions']['revision']}; "
           f"median of {results['rounds']} rounds of {results['seconds']} s, in turn, and of {results['budget_rounds']} where there is a budget. "
           f"Network: {results['network']}.", "",
           "CPU per request in µs: user + system time of the peer's process.", "",
           "| work | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    for row in rows:
        if row.name not in results["cpu"]:
            continue  # this run left it out
        cells = []
        for name in names:
            one = results["cpu"].get(row.name, {}).get(name)
            cells.append(f"{one['cpu']:.1f} ({one['user']:.1f} user)" if one else "–")
        out.append(f"| {row.name} | " + " | ".join(cells) + " |")
    out += ["", "Budgets: the median of the rounds' ratios, which is not quite the ratio of the medians above.", "", "| work | against | measured | of its rounds | must | goal | |", "|---|---|---|---|---|---|---|"]
    for one in ratio_lines(rows, results):
        out.append(f"| {one.row} | {one.peer} | {one.value:.2f} | {one.low:.2f} to {one.high:.2f} | {one.must:.2f} | {one.goal:.2f} "
                   f"| {verdict(one.value, one.must, one.goal)} |")
    for key, title, must, goal in (("first", "exec to the first proxied 200, ms", 8, 5), ("idle", "resident memory after one request, MB", 14, 8)):
        if results.get(key):
            out.append(f"| {title} | | {results[key]['proxy']:.1f} | | {must} | {goal} | {verdict(results[key]['proxy'], must, goal)} |")
    for key, title in (("first", "Exec to the first proxied 200, ms"), ("idle", "Resident memory after one request, MB"),
                       ("loaded", "Resident memory after the 25 B load, MB")):
        if results.get(key):
            out += ["", f"{title}: " + ", ".join(f"{name} {value:.1f}" for name, value in results[key].items()) + "."]
    if results.get("held"):
        counts = sorted({int(count) for one in results["held"].values() for count in one})
        out += ["", "Resident memory with so many idle connections after one request each, MB:", "",
                "| peer | " + " | ".join(f"{count}" for count in counts) + " |", "|---|" + "---|" * len(counts)]
        for name, one in results["held"].items():
            out.append(f"| {name} | " + " | ".join(f"{one[str(count)]:.0f}" if str(count) in one else "–" for count in counts) + " |")
    out += services(results.get("services", {})) + sizes(results.get("smallest sizes", {}))
    if results.get("instructions"):
        counts = ", ".join(f"{name} {count:.0f}" for name, count in results["instructions"].items())
        out += ["", f"Instructions of a request outside the kernel, proxy, callgrind: {counts}."]
    if results.get("latency"):
        out += ["", f"Latency at {results['latency_rate']} requests a second, 25 B, 64 connections, ms:", "", "| peer | p50 | p99 | p99.9 |", "|---|---|---|---|"]
        out += [f"| {name} | " + " | ".join(f"{value:.2f}" for value in one) + " |" for name, one in results["latency"].items()]
    out += ["", "What was on: " + "; ".join(f"**{peer.name}**: {peer.features}" for peer in peers) + ".",
            "", "Versions: " + ", ".join(f"{name} {version}" for name, version in results["versions"].items()) + "."]
    return "\n".join(out) + "\n"


def services(results):
    """The pages, beside the same bytes from others."""
    if not results:
        return []
    out = ["", "The other two services, CPU per request in µs, and the same bytes from a minimal axum program (which asks for the message, too, "
           "where the page does) and from nginx as a static file:", "",
           "| what | asked for | answer | µs | requests per CPU second | axum | nginx | exec to first answer, ms | resident after the load, MB |", "|---|" + "---|" * 8]
    for name, one in results.items():
        out.append(f"| {name} | `{one['path']}` | {one['bytes']} B | {one['cpu']:.1f} | {1e6 / one['cpu']:.0f} | {one['axum']:.1f} | {one['nginx']:.1f} "
                   f"| {one['first']:.1f} | {one['resident']:.0f} |")
    return out


def sizes(results):
    """Start, memory and load within a limit."""
    if not results:
        return []
    if "reason" in results:
        return ["", f"Under Cloud Run's smallest sizes: not measured, {results['reason']}."]
    out = ["", f"Under Cloud Run's smallest sizes, in a control group (version {results['groups']}) with that limit; 64 connections. The processor's share is Linux's quota: its time in every "
           "100 ms, and then it waits. Resident is VmHWM; charged is all that the kernel counted for the group, buffers of sockets included, without what of the "
           "program's file was in the page cache before:", "",
           "| size | what | exec to first 200, ms | resident after it, MB | after the load, MB | charged at most, MB | requests a second | failed | killed |", "|---|" + "---|" * 8]
    said = lambda value, digits: "–" if value is None else f"{value:.{digits}f}"   # nothing to say of what was killed
    for size, programs in results["sizes"].items():
        for name, one in programs.items():
            out.append(f"| {size} | {name} | {said(one['first'], 0)} | {said(one['idle'], 1)} | {said(one['peak'], 1)} "
                       f"| {said(one['charged'], 1)} | {said(one['rate'], 0)} | {said(one['failed'], 0)} | {'yes' if one['killed'] else 'no'} |")
    return out


COLOURS = ["#0b7285", "#e8590c", "#f59f00", "#2f9e44", "#5f3dc4", "#868e96"]


def svg(rows, peers, results):
    """CPU per request as bars, a group per kind of work."""
    bars, y, width, label = [], 40, 900, 260
    # large bodies and handshakes are on another scale
    shown = [row for row in rows if row.name in results["cpu"] and row.role != "tls" and not row.upload and row.path != "/f1m"]
    most = max(one["cpu"] for row in shown for one in results["cpu"][row.name].values())
    for row in shown:
        group = results["cpu"][row.name]
        bars.append(f'<text x="{label - 10}" y="{y + 11 * len(group) / 2 + 4:.0f}" text-anchor="end">{html.escape(row.name)}</text>')
        for peer, colour in zip(peers, COLOURS):
            if peer.name in group:
                length = group[peer.name]["cpu"] / most * (width - label - 60)
                bars.append(f'<rect x="{label}" y="{y}" width="{length:.1f}" height="9" fill="{colour}"/>'
                            f'<text x="{label + length + 5:.1f}" y="{y + 9}" class="n">{group[peer.name]["cpu"]:.1f}</text>')
                y += 11
        y += 14
    legend = "".join(f'<rect x="{10 + at * 148}" y="8" width="9" height="9" fill="{colour}"/><text x="{23 + at * 148}" y="17" class="n">{html.escape(peer.name[:22])}</text>'
                     for at, (peer, colour) in enumerate(zip(peers, COLOURS)))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" font-family="sans-serif" font-size="12">'
            f'<title>CPU per request, microseconds; less is better</title><style>.n{{font-size:10px}}</style>'
            f'<rect width="{width}" height="{y}" fill="#fff"/>{legend}{"".join(bars)}</svg>\n')


def write(directory, rows, peers, results):
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (directory / "results.md").write_text(markdown(rows, peers, results))
    (directory / "results.svg").write_text(svg(rows, peers, results))
