# Each recipe is one plain command; CONTRIBUTING.md explains them.
PYTHON ?= python3.11
SCENE ?=
MINUTES ?= 10

setup: .venv/ready ## make .venv with the lightkiln command in it

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --upgrade pip
	.venv/bin/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

check: setup ## style, types and the direction of imports
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports

test: check ## every test, real Blenders included
	.venv/bin/pytest

demo: setup ## the main job: cameras in Blender to a mesh in the scene (SCENE=folder for your own)
	.venv/bin/python -m demo.run $(if $(SCENE),--scene $(SCENE))

addon: setup ## dist/lightkiln-VERSION.zip, for Blender 4.2 to 5.2
	.venv/bin/python build_addon.py

bench: setup ## the figures in docs/benchmarks/
	.venv/bin/python -m benchmarks.run
	.venv/bin/python -m benchmarks.texture
	PYTHONPATH=tests .venv/bin/python -m benchmarks.align
	PYTHONPATH=tests .venv/bin/python -m benchmarks.blender
	.venv/bin/python -m benchmarks.wire
	.venv/bin/python -m benchmarks.kernels
	.venv/bin/python -m benchmarks.hardships
	.venv/bin/python -m benchmarks.learned
	.venv/bin/python -m benchmarks.scaling
	PYTHONPATH=tests .venv/bin/python -m benchmarks.crowd
	PYTHONPATH=tests .venv/bin/python -m benchmarks.distillation

fuzz: setup ## hostile bytes and damaged files, round after round (MINUTES=10)
	PYTHONPATH=tests .venv/bin/python -m campaigns.histories
	PYTHONPATH=tests .venv/bin/python -m campaigns.fuzz --minutes $(MINUTES)

soak: setup ## a server under load, under siege and in use for long keeps its size (MINUTES=10)
	PYTHONPATH=tests .venv/bin/python -m campaigns.load
	PYTHONPATH=tests .venv/bin/python -m campaigns.strangers
	PYTHONPATH=tests .venv/bin/python -m campaigns.stalled
	PYTHONPATH=tests .venv/bin/python -m campaigns.cut_uploads
	PYTHONPATH=tests .venv/bin/python -m campaigns.soak --minutes $(MINUTES)

cluster: setup ## a Ray cluster whose workers, nodes and servers are killed (needs the extra [ray])
	PYTHONPATH=tests .venv/bin/python -m campaigns.cluster

chaos: setup ## kills everywhere, bad lines, a full disk, cancels: no job lost (MINUTES=10)
	PYTHONPATH=tests .venv/bin/python -m campaigns.crashes
	PYTHONPATH=tests .venv/bin/python -m campaigns.bad_lines
	PYTHONPATH=tests .venv/bin/python -m campaigns.reconnecting
	PYTHONPATH=tests .venv/bin/python -m campaigns.cancels
	PYTHONPATH=tests .venv/bin/python -m campaigns.full_disk
	PYTHONPATH=tests .venv/bin/python -m campaigns.chaos --minutes $(MINUTES)

pictures: setup ## docs/pictures/ anew, off the screen of a real Blender (root, Linux)
	PYTHONPATH=tests .venv/bin/python -m window.pictures

docs: setup ## docs/protocol.md from the messages
	.venv/bin/python docs/generate_protocol.py

.PHONY: setup check test demo addon bench fuzz soak cluster chaos pictures docs
