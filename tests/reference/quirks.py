"""Where Argus's records differ from karma's, by name: docs/flow-record.md says what each is.

A difference is a pair of rows, Argus's and karma's, and a column in which they are not equal. The
rows are dictionaries of text as ra and `karma flows` print them; argus.py adds to karma's what
only the other rows or its counters tell ("late", "kept", "more", "zero", "refused", "backwards").
"""

SIDES = {"Spkts": "Dpkts", "sbytes": "dbytes", "sttl": "dttl", "Sload": "Dload", "smeansz": "dmeansz",
         "Sintpkt": "Dintpkt", "Sjit": "Djit", "sloss": "dloss", "swin": "dwin", "stcpb": "dtcpb",
         "srcip": "dstip"}
SIDES.update({d: s for s, d in list(SIDES.items())})
HANDSHAKE = ("tcprtt", "synack", "ackdat")
JITTER = ("sjit", "djit")


def number(text):
    return float(text) if text else 0.0


def near(a, b, slack):
    return abs(a - b) <= max(slack, 0.001 * max(abs(a), abs(b)))


def packets(row):
    return sum(int(row[c]) for c in (("Spkts", "Dpkts") if "Spkts" in row else ("spkts", "dpkts")))


def is_v6(row):
    return ":" in row["srcip"]


def own_address(_, argus, __):
    return is_v6(argus) and argus["srcip"] == argus["dstip"]


def late_sweep(_, __, karma):
    return karma["late"]


def long_rest(_, __, karma):
    return karma["kept"]


def after_close(_, argus, karma):
    return argus["proto"] == "tcp" and karma["more"] and packets(argus) > packets(karma)


def ping_by_number(_, argus, karma):
    return argus["state"] == "ECO" and packets(karma) > packets(argus)


def error_by_port(_, argus, karma):
    return argus["proto"] == "icmp" and argus["state"].startswith("UR") and packets(karma) > packets(argus)


def one_way_ipsec(_, argus, karma):
    return argus["proto"] in ("esp", "ah") and packets(karma) > packets(argus)


def error_record(_, argus, __):
    return argus["cause"] == "Error"


def icmp_prolongs(column, argus, karma):
    return ("U" in argus["flgs"] and column in ("dur", "rate", "sload", "dload")
            and number(argus["dur"]) > number(karma["dur"]))


def closed_state(column, argus, _):
    return column == "state" and argus["state"] == "CLO"


def pushed_fin(column, argus, karma):
    return (column == "state" and (argus["state"], karma["state"]) == ("CON", "FIN")
            and number(karma["ssyn"]) == 0 and number(karma["sfin"]) > 0 and number(karma["spsh"]) > 0)


def named_port(_, argus, karma):
    return (argus["proto"] == "tcp" and not is_v6(argus) and argus["srcip"] == karma["dstip"] != karma["srcip"]
            and number(karma["ssyn"]) + number(karma["dsyn"]) == 0)


def cooked_ipv6(column, argus, karma):
    if argus["proto"] != "tcp" or not is_v6(argus):
        return False
    return (argus["srcip"] != karma["srcip"] or column in HANDSHAKE
            or column in ("sloss", "dloss", "stcpb", "dtcpb"))


def turned_loads(column, argus, karma):
    if column not in ("sload", "dload"):
        return False
    turned = number(karma[SIDES[column.capitalize()]])
    return near(number(argus[column]), turned, 2e-6 / max(number(argus["dur"]), 1e-6) * turned)


def turned_window(column, argus, _):
    return column in ("swin", "dwin") and argus["swin"] == argus["dwin"] == "" and argus["spkts"] == "0"


def stale_window(column, argus, karma):
    return column == "swin" and packets(argus) == 1 and karma[column] == "0"


def syn_ack_with_ecn(column, argus, _):
    return column in HANDSHAKE and "t" in argus["flgs"] and number(argus["synack"]) == 0


def syn_with_data(column, argus, karma):
    if column == "swin":
        return number(karma["ssyn"]) > 2 and number(argus["sloss"]) > 0
    return (column in HANDSHAKE and number(argus["ackdat"]) == 0 < number(karma["ackdat"]) + number(karma["synack"])
            and number(karma["ssyn"]) > 0 < number(karma["spayload"]))


def number_zero(column, argus, karma):
    return karma["zero"] and (column in ("ackdat", "tcprtt") or (
        column in ("stcpb", "dtcpb") and number(argus[column]) == number(karma[column]) + 1))


def silent_peer(column, argus, _):
    return column in ("stcpb", "dtcpb") and argus["cause"] == "Status" and "0" in (argus["spkts"], argus["dpkts"])


def refused_length(_, argus, karma):
    return karma["refused"] and packets(argus) > packets(karma)


def time_goes_back(column, _, karma):
    return karma["backwards"] and column in HANDSHAKE + ("sinpkt", "dinpkt")


def loss_by_acknowledgement(column, _, __):
    return column in ("sloss", "dloss")


def jitter_of(column, karma):
    return number(karma[column.capitalize()]), number(karma[column[0].upper() + "intpkt"])


def jitter_unit(column, argus, karma):
    if column not in JITTER:
        return False
    jitter, mean = jitter_of(column, karma)
    wrong = max(0.0, 1000 * (jitter ** 2 + mean ** 2) - mean ** 2) ** 0.5
    return near(number(argus[column]), wrong, 0.01 * wrong)


def jitter_float(column, argus, karma):
    if column not in JITTER:
        return False
    jitter, mean = jitter_of(column, karma)
    return "nan" in argus[column] or abs(number(argus[column]) ** 2 - jitter ** 2) <= 3e-7 * (jitter ** 2 + mean ** 2)


# The first that holds is the one that is counted.
QUIRKS = (
    ("own address", own_address), ("late sweep", late_sweep), ("long rest", long_rest),
    ("after the close", after_close), ("pings by number", ping_by_number), ("errors by port", error_by_port),
    ("IPsec one way", one_way_ipsec), ("error record", error_record), ("refused length", refused_length),
    ("prolonged by ICMP", icmp_prolongs), ("CLO", closed_state), ("FIN with PSH", pushed_fin),
    ("port with a name", named_port), ("IPv6 two bytes short", cooked_ipv6), ("loads not turned", turned_loads),
    ("windows not turned", turned_window), ("stale window", stale_window), ("time goes back", time_goes_back),
    ("SYN-ACK with ECN", syn_ack_with_ecn), ("number zero", number_zero), ("SYN with data", syn_with_data),
    ("silent peer", silent_peer), ("loss by acknowledgement", loss_by_acknowledgement),
    ("jitter's unit", jitter_unit), ("jitter's float", jitter_float),
)


def name_of(column, argus, karma):
    """The name of what makes the column differ, or None."""
    return next((name for name, holds in QUIRKS if holds(column, argus, karma)), None)


# ---- records that have no partner of the same ends and start ----

def inside(argus, karma):
    return (number(karma["first"]) - 3e-6 <= number(argus["stime"])
            and number(argus["ltime"]) <= number(karma["last"]) + 3e-6)


def pairing_of(argus, karma):
    """The name under which the two are one record whose start or ends Argus has otherwise, or None."""
    if argus["proto"] == "igmp":
        same = argus["srcip"] == karma["srcip"] and abs(number(argus["stime"]) - number(karma["first"])) <= 3e-6
        return "IGMP by group" if same and packets(argus) == packets(karma) else None
    if karma["refused"] and argus["cause"] == "Status" and number(argus["ltime"]) == number(karma["last"]):
        return "refused length"
    if packets(argus) != packets(karma) or not inside(argus, karma):
        return None
    if abs(number(argus["ltime"]) - number(karma["last"])) > 3e-6:
        return None
    if number(karma["first"]) < 1:
        return "second zero"
    return "dated by the source" if argus["cause"] == "Status" else None


def part_of(argus, karma):
    """The name under which Argus's record is a part of karma's, or None."""
    if not inside(argus, karma):
        return None
    if own_address(None, argus, karma):
        return "own address"
    if argus["proto"] in ("esp", "ah"):
        return "IPsec one way"
    if argus["proto"] == "icmp":
        return "pings by number" if argus["state"] == "ECO" else "errors by port"
    return "fragments" if "f" in argus["flgs"] else None
