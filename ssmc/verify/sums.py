"""Exact sums: what has to hold of the numbers in a network so that no order of summation can change a bit.

A sum of products of floating-point numbers is exact in every order if all products are multiples of one power of two (the lowest bit that any of
them has) and the sum of their magnitudes is at most 2^24 of these units: every partial sum is then an integer of at most 24 bits. The hooks here
look at every call of the linear maps and norms of a model while a proof steps through all of its reachable states.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ssmc.errors import VerificationError

if TYPE_CHECKING:
    import torch

    from ssmc.verify.recurrent import State

LIMIT = float(1 << 24)
"""Integers up to this magnitude are exact in float32, in which sums are accumulated."""


def lowest_bit(values: torch.Tensor) -> torch.Tensor:
    """The power of two that is the lowest set bit of each number, as float64; infinity for 0."""
    import torch

    mantissa, exponent = torch.frexp(values.double())
    whole = (mantissa * (1 << 53)).to(torch.int64)
    bits = torch.ldexp((whole & -whole).double(), exponent - 53)
    return torch.where(whole == 0, torch.full_like(bits, torch.inf), bits)


class Columns:
    """Running bounds of the columns of everything that passes: largest magnitude and lowest bit."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.largest: torch.Tensor | None = None
        self.lowest: torch.Tensor | None = None

    def see(self, values: torch.Tensor) -> None:
        """Takes rows (..., columns) into account.

        Raises:
            VerificationError: a number is not finite.
        """
        rows = values.detach().reshape(-1, values.shape[-1])
        least, most = rows.aminmax(dim=0)
        if not bool(least.isfinite().all() & most.isfinite().all()):
            raise VerificationError(f"{self.name}: a number is not finite")
        # most columns have two values at most, and those are their extremes
        largest = least.abs().maximum(most.abs()).double()
        lowest = lowest_bit(least).minimum(lowest_bit(most))
        other = ((rows != least) & (rows != most)).any(0)
        if bool(other.any()):
            lowest[other] = lowest[other].minimum(lowest_bit(rows[:, other]).amin(0))
        self.largest = largest if self.largest is None else self.largest.maximum(largest)
        self.lowest = lowest if self.lowest is None else self.lowest.minimum(lowest)

    def product(self, weight: torch.Tensor) -> float:
        """The largest sum of |weight * value| of a row of a matrix, in units of the lowest bit of its products.

        Raises:
            VerificationError: it is above 2^24, so a sum may round.
        """
        import torch

        if self.largest is None or self.lowest is None:
            return 0.0
        matrix = weight.detach().double()
        total = matrix.abs() @ self.largest
        used = (matrix != 0) & (self.largest > 0)
        units = torch.where(used, lowest_bit(matrix) * self.lowest, torch.inf).amin(1)
        sizes = torch.where(units.isinf(), 0.0, total / units)
        largest = float(sizes.max()) if sizes.numel() else 0.0
        if largest > LIMIT:
            row = int(sizes.argmax())
            raise VerificationError(f"{self.name}: row {row} sums to {largest:.3g} units, beyond the 2^24 that are exact in any order")  # fmt: skip
        return largest


def check_norm(name: str, rows: torch.Tensor, eps: float) -> None:
    """Shows that the root mean square of every row is the same power of two in every order of summation.

    Either the squares add up exactly, or one of them is so large that the others together are below half an ulp of it.

    Args:
        name: for the message.
        rows: (..., d), the input of the norm.
        eps: what the norm adds to the mean square.

    Raises:
        VerificationError: it is not so.
    """
    import torch

    flat = rows.detach().reshape(-1, rows.shape[-1]).abs()
    if bool((flat == flat[:1]).all()):
        flat = flat[:1]
    flat = flat.double()
    squares = flat * flat
    total, unit, big = squares.sum(1), lowest_bit(squares).amin(1), squares.amax(1)
    exact = total <= LIMIT * unit
    swamped = (total - big) * (2 * LIMIT) < big
    if not bool((exact | swamped).all()):
        raise VerificationError(f"{name}: a sum of squares may round")
    mean = torch.where(exact, total, big) / rows.shape[-1]
    factor = torch.rsqrt(mean.float() + eps)
    if not bool((torch.frexp(factor).mantissa == 0.5).all()) or not bool((mean.float().double() == mean).all()):
        raise VerificationError(f"{name}: the root mean square is not a power of two")


class Watch:
    """Hooks on every linear map and norm of a model; a context manager.

    Attributes:
        columns: the bounds seen, by module name.
        scans: the largest sum of a scan, in units; for adapters to set.
    """

    def __init__(self, model: Any, norms: tuple[str, ...]) -> None:
        import torch

        self.model = model
        self.columns: dict[str, Columns] = {}
        self.scans = 0.0
        self._handles: list[Any] = []
        self._linear = {name: m for name, m in model.named_modules() if isinstance(m, torch.nn.Linear)}
        self._norms = {name: m for name, m in model.named_modules() if type(m).__name__ in norms}

    def __enter__(self) -> Watch:
        for name, module in self._linear.items():
            columns = self.columns.setdefault(name, Columns(name))
            self._handles.append(module.register_forward_pre_hook(lambda _, args, c=columns: c.see(args[0])))
        for name, module in self._norms.items():
            hook = lambda m, args, name=name: check_norm(name, args[0], m.variance_epsilon)  # noqa: E731
            self._handles.append(module.register_forward_pre_hook(hook))
        return self

    def __exit__(self, *_: object) -> None:
        while self._handles:
            self._handles.pop().remove()

    def check(self, low: State, high: State) -> tuple[int, int]:  # noqa: ARG002
        """The largest sum of a matrix product, and of a scan, in units.

        Args:
            low: the least value that each entry of the state took.
            high: the largest.

        Raises:
            VerificationError: a sum may round.
        """
        sums = [self.columns[name].product(module.weight) for name, module in self._linear.items()]
        if self.scans > LIMIT:
            raise VerificationError(
                f"a scan sums to {self.scans:.3g} units, beyond the 2^24 that are exact in any order"
            )
        return int(max(sums, default=0)), int(self.scans)
