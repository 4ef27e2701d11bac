# Short names for the npm scripts, which do the work: see "scripts" in package.json.
.PHONY: install start test unit db check format lint types unused config

install:
	npm ci

start test check format lint types unused config:
	npm run --silent $@

unit db:
	npm run --silent test:$@
