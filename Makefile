# The two commands that do everything are "make run" and "make test".
GO ?= go
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.7.0
SAMPLE = examples/reconfigure/testdata

.PHONY: run test test-postgres deps lint bench bench-backup update clean

# The main job on the project's own sample: what would GitLab 18.11 have made
# of this gitlab.rb? Writes ./out and prints what it wrote and found.
run:
	$(GO) run ./examples/reconfigure -gitlab-rb $(SAMPLE)/gitlab.rb -host $(SAMPLE)/host.json -out ./out

# Everything that CI checks. Installs missing test programs first.
test: deps lint
	$(GO) test -race ./...
	./scripts/fuzz.sh 3s

# The database package on the oldest and the newest PostgreSQL that npm offers;
# "make test" takes the system's. Needs npm.
test-postgres: deps
	./scripts/test-postgres.sh

deps:
	@./scripts/test-deps.sh

lint:
	@test -z "$$(gofmt -l .)" || { echo "not gofmt-ed:"; gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

# The figures of BENCHMARKS.md.
bench: deps
	$(GO) test -run '^$$' -bench . -benchmem ./...

# Backup and restore against the documented commands: 1.2 GB of database and
# 1.6 GB of files, about 18 GB of temporary space, half an hour or so.
bench-backup: deps
	$(GO) run ./backup/internal/bench -rounds 3

# Rewrites all golden files with what the code gives now.
update:
	$(GO) test ./... -update

clean:
	rm -rf out bin
