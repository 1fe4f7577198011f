"""The three things one does with a strategy: submit it, run it, look at it offline."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmtl.client import Client, Unreachable
from qmtl.client.documents import Run, World
from qmtl.sdk import submission as steps
from qmtl.sdk.backtest import Record, backtest, given_record
from qmtl.sdk.data import Provider, choose, load
from qmtl.sdk.engine import Engine
from qmtl.sdk.errors import AuthorError, DataError, SnapshotError, StrategyError
from qmtl.sdk.failing import is_broken
from qmtl.sdk.frame import Frame, frame_of
from qmtl.sdk.identity import code_hash, run_id
from qmtl.sdk.intervals import milliseconds, parse_time
from qmtl.sdk.offline import OfflineResult, preview
from qmtl.sdk.progress import Show, progress_bar
from qmtl.sdk.result import SubmitResult
from qmtl.sdk.snapshots import write_snapshot
from qmtl.sdk.strategy import Strategy, made, strategy_id

if TYPE_CHECKING:
    from qmtl.sdk.runtime.report import RunReport

WAIT = 120.0
FIRST_LOOK = 0.05

StrategyLike = type[Strategy] | Strategy


class Runner:
    """Everything a strategy needs around it. All methods are static: there is no state but the service's."""

    @staticmethod
    def submit(
        strategy: StrategyLike,
        world: str,
        *,
        params: Mapping[str, Any] | None = None,
        data_preset: str | None = None,
        returns: Any = None,
        auto_validate: bool = True,
        wait: bool = True,
        snapshot: str | Path | bool | None = None,
        data: Any = None,
        provider: Provider | None = None,
        until: str | None = None,
        client: Client | None = None,
        timeout: float = WAIT,
    ) -> SubmitResult:
        """Replay history, post what was earned, wait for the service's word.

        params: of a class, what it is made with. data_preset: one of those that the world declares; its first by
        default. `provider` loads it in place of the declared source, `data` is used in place of a preset. until: the
        last day of history that is looked at; what comes later is left for trading on paper. returns: what the strategy
        earned, with times, where the author has worked it out; otherwise it follows from the strategy (`auto_returns`).
        auto_validate=False: only the submission and the run are made. wait: for the verdict, at most `timeout` seconds.
        snapshot: True for `.qmtl_snapshots/`, or a path; where it cannot be written the result says so
        (`snapshot_error`).

        The same code over the same data with the same parameters is the same run: submitting again answers it. With the
        service unreachable the result says so (`safe_mode`), and nothing trades. DataError, StrategyError and refusals
        are raised; a strategy whose own code fails gives a result that is `rejected`, with the traceback. The service is
        told of it, and judges the run as failed; submitted again it is tried anew, as that need not be in the code.
        """
        try:
            prepared = made(strategy, params)
        except AuthorError as error:
            return steps.rejected(world, shown_name(strategy), error)
        name = strategy_id(type(prepared))
        with progress_bar() as show, opened(client) as service:
            try:
                described = steps.world_named(service, world)
            except Unreachable as error:
                return steps.unavailable(world, name, error)
            record, frame = None, None
            if returns is not None:
                record = given_record(returns)
                fingerprint = fingerprint_of(record)
            else:
                frame = frame_for(described, data_preset, data, provider, until)
                fingerprint = frame.fingerprint()
            submitted = steps.Submission(
                strategy=prepared,
                strategy_id=name,
                world=described,
                code=code_hash(prepared),
                fingerprint=fingerprint,
                params=prepared.params,
            )
            known: dict[str, Any] = {}
            try:
                engine = engine_for(prepared, frame) if frame is not None else None
                result = carry_out(
                    service, submitted, frame, engine, record, show, known,
                    auto_validate=auto_validate, timeout=timeout if wait else 0.0,
                )  # fmt: skip
                return with_snapshot(service, result, snapshot)
            except AuthorError as error:
                if auto_validate:
                    known |= steps.tell_failure(service, submitted, error)
                return steps.rejected(world, name, error, **known)
            except (DataError, StrategyError) as error:
                if known:  # a run waits for what cannot come
                    steps.tell_failure(service, submitted, error)
                raise
            except Unreachable as error:
                return steps.unavailable(world, name, error, **known)

    @staticmethod
    def poll_evaluation(
        world: str, strategy: StrategyLike | str, run_id: str = "latest", *, client: Client | None = None
    ) -> Run:
        """The run as it is now."""
        with opened(client) as service:
            return service.run(world, named(strategy), run_id)

    @staticmethod
    def wait_for_evaluation(
        world: str,
        strategy: StrategyLike | str,
        run_id: str = "latest",
        *,
        timeout: float = WAIT,
        interval: float = 1.0,
        client: Client | None = None,
        show: Callable[[], None] | None = None,
    ) -> Run:
        """The run once it is judged, or as it is after `timeout` seconds. `interval`: longest time between two looks."""
        with opened(client) as service:
            return judged(
                service, world, named(strategy), run_id, timeout=timeout, interval=interval, show=show
            )

    @staticmethod
    def offline(
        strategy: StrategyLike,
        data: Any = None,
        *,
        params: Mapping[str, Any] | None = None,
        returns: Any = None,
        interval: str = "1d",
        periods_per_year: float | None = None,
        risk_free_rate: float = 0.0,
        starting_capital: float = 1_000_000.0,
        reference_currency: str = "USD",
        snapshot: str | Path | bool | None = None,
    ) -> OfflineResult:
        """A preview without a service: the same replay and figures. AuthorError where the author's code fails.

        snapshot: True for `.qmtl_snapshots/`, or a path; where it cannot be written the result says so
        (`snapshot_error`).
        """
        prepared = made(strategy, params)
        if returns is not None:
            record = given_record(returns)
            fingerprint, periods = fingerprint_of(record), periods_per_year or periods_of(interval)
        else:
            frame = frame_of(data, interval=interval).check(periods_per_year=periods_per_year)
            periods = periods_per_year or periods_of(frame.interval)
            engine = engine_for(prepared, frame)
            record = backtest(prepared, frame, periods_per_year=periods, engine=engine)
            fingerprint = frame.fingerprint()
        result = preview(
            strategy_id(type(prepared)),
            run_id(code=code_hash(prepared), fingerprint=fingerprint, params=prepared.params),
            record,
            periods_per_year=periods,
            risk_free_rate=risk_free_rate,
            starting_capital=starting_capital,
            reference_currency=reference_currency,
        )
        return result.kept(snapshot) if snapshot else result

    @staticmethod
    def run(
        strategy: StrategyLike, world_id: str, *, gateway_url: str | None = None, **options: Any
    ) -> RunReport:
        """Trade it as the world allows: on paper, or live behind its gate. See `qmtl.sdk.runtime.run`."""
        from qmtl.sdk.runtime import run

        return run(strategy, world_id, gateway_url=gateway_url, **options)


# --- parts of the above ---------------------------------------------------------------------------------------
def opened(client: Client | None) -> AbstractContextManager[Client]:
    return Client() if client is None else nullcontext(client)


def named(strategy: StrategyLike | str) -> str:
    if isinstance(strategy, str):
        return strategy
    return strategy_id(strategy if isinstance(strategy, type) else type(strategy))


def shown_name(strategy: StrategyLike) -> str:
    """What a strategy is called that cannot even be made."""
    kind = strategy if isinstance(strategy, type) else type(strategy)
    return strategy_id(kind) if isinstance(kind.id, str) else kind.__name__


def engine_for(strategy: Strategy, frame: Frame) -> Engine:
    """The strategy set up for these bars, before anything is registered. AuthorError, DataError."""
    engine = Engine(strategy, frame.symbols, frame.interval)
    engine.require_fields(frame.fields)
    return engine


def frame_for(
    world: World, data_preset: str | None, data: Any, provider: Provider | None, until: str | None
) -> Frame:
    """The bars to replay: those that were given, or those of a declared preset; up to a day."""
    if data is not None:
        interval = world.data_presets[0].interval if world.data_presets else "1d"
        frame = frame_of(data, interval=interval).check(periods_per_year=world.periods_per_year)
    else:
        preset = choose(world.data_presets, data_preset, world.id)
        frame = load(preset, provider=provider, periods_per_year=world.periods_per_year)
    return frame if until is None else frame.part(stop=parse_time(until) + 1).check()


def fingerprint_of(record: Record) -> str:
    """Of returns that were given: they are their own data."""
    return Frame(record.times, ("returns",), {"close": 1.0 + record.returns[:, None]}).fingerprint()


def carry_out(
    client: Client,
    submitted: steps.Submission,
    frame: Frame | None,
    engine: Engine | None,
    record: Record | None,
    show: Show,
    known: dict[str, Any],
    *,
    auto_validate: bool,
    timeout: float,
) -> SubmitResult:
    """Everything after the data is there. `known` is what a result may tell where the service goes away meanwhile."""
    steps.register(client, submitted)
    run = steps.begin_run(client, submitted)
    known |= steps.names_of(run)
    if not auto_validate:
        return steps.result_of(client, run, precheck={}, judge=run.is_evaluated)

    def waited(run: Run) -> Run:
        names = (run.world_id, run.strategy_id, run.run_id)
        return judged(client, *names, timeout=timeout, show=lambda: show("evaluation", 0, 0))

    if not run.is_over or is_broken(run):
        if record is None:
            assert frame is not None
            assert engine is not None
            record = steps.replayed(
                client, submitted, frame, engine, run, lambda at, of: show("replay", at, of)
            )
        known["precheck"] = steps.precheck(record, submitted.world)
        record = steps.with_alpha(client, record, submitted.world)
        run = steps.handed_in(client, submitted, run, record, waited)
        known |= steps.names_of(run)
        run = waited(run)
    return steps.result_of(client, run, precheck=known.get("precheck", {}))


def judged(
    client: Client,
    world_id: str,
    strategy: str,
    run_id: str,
    *,
    timeout: float,
    interval: float = 1.0,
    show: Callable[[], None] | None = None,
) -> Run:
    deadline = time.monotonic() + timeout
    pause = min(FIRST_LOOK, interval)
    while True:
        run = client.run(world_id, strategy, run_id)
        left = deadline - time.monotonic()
        if run.is_over or left <= 0:
            return run
        if show is not None:
            show()
        time.sleep(min(pause, left))
        pause = min(pause * 1.3, interval)


def with_snapshot(client: Client, result: SubmitResult, wanted: str | Path | bool | None) -> SubmitResult:
    """The service's snapshot as a file, where one is wanted and there is one; else `snapshot_error` says why not."""
    if not wanted or result.snapshot_url is None:
        return result
    snapshot = client.snapshot(result.world_id, result.snapshot_url.rpartition("/")[2])
    try:
        return replace(result, snapshot_path=str(write_snapshot(snapshot.raw, wanted)))
    except SnapshotError as error:  # what was judged is not lost with it
        elsewhere = "The run itself stands; write it elsewhere with `qmtl world snapshot --output FILE`"
        return replace(result, snapshot_error=f"{error}. {elsewhere}")


def periods_of(interval: str) -> float:
    """Periods of a year where no world says it: 252 days of trading, else around the clock."""
    day = milliseconds("1d")
    return 252.0 if interval == "1d" else 365.0 * day / milliseconds(interval)
