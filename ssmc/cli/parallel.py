"""Answers from several processes, in input order (`--jobs`)."""

from __future__ import annotations

import contextlib
import io
import signal
import sys
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import click

from ssmc.cli import failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ssmc.cli.inputs import Source

F = TypeVar("F", bound="Callable[..., object]")


class Answer(NamedTuple):
    """What one source came to: its exit code and what is to be printed."""

    code: int
    out: str
    err: str


def jobs_option(function: F) -> F:
    """Adds `--jobs`; the function takes `jobs: int`."""
    return click.option(
        "--jobs",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        metavar="N",
        help="Processes to share several sources among; answers stay in input order.",
    )(function)


def answer_one(action: Callable[[Source], int], source: Source, *, as_json: bool, several: bool) -> Answer:
    """The answer to one source, its errors included, with everything that it prints kept back."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = action(source)
        except Exception as error:
            code = failure.report(error, as_json=as_json, name=source.title if several else None)
    return Answer(code, out.getvalue(), err.getvalue())


def answers(
    sources: Sequence[Source], action: Callable[[Source], int], *, as_json: bool, jobs: int
) -> Iterator[Callable[[], Answer]]:
    """For each source, in order, a call that waits for its answer.

    Args:
        sources: what to read; standard input is read by this process.
        action: a picklable function that prints the answer of one source and returns its exit code.
        as_json: how errors are reported.
        jobs: the number of processes.
    """
    from concurrent.futures import ProcessPoolExecutor
    from functools import partial
    from multiprocessing import active_children, get_context

    one = partial(answer_one, action, as_json=as_json, several=len(sources) > 1)
    pool = ProcessPoolExecutor(min(jobs, len(sources)), mp_context=get_context("spawn"), initializer=_ignore_interrupts)
    try:
        # the text of standard input is read here, since a worker's is empty
        waiting = [None if s.text == "-" and not s.is_expression else pool.submit(one, s) for s in sources]
        for source, future in zip(sources, waiting, strict=True):
            yield partial(one, source) if future is None else future.result
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in active_children():
            worker.terminate()
        raise
    pool.shutdown()


def _ignore_interrupts() -> None:
    """Leaves Ctrl-C to the parent, which ends the workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def show(answer: Answer) -> int:
    """Prints an answer and returns its exit code."""
    if answer.out:
        click.echo(answer.out, nl=False)
    if answer.err:
        sys.stderr.write(answer.err)
    return answer.code
