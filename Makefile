# The two commands a newcomer needs: make demo, make test. Each sets up all it needs by itself.
.PHONY: help demo test check bench soak docs lock clean

CLN_MEDIA := .venv/bin/cln-media
RUN_READY := .venv/.ready-to-run
TEST_READY := .venv/.ready-to-test
INSTALLED := pyproject.toml package.json package-lock.json hatch_build.py tools/setup.sh

help:
	@echo 'make demo    from the recording in episodes/ to a published feed and site in public/'
	@echo 'make test    every test'
	@echo 'make check   ruff and mypy'
	@echo 'make bench   whole jobs, measured'
	@echo 'make soak    the longer sweeps'
	@echo 'make docs    write the reference in docs/ anew'
	@echo 'make lock    choose the newest packages and pin them'
	@echo 'make clean   remove what was made; the recordings and settings stay'

demo: $(RUN_READY)
	@$(CLN_MEDIA) build
	@$(CLN_MEDIA) sign-off choose-and-book --as comms --by 'Communications officer (demo)'
	@$(CLN_MEDIA) sign-off choose-and-book --as caldicott --by 'Caldicott guardian (demo)'
	@$(CLN_MEDIA) publish --yes
	@echo 'Open it here:  $(CLN_MEDIA) preview'

test: $(TEST_READY)
	.venv/bin/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

check: $(TEST_READY)
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy

bench: $(TEST_READY)
	.venv/bin/python -m tools.bench

soak: $(TEST_READY)
	.venv/bin/python -m pytest -m "soak or hypothesis" --hypothesis-profile=others

docs: $(TEST_READY)
	.venv/bin/python -m tools.write_docs

lock: $(TEST_READY)
	.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--upgrade pyproject.toml --output-file requirements.lock
	.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--upgrade pyproject.toml --extra transcribe --extra identifiers --group test --output-file requirements-test.lock

clean:
	rm -rf site public .cache .venv node_modules tests/node_modules pipeline/static/nhsuk pipeline/static/fonts dist

$(RUN_READY): requirements.lock $(INSTALLED)
	@tools/setup.sh run
	@touch $@

$(TEST_READY): requirements-test.lock tests/package-lock.json $(INSTALLED)
	@tools/setup.sh test
	@touch $@ $(RUN_READY)
