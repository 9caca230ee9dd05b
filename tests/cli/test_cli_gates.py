"""Models with gates beyond the non-negative ones on the command line: compile, run, verify, inspect, explain, draw."""

import dataclasses
import json

import pytest

from ssmc.nn import read_file, save_model

MODULO_3 = ("-e", "(b|ab*ab*a)*", "--alphabet", "ab")


def test_auto_takes_the_weakest(ssmc):
    for source, target in (("d-2", "native"), ("parity", "native-signed"), ("tomita-6", "native-pd")):
        result = ssmc("compile", source, "--target", "auto", "--json")
        assert result.code == 0
        assert json.loads(result.out)["target"] == target


@pytest.mark.parametrize("target", ["native-pd", "native-complex"])
@pytest.mark.parametrize("suffix", [".pt", ".safetensors", ""])
def test_a_model_file_of_every_form(ssmc, tmp_path, target, suffix):
    path = str(tmp_path / f"model{suffix}")
    made = ssmc("compile", *MODULO_3, "--target", target, "-o", path)
    assert made.code == 0
    lengths = "all lengths" if target == "native-pd" else "lengths up to 3,387,862"
    assert f"equal at {lengths}" in made.out
    run = ssmc("run", path, "aaa", "aab", "")
    assert run.code == 1
    assert run.out.split() == ["accepted", "aaa", "rejected", "aab", "accepted"]
    shown = ssmc("inspect", path)
    assert lengths in shown.out
    assert target in shown.out
    proved = ssmc("verify", path)
    assert proved.code == 0
    where = "every length" if target == "native-pd" else lengths
    assert f"equal at {where}" in proved.out
    other = ssmc("verify", path, "-e", "(aaa)*", "--alphabet", "ab")
    assert other.code == 1
    assert "after 'b'" in other.out
    if not suffix:
        assert lengths.removeprefix("lengths ").replace(",", "") in (tmp_path / "model" / "README.md").read_text()


def test_longer_strings_than_were_proved_are_warned_of(ssmc, tmp_path):
    path = tmp_path / "model.pt"
    ssmc("compile", *MODULO_3, "--target", "native-complex", "-o", str(path))
    file = read_file(path)
    save_model(path, dataclasses.replace(file, certificate={**file.certificate, "lengths": "up to 4"}))
    quiet, loud = ssmc("run", str(path), "aaab"), ssmc("run", str(path), "aaabb")
    assert (quiet.err, quiet.out) == ("", "accepted  aaab\n")
    assert "more than 4 symbols" in loud.err
    assert loud.out == "accepted  aaabb\n"
    # what a damaged certificate says is no number
    for wrong in ("up to many", 7, None):
        save_model(path, dataclasses.replace(file, certificate={**file.certificate, "lengths": wrong}))
        assert ssmc("run", str(path), "aaabbbb").code == 0


def test_refusals_name_the_gate_the_witness_and_the_target(ssmc):
    for target, gates in (("native", ""), ("native-signed", "signed gates do not suffice: ")):
        result = ssmc("compile", *MODULO_3, "--target", target)
        assert result.code == 1
        assert f"{gates}not star-free: (a)^k is in the language exactly when k mod 3 is 0" in result.err
        assert "root of unity" in result.err
        assert "--target native-pd" in result.err
        answer = ssmc("compile", *MODULO_3, "--target", target, "--json")
        assert answer.code == 1
        assert json.loads(answer.out)["witness"]["period"] == 3


def test_explanations_and_pictures(ssmc):
    for target, kind in (("native-pd", "rotation of 3 values"), ("native-complex", "rotation of 3 values")):
        result = ssmc("explain", *MODULO_3, "--target", target)
        assert result.code == 0
        assert kind in result.out
        assert "+1 on a" in result.out
    assert "0 and 1 exchanged on a" in ssmc("explain", "parity", "--target", "auto").out
    assert "(0 1 2) on c" in ssmc("explain", "transformations-3", "--target", "native-pd").out
    data = json.loads(ssmc("explain", "transformations-3", "--target", "native-pd", "--json").out)
    assert [part["kind"] for part in data["components"]] == ["permutation"]
    drawn = ssmc("draw", "cascade", "tomita-3", "--target", "native-signed")
    assert drawn.code == 0
    assert "hexagon" in drawn.out
    assert ssmc("draw", "automaton", "parity", "--target", "auto").code == 2
    assert ssmc("explain", *MODULO_3).code == 1
