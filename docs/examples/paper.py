"""Trade the guide's strategy: on paper first, live behind its gate once the world promotes it.

Replays 2021 and 2022 at twenty bars a second. Ctrl-C stops it; started again it goes on where it stopped.
"""

import threading

from momentum import Momentum

from qmtl.sdk import Runner


def main():
    stop = threading.Event()
    try:
        report = Runner.run(Momentum, "alpha", replay=True, speed=20, start="2021-01-01", stop=stop)
    except KeyboardInterrupt:
        stop.set()
        raise SystemExit(130) from None
    print(f"{report.ended}: {report.bars} bars, orders {report.orders}, fills {report.fills}")


if __name__ == "__main__":
    main()
